//! A body whose bytes are counted and hashed as they are handed to the connection, and whose end is always said: also when
//! whoever reads it goes away.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, Sleep, sleep};

/// What was handed to the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    /// Bytes.
    pub bytes: u64,
    /// Their SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Whether these are all that there were to be.
    pub complete: bool,
}

/// A body of a known length.
pub struct Counted<B> {
    inner: Pin<Box<B>>,
    expected: u64,
    bytes: u64,
    hasher: Sha256,
    patience: Duration,
    silent: Pin<Box<Sleep>>,
    /// Whether the silence is that of `inner`, and not of a reader that takes its time.
    waiting: bool,
    ended: Option<Box<dyn FnOnce(Sent) + Send>>,
}

impl<B> Counted<B> {
    /// `inner`, which must have exactly `expected` bytes and never be silent for longer than `patience`. `ended` is told when the
    /// last byte was handed over, or no more will be.
    pub fn new(
        inner: B,
        expected: u64,
        patience: Duration,
        ended: impl FnOnce(Sent) + Send + 'static,
    ) -> Self {
        Self {
            inner: Box::pin(inner),
            expected,
            bytes: 0,
            hasher: Sha256::new(),
            patience,
            silent: Box::pin(sleep(patience)),
            waiting: false,
            ended: Some(Box::new(ended)),
        }
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = this.inner.as_mut().poll_frame(cx) else {
            if !this.waiting {
                this.waiting = true;
                let until = Instant::now() + this.patience;
                this.silent.as_mut().reset(until);
            }
            ready!(this.silent.as_mut().poll(cx));
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        };
        this.waiting = false;
        let data = match frame {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
            None if this.bytes == this.expected => return Poll::Ready(None),
            None => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        };
        let bytes = this.bytes + data.len() as u64;
        if bytes > this.expected {
            return Poll::Ready(Some(Err(io::ErrorKind::InvalidData.into())));
        }
        this.bytes = bytes;
        this.hasher.update(&data);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes == self.expected
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.expected - self.bytes)
    }
}

impl<B> Drop for Counted<B> {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(Sent {
                bytes: self.bytes,
                sha256: hex::encode(std::mem::take(&mut self.hasher).finalize()),
                complete: self.bytes == self.expected,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    type Said = Result<&'static [u8], io::ErrorKind>;

    /// What a reader gets of such a body, and what is said at the end.
    async fn read(parts: Vec<Said>, expected: u64) -> (Option<Bytes>, Sent) {
        let (told, heard) = mpsc::channel();
        let frames = parts.into_iter().map(|part| match part {
            Ok(bytes) => Ok(Frame::data(Bytes::from_static(bytes))),
            Err(kind) => Err(io::Error::from(kind)),
        });
        let inner = StreamBody::new(stream::iter(frames));
        let patience = Duration::from_secs(5);
        let body = Counted::new(inner, expected, patience, move |sent| {
            told.send(sent).expect("heard");
        });
        let read = body.collect().await.ok().map(|c| c.to_bytes());
        (read, heard.recv().expect("said once"))
    }

    #[tokio::test]
    async fn a_whole_body_is_whole() {
        let (read, sent) = read(vec![Ok(b"ab"), Ok(b"c")], 3).await;
        assert_eq!(read.as_deref(), Some(b"abc".as_slice()));
        let sha256 = hex::encode(Sha256::digest(b"abc"));
        let whole = Sent {
            bytes: 3,
            sha256,
            complete: true,
        };
        assert_eq!(sent, whole);
    }

    #[tokio::test]
    async fn short_long_or_broken_it_is_not() {
        let broken = Err(io::ErrorKind::ConnectionReset);
        for parts in [
            vec![Ok(b"ab".as_slice())],
            vec![Ok(b"abcd")],
            vec![Ok(b"ab"), broken],
        ] {
            let (read, sent) = read(parts, 3).await;
            assert_eq!(read, None);
            assert!(!sent.complete);
        }
    }

    #[tokio::test]
    async fn silence_is_an_end() {
        let (told, heard) = mpsc::channel();
        let silent = StreamBody::new(stream::pending::<io::Result<Frame<Bytes>>>());
        let body = Counted::new(silent, 3, Duration::from_millis(50), move |sent| {
            told.send(sent).expect("heard");
        });
        assert_eq!(
            body.collect().await.expect_err("an error").kind(),
            io::ErrorKind::TimedOut
        );
        assert_eq!(heard.recv().expect("said").bytes, 0);
    }
}
