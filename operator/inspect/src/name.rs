//! What a file is called: looked at apart from what it is, and compared with it.

use crate::kind::{Class, Kind};
use crate::report::{Finding, Place};
use crate::rules::{self, Rule};
use crate::text::odd::is_odd;

/// Characters of a name.
const LONG: usize = 128;
/// Characters of base64 or hexadecimal in a row that a name has no use for.
const ENCODED: usize = 40;

/// What a table may turn out to be.
const TABLES: &[Kind] = &[
    Kind::Table,
    Kind::GwasSummary,
    Kind::Coefficients,
    Kind::Text,
    Kind::Empty,
];

/// Extensions and the kinds they promise. Text may be called anything of text.
const EXTENSIONS: [(&str, &[Kind]); 12] = [
    ("png", &[Kind::Png]),
    ("jpg", &[Kind::Jpeg]),
    ("jpeg", &[Kind::Jpeg]),
    ("svg", &[Kind::Svg]),
    ("pdf", &[Kind::Pdf]),
    ("json", &[Kind::Json, Kind::Empty]),
    ("ipynb", &[Kind::Notebook]),
    ("html", &[Kind::Html]),
    ("gz", &[Kind::Gzip, Kind::Bgzf]),
    ("zip", &[Kind::Zip]),
    ("csv", TABLES),
    ("tsv", TABLES),
];

/// Extensions of any text.
const TEXTS: [&str; 16] = [
    "txt", "md", "py", "r", "sh", "sql", "yaml", "yml", "toml", "log", "do", "rmd", "qmd", "tex",
    "rs", "jl",
];

/// Judges a path relative to the request's folder, with `/` between its parts.
pub fn name(path: &str, kind: Kind) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |rule: &Rule, what: &str| {
        found.push(Finding::new(rule, Place::default(), 1, what.to_owned()));
    };
    let file = path.rsplit('/').next().unwrap_or(path);
    if file.chars().count() > LONG || encoded(file) {
        add(&rules::G007, "a name that is long, or looks encoded");
    }
    let hidden = path
        .split('/')
        .any(|part| part.starts_with('.') && part != ".");
    let backup = [".bak", ".swp", ".orig", "~"]
        .iter()
        .any(|end| file.ends_with(end));
    if hidden || backup {
        add(&rules::G008, "a hidden or backup file");
    }
    if is_odd(path) {
        add(&rules::G010, "characters in the name that cannot be seen");
    }
    let extension = file.rsplit_once('.').map_or("", |(_, e)| e).to_lowercase();
    if !promised(&extension, kind) {
        add(&rules::G005, "the name promises another type");
    }
    found
}

/// Whether the content is what the extension promises. Other rules speak of types that are not on the list.
fn promised(extension: &str, kind: Kind) -> bool {
    if let Some((_, kinds)) = EXTENSIONS.iter().find(|(e, _)| *e == extension) {
        return kinds.contains(&kind);
    }
    let text = kind.class() == Class::Text || kind == Kind::Empty;
    !TEXTS.contains(&extension) || text
}

/// A long run of letters and digits mixed.
fn encoded(file: &str) -> bool {
    let parts = file.split(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '=');
    parts.filter(|p| p.len() >= ENCODED).any(|p| {
        p.contains(|c: char| c.is_ascii_digit()) && p.contains(|c: char| c.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(path: &str, kind: Kind) -> Vec<&'static str> {
        name(path, kind).iter().map(|f| f.rule).collect()
    }

    #[test]
    fn names_are_judged_beside_content() {
        assert!(ids("results/table1.csv", Kind::Table).is_empty());
        assert!(ids("README", Kind::Markdown).is_empty());
        assert_eq!(ids("plot.png", Kind::Zip), ["AL-G005"]);
        assert_eq!(ids(".git/config", Kind::Text), ["AL-G008"]);
        assert_eq!(ids("a\u{202e}gnp.txt", Kind::Text), ["AL-G010"]);
        let encoded = format!("{}.txt", "SGVsbG8sIHdvcmxkIQ5".repeat(3));
        assert_eq!(ids(&encoded, Kind::Text), ["AL-G007"]);
        assert_eq!(
            ids(&format!("{}.txt", "word ".repeat(30)), Kind::Text),
            ["AL-G007"]
        );
    }
}
