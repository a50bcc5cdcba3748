//! The hot loops, compiled once more for processors with wider instructions.

/// A loop that is worth it. Mark [`Work::run`] and all that it calls often `#[inline(always)]`.
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

/// Does some work, in code for this very processor if that is known to be of the kind that most
/// servers have had since 2013 (x86-64-v3). What is called within can only be put in line if it asks
/// for no more than this.
#[inline]
pub fn run_wide<W: Work>(work: W) -> W::Output {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt")
    {
        #[expect(unsafe_code, reason = "the only way to call code for a processor that has been asked what it is")]
        // SAFETY: `wide` may be called only where the features exist that it is compiled for, and
        // the processor has just said that they do. What `work` does is safe code either way.
        return unsafe { wide(work) };
    }
    work.run()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
fn wide<W: Work>(work: W) -> W::Output {
    work.run()
}
