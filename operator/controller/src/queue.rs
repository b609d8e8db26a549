//! A keyed work queue: each key at most once in it, never two at work at the same time, delayed
//! adding, and a count of failures for backoff.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::key::ObjectKey;

/// Work handed out; give it back with [`Queue::done`].
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// What to work on.
    pub key: ObjectKey,
    /// How long the key was due before a worker took it.
    pub latency: Duration,
    /// Failures in a row so far.
    pub failures: u32,
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Well; look again after the time, if one is given. Clears the failures.
    Ok(Option<Duration>),
    /// Badly; look again after the time. Counts as a failure.
    Failed(Duration),
    /// The object is gone: forget its failures.
    Gone,
}

#[derive(Default)]
struct State {
    /// Waiting keys in the order in which they fall due; `HashMap` beside it for finding one.
    order: BTreeSet<(Instant, ObjectKey)>,
    due: HashMap<ObjectKey, Instant>,
    running: HashSet<ObjectKey>,
    /// Keys added while at work: they wait for the running one to end.
    again: HashMap<ObjectKey, Instant>,
    failures: HashMap<ObjectKey, u32>,
}

impl State {
    fn schedule(&mut self, key: ObjectKey, at: Instant) {
        if self.running.contains(&key) {
            let due = self.again.entry(key).or_insert(at);
            *due = (*due).min(at);
            return;
        }
        match self.due.get(&key).copied() {
            Some(earlier) if earlier <= at => return,
            Some(later) => {
                self.order.remove(&(later, key.clone()));
            }
            None => {}
        }
        self.order.insert((at, key.clone()));
        self.due.insert(key, at);
    }
}

/// The queue. Cheap to share behind an `Arc`; all methods take `&self`.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `key` due now.
    pub fn add(&self, key: ObjectKey) {
        self.add_after(key, Duration::ZERO);
    }

    /// Makes `key` due after `wait`, or earlier if it was due earlier already.
    pub fn add_after(&self, key: ObjectKey, wait: Duration) {
        self.state().schedule(key, Instant::now() + wait);
        self.changed.notify_one();
    }

    /// The next key that is due and not at work. Waits for one; safe to cancel.
    pub async fn next(&self) -> Item {
        loop {
            let changed = self.changed.notified();
            match self.take() {
                Ok(item) => return item,
                Err(Some(due)) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = changed => {}
                    }
                }
                Err(None) => changed.await,
            }
        }
    }

    /// Takes the first due key, or says when the first one falls due.
    fn take(&self) -> Result<Item, Option<Instant>> {
        let now = Instant::now();
        let mut state = self.state();
        let Some((due, key)) = state.order.first().cloned() else {
            return Err(None);
        };
        if due > now {
            return Err(Some(due));
        }
        state.order.pop_first();
        state.due.remove(&key);
        state.running.insert(key.clone());
        let failures = state.failures.get(&key).copied().unwrap_or(0);
        Ok(Item {
            key,
            latency: now - due,
            failures,
        })
    }

    /// Gives a key back. What was added while it was at work becomes due.
    pub fn done(&self, key: ObjectKey, done: Done) {
        let now = Instant::now();
        let mut state = self.state();
        state.running.remove(&key);
        let wait = match done {
            Done::Ok(wait) => {
                state.failures.remove(&key);
                wait
            }
            Done::Failed(wait) => {
                let count = state.failures.entry(key.clone()).or_insert(0);
                *count = count.saturating_add(1);
                Some(wait)
            }
            Done::Gone => {
                state.failures.remove(&key);
                None
            }
        };
        if let Some(at) = state.again.remove(&key) {
            state.schedule(key.clone(), at);
        }
        if let Some(wait) = wait {
            state.schedule(key, now + wait);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Number of keys that wait (not those at work).
    pub fn depth(&self) -> usize {
        self.state().due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::cluster(name)
    }

    async fn nothing_for(queue: &Queue, wait: Duration) -> bool {
        tokio::time::timeout(wait, queue.next()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_added_often_is_handed_out_once() {
        let queue = Queue::new();
        for _ in 0..10 {
            queue.add(key("a"));
        }
        assert_eq!(queue.next().await.key, key("a"));
        queue.done(key("a"), Done::Ok(None));
        assert!(nothing_for(&queue, Duration::from_secs(3600)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_key_is_not_handed_out_again_until_done() {
        let queue = Queue::new();
        queue.add(key("a"));
        queue.next().await;
        queue.add(key("a"));
        assert!(nothing_for(&queue, Duration::from_secs(60)).await);
        queue.done(key("a"), Done::Ok(None));
        assert_eq!(queue.next().await.key, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn other_keys_pass_a_running_one() {
        let queue = Queue::new();
        queue.add(key("a"));
        queue.next().await;
        queue.add(key("b"));
        assert_eq!(queue.next().await.key, key("b"));
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_keys_wait_and_an_earlier_wish_wins() {
        let queue = Queue::new();
        queue.add_after(key("a"), Duration::from_secs(30));
        queue.add_after(key("a"), Duration::from_secs(300));
        assert!(nothing_for(&queue, Duration::from_secs(29)).await);
        assert_eq!(queue.next().await.key, key("a"));
        queue.done(key("a"), Done::Ok(Some(Duration::from_secs(600))));
        queue.add(key("a"));
        let item = queue.next().await;
        assert_eq!(item.latency, Duration::ZERO);
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_worker_wakes_for_an_earlier_key() {
        let queue = std::sync::Arc::new(Queue::new());
        queue.add_after(key("late"), Duration::from_secs(100));
        let other = queue.clone();
        let worker = tokio::spawn(async move { other.next().await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        queue.add(key("now"));
        assert_eq!(worker.await.expect("worker").key, key("now"));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_count_up_and_success_or_absence_clears_them() {
        let queue = Queue::new();
        queue.add(key("a"));
        for failures in 0..3 {
            assert_eq!(queue.next().await.failures, failures);
            queue.done(key("a"), Done::Failed(Duration::from_secs(1)));
        }
        queue.next().await;
        queue.done(key("a"), Done::Ok(Some(Duration::from_secs(1))));
        assert_eq!(queue.next().await.failures, 0);
        queue.done(key("a"), Done::Failed(Duration::from_secs(1)));
        queue.next().await;
        queue.done(key("a"), Done::Gone);
        queue.add(key("a"));
        assert_eq!(queue.next().await.failures, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn latency_is_counted_from_the_time_the_key_fell_due() {
        let queue = Queue::new();
        queue.add(key("a"));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(queue.next().await.latency, Duration::from_secs(5));
    }
}
