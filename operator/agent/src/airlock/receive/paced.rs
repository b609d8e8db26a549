//! A form's bytes, given to its parser one piece at a time. The parser takes whatever it is given before it gives anything on, and
//! looks for a part's end in all of it: from a fast sender, or one who never sends that end, it would hold the whole form.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes};
use futures::Stream;

/// Bytes of a piece.
const PIECE: usize = 16 << 10;
/// Bytes that the parser may take without giving anything on: a part's header fits many times.
const AHEAD: usize = 64 << 10;

/// A body in pieces.
pub struct Paced {
    inner: BodyDataStream,
    piece: Bytes,
    resting: bool,
    left: u64,
    ahead: Ahead,
}

/// How much the parser has taken since it last gave something on.
#[derive(Debug, Clone, Default)]
pub struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    /// It has given something on.
    pub fn none(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Paced {
    /// Of a body of at most so many bytes.
    pub fn new(body: Body, most: u64, ahead: Ahead) -> Self {
        Self {
            inner: body.into_data_stream(),
            piece: Bytes::new(),
            resting: false,
            left: most,
            ahead,
        }
    }
}

impl Stream for Paced {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.resting {
            this.resting = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while this.piece.is_empty() {
            match Pin::new(&mut this.inner).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Ok(data))) => this.piece = data,
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
            }
        }
        let piece = this.piece.split_to(this.piece.len().min(PIECE));
        let ahead = &this.ahead.0;
        let taken = ahead.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
        let left = this.left.checked_sub(piece.len() as u64);
        let Some(left) = left.filter(|_| taken <= AHEAD) else {
            return Poll::Ready(Some(Err(io::ErrorKind::InvalidData.into())));
        };
        this.left = left;
        this.resting = true;
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// What a parser that asks so often would take at once.
    fn taken(paced: &mut Paced) -> Vec<Option<usize>> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        while let Poll::Ready(piece) = Pin::new(&mut *paced).poll_next(&mut cx) {
            all.push(piece.and_then(Result::ok).map(|p| p.len()));
            if all.last() == Some(&None) {
                break;
            }
        }
        all
    }

    #[test]
    fn a_piece_at_a_time() {
        let ahead = Ahead::default();
        let mut paced = Paced::new(vec![0; PIECE * 9 + 5].into(), u64::MAX, ahead.clone());
        for _ in 0..9 {
            assert_eq!(taken(&mut paced), [Some(PIECE)]);
            ahead.none();
        }
        assert_eq!(taken(&mut paced), [Some(5)]);
        assert_eq!(taken(&mut paced), [None]);
    }

    #[test]
    fn who_gives_nothing_on_gets_no_more() {
        let mut paced = Paced::new(vec![0; PIECE * 9].into(), u64::MAX, Ahead::default());
        for _ in 0..AHEAD / PIECE {
            assert_eq!(taken(&mut paced), [Some(PIECE)]);
        }
        assert_eq!(taken(&mut paced), [None]);
    }

    #[test]
    fn no_more_than_was_said() {
        let mut paced = Paced::new(vec![0; PIECE * 2].into(), PIECE as u64, Ahead::default());
        assert_eq!(taken(&mut paced), [Some(PIECE)]);
        assert_eq!(taken(&mut paced), [None]);
    }
}
