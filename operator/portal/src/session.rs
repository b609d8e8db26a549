//! Who is signed in: kept in memory, so that signing out ends a session wherever its cookie went. A restart signs everybody out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::RngCore;

use crate::user::User;

/// Sessions at once; beyond it the one that was idle longest goes.
const MOST: usize = 10_000;

/// One person's session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub user: User,
    /// What every form of this session carries.
    pub csrf: String,
    /// Projects that the sign-in service named.
    pub projects: Vec<String>,
    began: Instant,
    seen: Instant,
}

/// All sessions, by the value of their cookie.
#[derive(Debug)]
pub struct Sessions {
    idle: Duration,
    longest: Duration,
    open: Mutex<HashMap<String, Session>>,
}

impl Sessions {
    /// Sessions that end after `idle` without a page, and after `longest` in any case.
    pub fn new(idle: Duration, longest: Duration) -> Self {
        Self {
            idle,
            longest,
            open: Mutex::default(),
        }
    }

    /// Begins a session and gives the value of its cookie.
    pub fn begin(&self, user: User, projects: Vec<String>, now: Instant) -> String {
        let id = secret();
        let session = Session {
            user,
            csrf: secret(),
            projects,
            began: now,
            seen: now,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| self.lives(session, now));
        if open.len() >= MOST {
            let idlest = open.iter().min_by_key(|(_, s)| s.seen);
            if let Some(id) = idlest.map(|(id, _)| id.clone()) {
                open.remove(&id);
            }
        }
        open.insert(id.clone(), session);
        id
    }

    /// The session of a cookie, if it still lives; it counts as seen.
    pub fn get(&self, id: &str, now: Instant) -> Option<Session> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(id)?;
        if !self.lives(session, now) {
            open.remove(id);
            return None;
        }
        session.seen = now;
        Some(session.clone())
    }

    /// Ends a session.
    pub fn end(&self, id: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(id);
    }

    /// How many live.
    pub fn count(&self, now: Instant) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().filter(|s| self.lives(s, now)).count()
    }

    fn lives(&self, session: &Session, now: Instant) -> bool {
        now.saturating_duration_since(session.seen) < self.idle
            && now.saturating_duration_since(session.began) < self.longest
    }
}

/// 256 random bits in hexadecimal.
pub fn secret() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sessions() -> Sessions {
        Sessions::new(30 * MINUTE, 480 * MINUTE)
    }

    fn begin(sessions: &Sessions, now: Instant) -> String {
        sessions.begin(User::parse("u-7c1e").expect("name"), Vec::new(), now)
    }

    #[test]
    fn a_session_ends_when_idle_and_lives_on_while_used() {
        let (sessions, t) = (sessions(), Instant::now());
        let idle = begin(&sessions, t);
        let used = begin(&sessions, t);
        assert_ne!(idle, used);
        assert!(sessions.get(&used, t + 20 * MINUTE).is_some());
        assert!(sessions.get(&idle, t + 31 * MINUTE).is_none());
        assert!(sessions.get(&used, t + 31 * MINUTE).is_some());
    }

    #[test]
    fn a_session_ends_in_any_case_after_its_longest_life() {
        let (sessions, t) = (sessions(), Instant::now());
        let id = begin(&sessions, t);
        for quarter in 1..32 {
            assert!(sessions.get(&id, t + 15 * quarter * MINUTE).is_some());
        }
        assert!(sessions.get(&id, t + 480 * MINUTE).is_none());
    }

    #[test]
    fn who_signed_out_is_out_and_others_are_not() {
        let (sessions, t) = (sessions(), Instant::now());
        let (one, other) = (begin(&sessions, t), begin(&sessions, t));
        sessions.end(&one);
        assert!(sessions.get(&one, t).is_none());
        assert!(sessions.get(&other, t).is_some());
        assert_eq!(sessions.count(t), 1);
    }

    #[test]
    fn a_flood_of_sessions_pushes_out_the_idlest() {
        let (sessions, t) = (sessions(), Instant::now());
        let first = begin(&sessions, t);
        for _ in 0..MOST {
            begin(&sessions, t + MINUTE);
        }
        assert!(sessions.get(&first, t + MINUTE).is_none());
        assert_eq!(sessions.count(t + MINUTE), MOST);
    }
}
