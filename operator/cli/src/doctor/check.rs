//! One check: what was found, and what to do about it.

use serde::Serialize;

use crate::text::{Line, Paint, Tone, Tree};

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but a person should know.
    Warn,
    /// Not fit.
    Fail,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Section it is shown under.
    pub section: &'static str,
    /// How it went.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do; empty when there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub todo: String,
}

impl Check {
    /// As it should be.
    pub fn ok(section: &'static str, found: impl Into<String>) -> Self {
        Self {
            section,
            level: Level::Ok,
            found: found.into(),
            todo: String::new(),
        }
    }

    /// A person should know.
    pub fn warn(section: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            section,
            level: Level::Warn,
            found: found.into(),
            todo: todo.into(),
        }
    }

    /// Not fit.
    pub fn fail(section: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            section,
            level: Level::Fail,
            found: found.into(),
            todo: todo.into(),
        }
    }

    /// Could not be looked at: not known to be fit.
    pub fn unreadable(section: &'static str, what: &str, why: &str) -> Self {
        let todo = "Ask somebody who may read it to run this, or bind the platform team's role to yourself.";
        Self::fail(section, format!("cannot read {what}: {why}"), todo)
    }
}

/// All checks by section, and a verdict.
pub fn render(checks: &[Check], paint: Paint, width: usize) -> String {
    let mut text = String::new();
    let mut sections: Vec<&str> = Vec::new();
    for check in checks {
        if !sections.contains(&check.section) {
            sections.push(check.section);
        }
    }
    for section in sections {
        let mut tree = Tree::new(Line::new(Tone::Strong, section));
        for check in checks.iter().filter(|c| c.section == section) {
            tree.push(shown(check));
        }
        text.push_str(&tree.render(paint, width));
    }
    let count = |level| checks.iter().filter(|c| c.level == level).count();
    let (fails, warns) = (count(Level::Fail), count(Level::Warn));
    let (tone, verdict) = match (fails, warns) {
        (0, 0) => (Tone::Good, "This cluster is fit.".to_owned()),
        (0, n) => (
            Tone::Wait,
            format!("This cluster is fit, with {n} warnings."),
        ),
        (n, _) => (
            Tone::Bad,
            format!("This cluster is NOT fit: {n} checks fail."),
        ),
    };
    text.push_str(&format!("\n{}\n", paint.paint(tone, &verdict)));
    text
}

fn shown(check: &Check) -> Tree {
    let (tone, mark) = match check.level {
        Level::Ok => (Tone::Good, "✓ "),
        Level::Warn => (Tone::Wait, "! "),
        Level::Fail => (Tone::Bad, "✗ "),
    };
    let mut tree = Tree::new(Line::new(tone, mark).and(Tone::Plain, check.found.clone()));
    if !check.todo.is_empty() {
        tree.push(Tree::hanging(
            Line::new(Tone::Dim, "→ ").and(Tone::Plain, check.todo.clone()),
            2,
        ));
    }
    tree
}
