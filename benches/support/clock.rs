//! Time that this thread had a core: what other processes take of it does not count.

use std::time::Duration;

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// `CLOCK_THREAD_CPUTIME_ID` of Linux.
const THREAD_CPU_TIME: i32 = 3;

/// User and system time of this thread so far.
pub fn thread_time() -> Duration {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: on 64-bit Linux a timespec is two signed 64-bit numbers, and it lives through the call.
    let failed = unsafe { clock_gettime(THREAD_CPU_TIME, &mut time) };
    assert_eq!(failed, 0, "the clock of this thread");
    Duration::new(time.seconds as u64, time.nanoseconds as u32)
}

/// Seconds of this thread's time that one call takes, called again and again for `at_least`.
pub fn seconds_a_call(at_least: Duration, mut call: impl FnMut()) -> f64 {
    let began = thread_time();
    let mut calls = 0;
    loop {
        call();
        calls += 1;
        let spent = thread_time() - began;
        if spent >= at_least {
            return spent.as_secs_f64() / f64::from(calls);
        }
    }
}

/// The value in the middle; not a number if there is none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
