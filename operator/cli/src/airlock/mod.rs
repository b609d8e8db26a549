//! `kubectl sde airlock`: what leaves and enters a project. `inspect` needs no cluster.

mod args;
mod inspect;

pub use args::Airlock;

use crate::error::{CliError, Done};
use crate::text::Paint;

/// Runs the command.
///
/// # Errors
/// [`CliError::Usage`] when a file cannot be read, [`CliError::Output`].
pub fn run(command: &Airlock, paint: Paint) -> Result<Done, CliError> {
    match command {
        Airlock::Inspect(args) => inspect::run(args, paint),
    }
}
