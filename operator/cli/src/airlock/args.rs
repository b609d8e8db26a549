//! The command line of `airlock`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::Output;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Airlock {
    /// Look at local files as the airlock would: what they are, what would hold them, what to do. Sends nothing anywhere
    #[command(
        after_help = "Looks at content, not at names, and opens archives. The files are judged together, as one request, with the
default thresholds; a project's policy may be stricter. What passes here still needs people to release it.

Examples:
  kubectl sde airlock inspect outbox/*
  kubectl sde airlock inspect gwas.tsv --population 45210
  kubectl sde airlock inspect plot.png counts.csv -o json | jq '.files[].findings'

Exit codes:
  0  nothing would be held
  1  something would be held or blocked
  2  a file cannot be read, or the command line cannot work as given"
    )]
    Inspect(InspectArgs),
}

/// Arguments of `airlock inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Files to look at, as one request
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// People behind the results, where their columns do not say
    #[arg(long, value_name = "N")]
    pub population: Option<u64>,
    /// People in the project's data
    #[arg(long, value_name = "N")]
    pub cohort: Option<u64>,
    #[command(flatten)]
    pub output: Output,
}
