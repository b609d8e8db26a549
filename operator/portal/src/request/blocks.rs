//! What is declared, whichever way it goes, as a form says it: one block a thing, each with the numbers of its files and a name. Pure.

use crate::fields::{Fields, Problem};
use crate::names;

/// Outputs, or imports, of one request.
const MOST: i64 = 20;

/// How many blocks a form for so many files has: one a file, as far as a request declares so many things.
pub fn blocks(files: i64) -> i64 {
    files.clamp(1, MOST)
}

/// The files from the first to the last, as a form says them.
pub fn span(first: i64, last: i64) -> String {
    if first >= last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    }
}

/// Numbers of files, one by one.
pub fn listed(files: &[i64]) -> String {
    let numbers: Vec<String> = files.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

/// The numbers that a text such as `0, 2-4` names; none when it is no such text.
pub fn numbers(text: &str) -> Option<Vec<i64>> {
    let mut all = Vec::new();
    for part in text.split([',', ' ']).filter(|p| !p.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
        if !(0..50).contains(&first) || !(first..50).contains(&last) {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

/// One block of a form for so many files.
pub struct Block<'a> {
    fields: &'a Fields,
    number: i64,
    id: fn(i64, &str) -> String,
    files: i64,
}

impl<'a> Block<'a> {
    /// What was filled in, without spaces around it.
    pub fn get(&self, field: &str) -> &'a str {
        self.fields.get(&(self.id)(self.number, field))
    }

    /// What was filled in, if anything was.
    pub fn some(&self, field: &str) -> Option<String> {
        self.fields.some(&(self.id)(self.number, field))
    }

    /// Something to put right in one of its fields.
    pub fn problem(&self, field: &str, text: &str) -> Problem {
        Problem::at((self.id)(self.number, field), text)
    }

    /// How many files were sealed.
    pub fn sealed(&self) -> i64 {
        self.files
    }

    /// Its files and its name, which every block has.
    pub fn named(&self, problems: &mut Vec<Problem>) -> (String, Vec<i64>) {
        let numbered = numbers(self.get("files")).unwrap_or_default();
        if numbered.is_empty() {
            problems.push(self.problem("files", "write numbers of files, as 0 or 0, 2-4"));
        } else if numbered.iter().any(|n| *n >= self.files) {
            let text = "one of these numbers was not sealed: files are counted from 0";
            problems.push(self.problem("files", text));
        }
        let name = self.get("name");
        if !names::is_label(name) {
            let text = "a name has at most 40 lower-case letters, digits and hyphens";
            problems.push(self.problem("name", text));
        }
        (name.to_owned(), numbered)
    }
}

/// What a form declares; a block without files declares nothing.
///
/// # Errors
/// What must be put right.
pub fn read<T>(
    fields: &Fields,
    id: fn(i64, &str) -> String,
    files: i64,
    one: fn(&Block<'_>, &mut Vec<Problem>) -> Option<T>,
    name: fn(&T) -> &str,
) -> Result<Vec<T>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut all: Vec<T> = Vec::new();
    for number in 0..MOST {
        let block = Block {
            fields,
            number,
            id,
            files,
        };
        if block.get("files").is_empty() {
            continue;
        }
        if let Some(of) = one(&block, &mut problems) {
            if all.iter().any(|o| name(o) == name(&of)) {
                problems.push(block.problem("name", "another is called so already"));
            }
            all.push(of);
        }
    }
    if all.is_empty() && problems.is_empty() {
        problems.push(Problem::at(id(0, "files"), "say what each file is"));
    }
    if problems.is_empty() {
        Ok(all)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_or_refused() {
        assert_eq!(numbers("0, 2-4 7"), Some(vec![0, 2, 3, 4, 7]));
        for bad in ["a", "4-2", "50", "-1", "0-", "1-99999999999999999999"] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
        assert_eq!(numbers(&span(0, 3)), Some(vec![0, 1, 2, 3]));
        assert_eq!(numbers(&listed(&[0, 2])), Some(vec![0, 2]));
        assert_eq!(span(4, 4), "4");
    }
}
