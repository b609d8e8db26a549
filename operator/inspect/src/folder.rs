//! The files of one sealed folder, one after the other and together, beside what its requester says of them.

use std::io::{self, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::import::{Direction, of_import};
use crate::inspect::inspect;
use crate::kind::Kind;
use crate::limits::{Declared, Limits, Thresholds};
use crate::malware::Malware;
use crate::name::name;
use crate::report::{Facts, Finding, Place, Report};
use crate::request::request;
use crate::rules;
use crate::transfer::{encrypted, of_transfer};

/// What is said of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredFile {
    /// Numbers that rules use.
    pub declared: Declared,
    /// Whether it is said to be a figure.
    pub figure: bool,
    /// Number of the file with the counts behind it, from 0.
    pub counts_file: Option<u64>,
    /// Whether it is said to come in without a licence.
    pub unlicensed: bool,
    /// What a malware scanner says of it.
    pub malware: Malware,
}

/// A folder being looked at: memory does not grow with its files' sizes, only with what is found.
#[derive(Debug)]
pub struct Folder {
    limits: Limits,
    thresholds: Thresholds,
    direction: Direction,
    reports: Vec<Report>,
    said: Vec<DeclaredFile>,
}

impl Folder {
    /// None of its files yet. Thresholds weaker than their floors count as the floors.
    pub fn new(limits: &Limits, thresholds: &Thresholds, direction: Direction) -> Self {
        Self {
            limits: limits.clone(),
            thresholds: thresholds.floored(),
            direction,
            reports: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Looks at its next file. One that cannot be opened or read, or on which a rule fails, is held (AL-G019), and the others go on.
    pub fn file(&mut self, input: io::Result<impl Read + Seek>, path: &str, said: DeclaredFile) {
        let looked = catch_unwind(AssertUnwindSafe(|| {
            let mut input = input?;
            let mut report = inspect(&mut input, &self.limits, &self.thresholds, &said.declared)?;
            report.findings.extend(name(path, report.kind));
            let encrypted = self.direction == Direction::Transfer && encrypted(&mut input)?;
            Ok::<_, crate::InspectError>((report, encrypted))
        }));
        let (mut report, encrypted) = match looked {
            Ok(Ok(looked)) => looked,
            Ok(Err(_)) => (unread("the file cannot be read"), false),
            Err(_) => (unread("looking at it failed"), false),
        };
        report.findings.extend(said.malware.finding());
        self.reports.push(match self.direction {
            Direction::Export => sorted(report),
            Direction::Transfer => sorted(of_transfer(report, encrypted)),
            Direction::Import => Report {
                findings: of_import(report.findings),
                ..report
            },
        });
        self.said.push(said);
    }

    /// What each file is, and what they are together.
    pub fn finish(self) -> (Vec<Report>, Vec<Finding>) {
        match self.direction {
            Direction::Import => {
                let together = [self.without_licence(), self.unscanned()];
                return (self.reports, together.into_iter().flatten().collect());
            }
            // Rules about several files are about results.
            Direction::Transfer => return (self.reports, Vec::new()),
            Direction::Export => {}
        }
        let mut together = request(&self.reports, &self.thresholds);
        if together.iter().all(|f| f.rule != rules::S012.id) {
            together.extend(self.without_counts());
        }
        (self.reports, together)
    }

    /// Files that come in without a licence.
    fn without_licence(&self) -> Option<Finding> {
        let count = self.said.iter().filter(|said| said.unlicensed).count() as u64;
        let what = "no licence is named".to_owned();
        (count > 0).then(|| Finding::new(&rules::N005, Place::default(), count, what))
    }

    /// Files that come in and that no malware scanner looked at.
    fn unscanned(&self) -> Option<Finding> {
        let unscanned = self
            .said
            .iter()
            .filter(|s| s.malware == Malware::NotScanned);
        let count = unscanned.count() as u64;
        let what = "the SdePolicy names no malware scanner".to_owned();
        (count > 0).then(|| Finding::new(&rules::N006, Place::default(), count, what))
    }

    /// Figures, by content or by declaration, for which no file is named that has counts in it.
    fn without_counts(&self) -> Option<Finding> {
        let has_counts = |number: u64| {
            let report = usize::try_from(number).ok();
            report
                .and_then(|n| self.reports.get(n))
                .is_some_and(|r| r.facts.counts)
        };
        let bare = self
            .reports
            .iter()
            .zip(&self.said)
            .filter(|(report, said)| {
                (report.facts.figure || said.figure) && !said.counts_file.is_some_and(has_counts)
            });
        let count = bare.count() as u64;
        let what = "no file of counts is named for a figure, or it holds none".to_owned();
        (count > 0).then(|| Finding::new(&rules::S012, Place::default(), count, what))
    }
}

/// What stands for a file that nobody could look at.
fn unread(why: &str) -> Report {
    Report {
        kind: Kind::Unknown,
        findings: vec![Finding::new(
            &rules::G019,
            Place::default(),
            1,
            why.to_owned(),
        )],
        facts: Facts::default(),
    }
}

/// Gravest first, names' findings among them.
fn sorted(mut report: Report) -> Report {
    report
        .findings
        .sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(b.rule)));
    report
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, SeekFrom};

    use super::*;

    const COUNTS: &[u8] = b"group,cases,controls\na,120,135\nb,140,155\n";
    const PNG: &[u8] = &[
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0,
        0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55,
    ];

    /// Fails, or panics, at the first read.
    struct Broken {
        panics: bool,
    }

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            assert!(!self.panics, "on purpose");
            Err(io::ErrorKind::Other.into())
        }
    }

    impl Seek for Broken {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(9)
        }
    }

    fn folder() -> Folder {
        Folder::new(
            &Limits::default(),
            &Thresholds::default(),
            Direction::Export,
        )
    }

    fn ids(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(|f| f.rule).collect()
    }

    #[test]
    fn a_file_that_fails_is_held_and_the_others_are_looked_at() {
        let mut folder = folder();
        for panics in [false, true] {
            folder.file(Ok(Broken { panics }), "a.csv", DeclaredFile::default());
        }
        let absent: io::Result<Cursor<&[u8]>> = Err(io::ErrorKind::NotFound.into());
        folder.file(absent, "c.csv", DeclaredFile::default());
        folder.file(Ok(Cursor::new(COUNTS)), "b.csv", DeclaredFile::default());
        let (reports, together) = folder.finish();
        let held: Vec<bool> = reports.iter().map(Report::held).collect();
        assert_eq!(held, [true, true, true, false], "{reports:?}");
        for failed in &reports[..3] {
            assert_eq!(ids(&failed.findings), ["AL-G019"]);
        }
        assert!(together.is_empty());
    }

    #[test]
    fn a_figure_needs_the_counts_that_are_named_for_it() {
        let together = |figure: bool, counts_file: Option<u64>| {
            let said = DeclaredFile {
                figure,
                counts_file,
                ..DeclaredFile::default()
            };
            let mut folder = folder();
            folder.file(Ok(Cursor::new(COUNTS)), "n.csv", DeclaredFile::default());
            folder.file(Ok(Cursor::new(PNG)), "plot.png", said);
            folder.file(Ok(Cursor::new(b"Text.\n")), "a.md", DeclaredFile::default());
            ids(&folder.finish().1)
        };
        assert!(together(true, Some(0)).is_empty());
        assert_eq!(together(true, None), ["AL-S012"]);
        assert_eq!(together(false, None), ["AL-S012"], "by content");
        assert_eq!(together(true, Some(2)), ["AL-S012"], "no counts there");
        assert_eq!(together(true, Some(9)), ["AL-S012"], "no such file");
    }

    #[test]
    fn thresholds_come_from_the_caller_and_keep_their_floors() {
        let small = b"group,cases,controls\na,7,135\nb,140,155\n";
        let held = |small_count: u64| {
            let thresholds = Thresholds {
                small_count,
                ..Thresholds::default()
            };
            let mut folder = Folder::new(&Limits::default(), &thresholds, Direction::Export);
            folder.file(Ok(Cursor::new(small)), "n.csv", DeclaredFile::default());
            ids(&folder.finish().0[0].findings).contains(&"AL-S001")
        };
        assert!(held(10) && held(8));
        assert!(!held(7) && !held(0));
    }
}
