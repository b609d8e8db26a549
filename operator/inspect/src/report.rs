//! What an inspection says.

use std::fmt;

use serde::Serialize;

use crate::kind::Kind;
use crate::rules::Rule;

/// What a finding does to a request (research: standards §3.4). Automation may raise it, never lower it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Severity {
    /// Recorded.
    Info,
    /// Shown to the reviewers.
    Warn,
    /// Waits for people, who justify letting it go.
    Hold,
    /// As Hold, and a senior or specialised reviewer is needed.
    HoldSenior,
    /// Ends the request.
    Block,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Hold => "hold",
            Self::HoldSenior => "hold+",
            Self::Block => "block",
        })
    }
}

/// One step inwards. Entries are numbers, since a name in an archive is the researcher's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Layer {
    /// What a compressed stream holds.
    Decompressed,
    /// Entry of an archive, from 1.
    Entry(u32),
    /// Base64 that begins in this line, decoded.
    Base64(u64),
    /// Hexadecimal digits that begin in this line, decoded.
    Hex(u64),
    /// What begins at this offset in another format's file.
    Embedded(u64),
    /// What follows the end of the format, from this offset.
    Trailing(u64),
    /// Text of an image's metadata, from this offset.
    Metadata(u64),
    /// UTF-16 as UTF-8.
    Utf16,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decompressed => f.write_str("decompressed"),
            Self::Entry(n) => write!(f, "entry {n}"),
            Self::Base64(line) => write!(f, "base64 of line {line}"),
            Self::Hex(line) => write!(f, "hex of line {line}"),
            Self::Embedded(at) => write!(f, "embedded at byte {at}"),
            Self::Trailing(at) => write!(f, "after the end at byte {at}"),
            Self::Metadata(at) => write!(f, "metadata at byte {at}"),
            Self::Utf16 => f.write_str("UTF-16"),
        }
    }
}

/// Where something was found: never what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Steps inwards, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Layer>,
    /// Byte offset in the innermost bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column of a table, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

impl Place {
    /// One step further in.
    #[must_use]
    pub fn within(&self, layer: Layer) -> Self {
        let mut inside = self.inside.clone();
        inside.push(layer);
        Self {
            inside,
            ..Self::default()
        }
    }

    /// At a byte.
    #[must_use]
    pub fn offset(&self, offset: u64) -> Self {
        Self {
            offset: Some(offset),
            ..self.clone()
        }
    }

    /// In a line.
    #[must_use]
    pub fn line(&self, line: u64) -> Self {
        Self {
            line: Some(line),
            ..self.clone()
        }
    }

    /// In a column.
    #[must_use]
    pub fn column(&self, column: usize) -> Self {
        Self {
            column: Some(column as u64 + 1),
            ..self.clone()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.inside.iter().map(ToString::to_string).collect();
        parts.extend(self.line.map(|l| format!("line {l}")));
        parts.extend(self.column.map(|c| format!("column {c}")));
        parts.extend(self.offset.map(|o| format!("byte {o}")));
        if parts.is_empty() {
            return f.write_str("the whole file");
        }
        f.write_str(&parts.join(", "))
    }
}

/// One thing that people must look at. Holds offsets, counts and our own words, never a value of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule's id, as in the catalogue.
    pub rule: &'static str,
    /// What it does to the request.
    pub severity: Severity,
    /// Where, the first time.
    pub place: Place,
    /// How often in that layer; at least 1.
    pub count: u64,
    /// What was seen, the first time.
    pub what: String,
    /// What the researcher should do.
    pub advice: &'static str,
}

impl Finding {
    /// A finding of `rule`.
    pub fn new(rule: &Rule, place: Place, count: u64, what: String) -> Self {
        Self {
            rule: rule.id,
            severity: rule.severity,
            place,
            count,
            what,
            advice: rule.advice,
        }
    }
}

/// What is known of the file besides findings, for rules about several files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Bytes of the file.
    pub bytes: u64,
    /// Rows of its tables, headers not counted.
    pub rows: u64,
    /// Columns of its widest table.
    pub columns: u64,
    /// Whether a table has a column or row of counts.
    pub counts: bool,
    /// Whether there is an image.
    pub figure: bool,
}

/// What an inspection says of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What the file is, by its content.
    pub kind: Kind,
    /// What was found, gravest first.
    pub findings: Vec<Finding>,
    /// What else is known of it.
    pub facts: Facts,
}

impl Report {
    /// The gravest severity, if anything was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }

    /// Whether people must justify it, or it ends here.
    pub fn held(&self) -> bool {
        self.worst() >= Some(Severity::Hold)
    }
}
