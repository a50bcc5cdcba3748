//! `zstd` (RFC 8878): all frames, skippable ones too; windows of at most 8 MiB (RFC 9659).

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::{DecodeFault, Progress};

/// log2 of the largest window that a browser accepts, too.
const WINDOW_LOG_MAX: u32 = 23;
/// The longest frame header.
const FRAME_HEADER_BYTES_MAX: usize = 18;
const BLOCK_HEADER_BYTES: usize = 3;

/// Decodes one zstd stream.
///
/// The library gives a whole small frame in one go where it sees all of it, and nothing at all if
/// that fails; cut up, the same frame gives its good blocks first. So it is fed in steps that do
/// not depend on what has arrived: headers byte by byte, then never beyond the end of a block.
///
/// One case remains in which cuts matter: a last block that is stored raw, in a frame whose header
/// promised another length. The library refuses it with the call that takes the block's last byte,
/// so of that block's bytes more or fewer have come out by then.
pub(super) struct Unzstd {
    context: Option<Decoder<'static>>,
    /// Bytes of the current frame taken so far.
    frame_bytes: usize,
    /// What the library would like to have next.
    wanted: usize,
    /// The last output was filled to the brim.
    brimful: bool,
    between_frames: bool,
}

impl Default for Unzstd {
    fn default() -> Self {
        Self { context: None, frame_bytes: 0, wanted: 1, brimful: false, between_frames: true }
    }
}

impl Unzstd {
    pub(super) fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let mut progress = Progress::default();
        loop {
            let rest = &input[progress.consumed..];
            let step = &rest[..rest.len().min(self.step_bytes_max())];
            if step.is_empty() && !self.brimful {
                return progress;
            }
            let context = match &mut self.context {
                Some(context) => context,
                vacant => match open() {
                    Ok(context) => vacant.insert(context),
                    Err(fault) => return Progress { fault: Some(fault), ..progress },
                },
            };
            let Ok(status) = context.run_on_buffers(step, output) else {
                return Progress { fault: Some(DecodeFault::Corrupt), ..progress };
            };
            progress.consumed += status.bytes_read;
            progress.written = status.bytes_written;
            self.wanted = status.remaining;
            self.brimful = status.bytes_written == output.len();
            if status.remaining == 0 {
                self.frame_bytes = 0;
                self.between_frames = true;
                self.brimful = false;
            } else if status.bytes_read > 0 {
                self.frame_bytes = self.frame_bytes.saturating_add(status.bytes_read);
                self.between_frames = false;
            }
            if progress.written > 0 {
                return progress;
            }
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.between_frames
    }

    fn step_bytes_max(&self) -> usize {
        if self.brimful {
            0
        } else if self.frame_bytes < FRAME_HEADER_BYTES_MAX {
            1
        } else if self.wanted > BLOCK_HEADER_BYTES {
            // It asks for a block and the header behind it; the two together could give output and
            // an error at once.
            self.wanted - BLOCK_HEADER_BYTES
        } else {
            self.wanted.max(1)
        }
    }
}

fn open() -> Result<Decoder<'static>, DecodeFault> {
    let mut context = Decoder::new().map_err(|_| DecodeFault::OverBudget)?;
    context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(|_| DecodeFault::Corrupt)?;
    Ok(context)
}
