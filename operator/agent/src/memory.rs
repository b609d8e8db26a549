//! What a listener remembers: which pod UIDs spoke to it. Bounded, and honest about its bound.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sde_core::lock::{Boot, Seen, parse_probe_line};

/// Pod UIDs that are remembered; the oldest goes first.
pub const CAPACITY: usize = 65_536;

/// Counts nonces by pod UID.
pub struct Memory {
    boot: Boot,
    capacity: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    pods: HashMap<Arc<str>, Entry>,
    order: VecDeque<Arc<str>>,
    complete: bool,
}

struct Entry {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Memory {
    /// An empty memory with a new random boot id.
    pub fn new(capacity: usize) -> Self {
        Self {
            boot: Boot {
                boot_id: format!("{:032x}", rand::random::<u128>()),
                started_at: Timestamp::now(),
            },
            capacity,
            inner: Mutex::new(Inner {
                pods: HashMap::new(),
                order: VecDeque::new(),
                complete: true,
            }),
        }
    }

    /// This start's identity.
    pub fn boot(&self) -> &Boot {
        &self.boot
    }

    /// Remembers a probe line; anything else is not a nonce and is answered all the same.
    pub fn remember(&self, line: &[u8], now: Timestamp) {
        let Some((uid, target)) = parse_probe_line(line) else {
            return;
        };
        let mut inner = self.lock();
        if let Some(entry) = inner.pods.get_mut(uid) {
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
            return;
        }
        tracing::info!(pod_uid = uid, target, "first nonce of this pod");
        if inner.pods.len() >= self.capacity
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.pods.remove(&oldest);
            Self::incomplete(&mut inner, "memory is full");
        }
        let uid: Arc<str> = uid.into();
        inner.order.push_back(Arc::clone(&uid));
        inner.pods.insert(
            uid,
            Entry {
                count: 1,
                first: now,
                last: now,
            },
        );
    }

    /// A connection was turned away unread, so a nonce may have been missed.
    pub fn missed(&self) {
        Self::incomplete(&mut self.lock(), "too many connections");
    }

    /// What is known about a pod.
    pub fn seen(&self, uid: &str) -> Seen {
        let inner = self.lock();
        let entry = inner.pods.get(uid);
        Seen {
            boot_id: self.boot.boot_id.clone(),
            pod_uid: uid.to_owned(),
            count: entry.map_or(0, |e| e.count),
            first: entry.map(|e| e.first),
            last: entry.map(|e| e.last),
            complete: inner.complete,
        }
    }

    fn incomplete(inner: &mut Inner, why: &str) {
        if inner.complete {
            tracing::warn!(
                why,
                "nonces may be lost: no lock can be confirmed until a restart"
            );
        }
        inner.complete = false;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change above leaves the maps usable even if it panicked half-way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sde_core::lock::probe_line;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn counts_by_pod() {
        let memory = Memory::new(8);
        memory.remember(probe_line("a", "tcp").as_bytes(), at(1));
        memory.remember(probe_line("a", "udp").as_bytes(), at(5));
        memory.remember(probe_line("b", "tcp").as_bytes(), at(3));
        memory.remember(b"GET / HTTP/1.1\r\n", at(4));
        let a = memory.seen("a");
        assert_eq!(
            (a.count, a.first, a.last, a.complete),
            (2, Some(at(1)), Some(at(5)), true)
        );
        let none = memory.seen("c");
        assert_eq!(
            (none.count, none.first, none.last, none.complete),
            (0, None, None, true)
        );
        assert_eq!(a.boot_id, memory.boot().boot_id);
    }

    #[test]
    fn evicts_the_oldest_and_says_so_for_everyone() {
        let memory = Memory::new(2);
        for uid in ["a", "b"] {
            memory.remember(probe_line(uid, "x").as_bytes(), at(1));
        }
        assert!(memory.seen("a").complete);
        memory.remember(probe_line("c", "x").as_bytes(), at(2));
        assert_eq!(memory.seen("a").count, 0);
        assert_eq!(memory.seen("b").count, 1);
        assert_eq!(memory.seen("c").count, 1);
        assert!(
            ["a", "b", "c", "never"]
                .iter()
                .all(|uid| !memory.seen(uid).complete)
        );
    }

    #[test]
    fn a_missed_connection_makes_it_incomplete() {
        let memory = Memory::new(2);
        memory.missed();
        assert!(!memory.seen("a").complete);
    }

    #[test]
    fn every_start_has_its_own_boot_id() {
        let (one, two) = (Memory::new(1), Memory::new(1));
        assert_eq!(one.boot().boot_id.len(), 32);
        assert_ne!(one.boot().boot_id, two.boot().boot_id);
    }

    proptest! {
        /// Never more than its capacity, and "complete" is never said after a loss.
        #[test]
        fn bounded_and_honest(uids in proptest::collection::vec(0..12u8, 0..60), capacity in 1..8usize) {
            let memory = Memory::new(capacity);
            let mut all = std::collections::BTreeSet::new();
            for uid in &uids {
                memory.remember(probe_line(&uid.to_string(), "x").as_bytes(), at(1));
                all.insert(*uid);
                let inner = memory.lock();
                prop_assert!(inner.pods.len() <= capacity && inner.order.len() == inner.pods.len());
            }
            prop_assert_eq!(memory.seen("0").complete, all.len() <= capacity);
            if memory.seen("0").complete {
                for uid in &all {
                    let count = uids.iter().filter(|u| *u == uid).count() as u64;
                    prop_assert_eq!(memory.seen(&uid.to_string()).count, count);
                }
            }
        }
    }
}
