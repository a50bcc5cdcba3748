//! `br` (RFC 7932), without the large-window extension, which no browser accepts.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper, StandardAlloc};

use super::{DecodeFault, Progress};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Decodes one brotli stream; what follows it is ignored.
#[derive(Default)]
pub(super) struct Unbrotli {
    state: Option<Box<State>>,
    stage: Stage,
}

#[derive(Default)]
enum Stage {
    #[default]
    Running,
    /// The stream is broken; these places of the ring buffer were decoded before and wait to be
    /// given out.
    Broken(std::ops::Range<usize>),
    Ended,
}

impl Unbrotli {
    pub(super) fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let state = self.state.get_or_insert_with(|| {
            let alloc = StandardAlloc::default;
            Box::new(State::new_strict(alloc(), alloc(), alloc()))
        });
        match &mut self.stage {
            Stage::Running => {}
            Stage::Broken(left) => return salvage(state, left, output),
            Stage::Ended => return Progress { consumed: input.len(), ..Progress::default() },
        }
        let mut progress = Progress::default();
        let (mut input_left, mut output_left, mut total) = (input.len(), output.len(), 0);
        let result = BrotliDecompressStream(
            &mut input_left,
            &mut progress.consumed,
            input,
            &mut output_left,
            &mut progress.written,
            output,
            &mut total,
            state,
        );
        match result {
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => progress,
            BrotliResult::ResultSuccess => {
                self.stage = Stage::Ended;
                Progress { consumed: input.len(), ..progress }
            }
            BrotliResult::ResultFailure => {
                let mut left = unwritten(state);
                let rest = output.get_mut(progress.written..).unwrap_or_default();
                let salvaged = salvage(state, &mut left, rest);
                self.stage = Stage::Broken(left);
                Progress { consumed: input.len(), written: progress.written + salvaged.written, fault: salvaged.fault }
            }
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }
}

/// What was decoded into the ring buffer before the stream broke and not given out yet. The
/// library gives its output away when the ring buffer is full or the input is used up, so without
/// this the last good bytes would depend on where the input was cut.
///
/// One case remains in which they do: a command whose literals run past the end of its meta-block.
/// The library notices it when it next gives output away, so of that last command's literals more
/// or fewer come out. They are never more than the meta-block has room for.
fn unwritten(state: &State) -> std::ops::Range<usize> {
    let round_start = u64::try_from(state.ringbuffer_size).unwrap_or(0).saturating_mul(state.rb_roundtrips);
    let start = state.partial_pos_out.checked_sub(round_start).and_then(|start| usize::try_from(start).ok());
    let overrun = state.meta_block_remaining_len.saturating_add(state.loop_counter.max(0)).min(0);
    let end = usize::try_from(state.pos.saturating_add(overrun)).ok();
    match (start, end) {
        (Some(start), Some(end)) if start <= end && end <= state.ringbuffer.slice().len() => start..end,
        (Some(_) | None, Some(_) | None) => 0..0,
    }
}

fn salvage(state: &State, left: &mut std::ops::Range<usize>, output: &mut [u8]) -> Progress {
    let good = state.ringbuffer.slice().get(left.clone()).unwrap_or_default();
    let length = good.len().min(output.len());
    output[..length].copy_from_slice(&good[..length]);
    left.start += length;
    let fault = (left.start >= left.end).then_some(DecodeFault::Corrupt);
    Progress { consumed: 0, written: length, fault }
}
