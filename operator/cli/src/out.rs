//! The terminal: what is printed, in which form, and questions to a person.

use std::io::{BufRead, ErrorKind, IsTerminal, Write, stderr, stdin, stdout};

use clap::ValueEnum;
use serde::Serialize;

use crate::error::CliError;
use crate::text::Paint;

/// The form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour standard output (https://no-color.org).
    pub fn paint(self) -> Paint {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let able = std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        Paint(match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => wanted && able && stdout().is_terminal(),
        })
    }
}

/// Prints text as it is. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// [`CliError::Output`] when standard output cannot be written.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        _ => Ok(()),
    }
}

/// Prints `value` as indented JSON.
///
/// # Errors
/// [`CliError::Json`], [`CliError::Output`].
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Progress for the person, on standard error so that output stays clean.
pub fn note(text: &str) {
    // Nothing can be done when standard error is closed.
    let _ = writeln!(stderr().lock(), "{text}");
}

/// Asks the person to type `word`.
///
/// # Errors
/// [`CliError::Usage`] without a terminal, [`CliError::Refused`] when something else was typed.
pub fn confirm(question: &str, word: &str) -> Result<(), CliError> {
    if !stdin().is_terminal() {
        return Err(CliError::Usage(
            "this asks for a confirmation and there is no terminal: read what is shown above, then pass --yes".to_owned(),
        ));
    }
    if answer(&format!("{question} Type {word} to go on: "))?.trim() == word {
        Ok(())
    } else {
        Err(CliError::Refused(
            "not confirmed: nothing was done".to_owned(),
        ))
    }
}

/// One line from standard input, after a question on standard error.
///
/// # Errors
/// [`CliError::Output`] when it cannot be read.
pub fn answer(question: &str) -> Result<String, CliError> {
    let _ = write!(stderr().lock(), "{question}");
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer);
    read.map_err(CliError::Output)?;
    Ok(answer)
}

/// Columns to wrap at: `COLUMNS` where a shell exports it, else 110.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.filter(|c| (40..=400).contains(c)).unwrap_or(110)
}
