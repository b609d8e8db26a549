//! Who has opened which files, by the person of their ticket, and the viewing code of whoever has opened every one. It is kept for as
//! long as the viewer runs: a code that was shown stays good, what was opened without coming to one is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use sde_core::airlock::manifest::Manifest;
use sde_core::airlock::task::{DoorTask, Task, ViewingTask};
use sde_core::airlock::viewing::Viewed;

use crate::airlock::error::JobError;
use crate::airlock::view::looked::Looked;

/// What people have opened.
pub struct Seeing {
    uid: String,
    door: DoorTask,
    viewing: ViewingTask,
    /// Whether the report that is shown is the one under review.
    right_report: bool,
    files: BTreeSet<u64>,
    opened: Mutex<BTreeMap<String, BTreeSet<u64>>>,
}

/// How far somebody is.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// What is shown is not what is under review: there is no code.
    NotUnderReview,
    /// Files that they have still to open.
    Missing(BTreeSet<u64>),
    /// All are opened: their code.
    All(String),
}

impl Seeing {
    /// Of nobody yet.
    ///
    /// # Errors
    /// [`JobError::Unable`] when the task does not say how codes are made.
    pub fn of(task: &Task, manifest: &Manifest, looked: Option<&Looked>) -> Result<Self, JobError> {
        let said = task.door.clone().zip(task.viewing.clone());
        let (door, viewing) = said.ok_or(JobError::Unable(
            "the task does not say how viewing codes are made",
        ))?;
        Ok(Self {
            uid: task.salt.clone(),
            right_report: looked.is_some_and(|l| viewing.is_of(&l.digest)),
            door,
            viewing,
            files: manifest.files.iter().map(|f| f.number).collect(),
            opened: Mutex::default(),
        })
    }

    /// A page of a file was handed out whole to somebody.
    pub fn open(&self, person: &str, number: u64) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry(person.to_owned()).or_default().insert(number);
    }

    /// How far somebody is.
    pub fn progress(&self, person: &str) -> Progress {
        if !self.right_report {
            return Progress::NotUnderReview;
        }
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = self.files.clone();
        if let Some(opened) = opened.get(person) {
            missing.retain(|file| !opened.contains(file));
        }
        if !missing.is_empty() {
            return Progress::Missing(missing);
        }
        Progress::All(self.viewing.key.code(&Viewed {
            request_uid: &self.uid,
            content: &self.door.content,
            findings: &self.viewing.findings,
            person,
        }))
    }
}
