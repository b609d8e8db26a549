//! From the thread that reads the chamber to the connection: a few chunks under way, never more.

use std::io::{self, Write};

use axum::body::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

/// Bytes handed over at once.
const CHUNK: usize = 64 << 10;
/// Chunks under way.
const UNDER_WAY: usize = 4;

/// The writing end; blocks while the reading end is slow.
pub struct Sink {
    chunk: Vec<u8>,
    to: mpsc::Sender<io::Result<Bytes>>,
}

/// A sink, and the body of what is written to it.
pub fn pipe() -> (
    Sink,
    impl Body<Data = Bytes, Error = io::Error> + Send + 'static,
) {
    let (to, mut from) = mpsc::channel::<io::Result<Bytes>>(UNDER_WAY);
    let frames = stream::poll_fn(move |cx| {
        from.poll_recv(cx)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    });
    let sink = Sink {
        chunk: Vec::with_capacity(CHUNK),
        to,
    };
    (sink, StreamBody::new(frames))
}

impl Sink {
    /// Ends the body where it is: its reader learns that it is not whole.
    pub fn break_off(self) {
        let _ = self
            .to
            .blocking_send(Err(io::ErrorKind::InvalidData.into()));
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.to
            .blocking_send(Ok(chunk.into()))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for &mut Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK {
            self.hand_over()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}
