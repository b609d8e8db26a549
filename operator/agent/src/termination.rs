//! The container's termination message: how a pod without credentials tells the controller.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sde_core::lock::Report;

use crate::exit::Exit;

/// Where the kubelet reads it.
pub const DEFAULT_PATH: &str = "/dev/termination-log";

/// Writes the message to the file and to standard output.
///
/// The default path is never created: the kubelet makes it, and outside a pod there is no reader.
pub fn write(path: &Path, message: &str) -> io::Result<()> {
    println!("{message}");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .create(path != Path::new(DEFAULT_PATH))
        .open(path)?;
    file.write_all(message.as_bytes())
}

/// Writes the message; when that fails the result cannot be known to anyone, whatever it was.
pub fn finish(path: &Path, message: &str, exit: Exit) -> Exit {
    match write(path, message) {
        Ok(()) => exit,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the report could not be written");
            Exit::Internal
        }
    }
}

/// As [`finish`], for a probe's report.
pub fn finish_report(path: &Path, report: &Report, exit: Exit) -> Exit {
    match report.to_message() {
        Ok(message) => finish(path, &message, exit),
        Err(error) => {
            let failed = Report::failed(&report.pod_uid, &error.to_string());
            match failed.to_message() {
                Ok(message) => finish(path, &message, Exit::Internal),
                Err(_) => Exit::Internal,
            }
        }
    }
}

/// Reports arguments that could not even be parsed, so the controller does not find an empty message.
pub fn report_bad_arguments(error: &clap::Error) {
    let args: Vec<OsString> = std::env::args_os().collect();
    let path = path_of(&args);
    // The first line says what is wrong; the rest is usage.
    let text = error.to_string();
    let text = text.lines().next().unwrap_or("bad arguments");
    match args.get(1).and_then(|a| a.to_str()) {
        Some("probe" | "standing") => {
            let uid = std::env::var("SDE_POD_UID").unwrap_or_default();
            finish_report(&path, &Report::failed(&uid, text), Exit::BadArguments);
        }
        Some("manifest") => {
            let message = crate::manifest::failure_message(text);
            finish(&path, &message, Exit::BadArguments);
        }
        Some("airlock-job") => crate::airlock::bad_arguments(&path, text),
        _ => {}
    }
}

fn path_of(args: &[OsString]) -> PathBuf {
    const FLAG: &str = "--termination-log";
    for (index, arg) in args.iter().enumerate() {
        let text = arg.to_string_lossy();
        if text == FLAG
            && let Some(value) = args.get(index + 1)
        {
            return value.into();
        }
        if let Some(value) = text
            .strip_prefix(FLAG)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return value.into();
        }
    }
    std::env::var_os("SDE_TERMINATION_LOG").map_or_else(|| DEFAULT_PATH.into(), PathBuf::from)
}
