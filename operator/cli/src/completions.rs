//! `kubectl sde completions`: scripts for shells.

use clap::CommandFactory;
use clap_complete::shells::{Bash, Fish, Zsh};
use clap_complete::{Generator, generate};

use crate::args::{Cli, Shell};
use crate::error::{CliError, Done};
use crate::out;

/// The binary that kubectl runs for `kubectl sde`.
const BINARY: &str = "kubectl-sde";

/// Prints the script for `shell`.
pub fn run(shell: Shell) -> Result<Done, CliError> {
    let script = match shell {
        Shell::Bash => script(Bash),
        Shell::Zsh => script(Zsh),
        Shell::Fish => script(Fish),
    };
    out::print(&script)?;
    Ok(Done::Yes)
}

fn script(shell: impl Generator) -> String {
    let mut command = Cli::command().bin_name(BINARY);
    let mut bytes = Vec::new();
    generate(shell, &mut command, BINARY, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for script in [script(Bash), script(Zsh), script(Fish)] {
            for command in [
                "status",
                "approve",
                "suspend",
                "resume",
                "close",
                "airlock",
                "attestation",
                "verify",
                "doctor",
            ] {
                assert!(script.contains(command), "{command}");
            }
            assert!(script.contains(BINARY));
        }
    }
}
