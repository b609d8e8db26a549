//! zstd: frames, one after another, and what stands between them (RFC 8878). A frame is decoded by ruzstd.

use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What begins a frame.
const MAGIC: [u8; 4] = *b"\x28\xb5\x2f\xfd";

/// Reads what all frames hold.
pub struct Frames<R> {
    reader: R,
    decoder: FrameDecoder,
    within: bool,
    /// Bytes in frames that decoders skip.
    pub skipped: u64,
    /// Whether a frame needs a dictionary, or more memory than allowed.
    pub opaque: bool,
}

impl<R: BufRead> Frames<R> {
    /// Before the first frame. `window` is the memory that a frame may ask for.
    pub fn new(reader: R, window: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window);
        Self {
            reader,
            decoder,
            within: false,
            skipped: 0,
            opaque: false,
        }
    }

    /// What follows the last frame.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// Opens the next frame; false when there is none.
    fn open(&mut self) -> io::Result<bool> {
        loop {
            let next = self.reader.fill_buf()?.get(..4).unwrap_or_default();
            let skippable = matches!(next, [0x50..=0x5f, 0x2a, 0x4d, 0x18]);
            if next != MAGIC && !skippable {
                return Ok(false);
            }
            match self.decoder.init(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    self.skipped = self.skipped.saturating_add(length);
                    io::copy(&mut (&mut self.reader).take(length), &mut io::sink())?;
                }
                Err(error) => {
                    self.opaque = matches!(
                        error,
                        FrameDecoderError::WindowSizeTooBig { .. }
                            | FrameDecoderError::DictNotProvided { .. }
                    );
                    return Err(io::Error::other(error));
                }
            }
        }
    }

    fn part(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                self.within = self.open()?;
                if !self.within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.reader, one)
                    .map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.within = false;
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // Somebody else's parser over hostile bytes: should it panic, the rest is not known.
        catch_unwind(AssertUnwindSafe(|| self.part(buffer)))
            .unwrap_or_else(|_| Err(io::Error::other("the stream made its reader fail")))
    }
}
