//! The command line of `airlock`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Url;

use sde_crds::airlock_review::Answer;

use super::choices::{Decision, Reason, Role, answer, door, words};
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
  kubectl sde airlock inspect --import reference/*
  kubectl sde airlock inspect plot.png counts.csv -o json | jq '.files[].findings'

Exit codes:
  0  nothing would be held
  1  something would be held or blocked
  2  a file cannot be read, or the command line cannot work as given"
    )]
    Inspect(InspectArgs),
    /// List requests: where each is, what it waits for, since when
    #[command(after_help = "Examples:
  kubectl sde airlock list -P prj-4f2c
  kubectl sde airlock list --all --queue           what waits for reviewers and custodians, the oldest first
  kubectl sde airlock list --all -o json | jq '.[] | select(.phase == \"Failed\")'")]
    List(ListArgs),
    /// Show one request: where it is, why, who can act, what is declared, what was found, how far its review is
    #[command(
        after_help = "What was voted is not shown before it is decided. Names of files stay in the chamber: files are numbers.

Example:
  kubectl sde airlock show prj-4f2c penetrance-tables"
    )]
    Show(ShowArgs),
    /// Ask for a folder of your outbox to leave, for files to come in, or for a grant to go to another environment
    #[command(
        after_help = "Every file is declared exactly once, by its number: files are counted from 0 in the order of their paths. FILE.yaml is a
list, as crds/examples/airlockrequest.yaml has it under spec.outputs; `kubectl explain airlockrequest.spec.outputs` says what
each field means. Text is at most 160 characters in words of at most 32.

An Export is sealed at once: the folder is copied, and later changes of it change nothing. Then confirm what was copied.
An Import is a draft until its files are there: upload, seal, and declare them when you confirm.
A transfer is a custodian's act: what is granted of a dataset is encrypted at once, file by file, to the keys of an environment
that the SdePolicy lists and the approved Project names. Nothing of it is declared. Then confirm what was sealed.

Examples:
  kubectl sde airlock submit prj-4f2c --folder penetrance-tables --purpose 'Tables for the article' --outputs outputs.yaml
  kubectl sde airlock submit prj-4f2c --import --name reference --purpose 'A panel to impute with'
  kubectl sde airlock submit prj-4f2c --transfer --grant genotypes --to example-partner-sde --purpose 'Analysis at the partner'"
    )]
    Submit(SubmitArgs),
    /// Have an Import of yours made ready to take its files; you upload them through the portal
    #[command(
        after_help = "It takes files from when it is ready until half an hour after the last upload. What was uploaded stays: ask again to upload
more. There is no upload from the terminal.

Example:
  kubectl sde airlock upload prj-4f2c reference"
    )]
    Upload(ShowArgs),
    /// Say that everything is there: it is copied as it is, and nothing is added or changed afterwards
    #[command(
        after_help = "For an Import, once its files are uploaded. An Export or a transfer that was made here is sealed already.

Examples:
  kubectl sde airlock seal prj-4f2c reference
  kubectl sde airlock seal prj-4f2c reference --yes"
    )]
    Seal(WithdrawArgs),
    /// Submit exactly what was sealed of a request of yours: you look at its digest, files and bytes
    #[command(
        after_help = "Afterwards neither the declaration nor the content can change. An Import is declared here, when its files have numbers
(--imports); of an Export the declaration that was made with it can be put right (--outputs). Of a transfer nothing is declared:
look at the grant, the environment and the digest of its keys. FILE.yaml is a list; its fields:
kubectl explain airlockrequest.spec.imports. Of an Import, for example:
  - {name: panel, files: [0, 1], kind: Data, origin: 'The registry, release 7', licence: CC-BY-4.0}

Examples:
  kubectl sde airlock confirm prj-4f2c penetrance-tables
  kubectl sde airlock confirm prj-4f2c reference --imports imports.yaml
  kubectl sde airlock confirm prj-4f2c penetrance-tables --digest v1:sha256:... --yes"
    )]
    Confirm(ConfirmArgs),
    /// Decide, as a reviewer, on exactly the content, findings and policy that are shown to you
    #[command(
        after_help = "You must be neither its requester nor of the project. A review never changes: what you decide differently later is another
one, and the strictest counts. How others voted is hidden until it is decided.
An approval needs your viewing code: open every file in the viewer, from the portal's review page; its list of files shows it then.

Examples:
  kubectl sde airlock review prj-4f2c penetrance-tables --decision Approve --role OutputChecker --seen ABCDEFGH234567AB
  kubectl sde airlock review prj-4f2c penetrance-tables --decision Approve --role Senior --seen ABCDEFGH234567AB \\
    --answer AL-S001=CountsSeen
  kubectl sde airlock review prj-4f2c penetrance-tables --decision Return --role OutputChecker --reason SmallCounts \\
    --refuse-file 0 --note 'Suppress the cells below ten'
  kubectl sde airlock review prj-4f2c genotypes --decision Reject --role Custodian --reason IndividualLevel --note 'Send summaries'

A transfer is decided by custodians alone, who compare its environment and the digest of its keys:
  kubectl sde airlock review prj-4f2c to-partner --decision Approve --role Custodian --reason CustodiansDecision \\
    --seen ABCDEFGH234567AB"
    )]
    Review(ReviewArgs),
    /// Take a request of yours back, for good: nothing of it is released
    #[command(after_help = "Example:
  kubectl sde airlock withdraw prj-4f2c penetrance-tables")]
    Withdraw(WithdrawArgs),
    /// Have a request of yours that has Failed tried again, from where it broke
    #[command(after_help = "Example:
  kubectl sde airlock retry prj-4f2c penetrance-tables")]
    Retry(ShowArgs),
    /// Have what was Released of yours made ready to be collected, once; the portal or download then hands it out
    #[command(after_help = "Example:
  kubectl sde airlock collect prj-4f2c penetrance-tables")]
    Collect(ShowArgs),
    /// Collect what was Released of yours into a new folder, and prove that it is exactly what was reviewed
    #[command(
        after_help = "Has it made ready, asks for the ticket that the portal shows on the request's page under \"In a terminal\", takes the archive
from the door and unpacks it. The digest of what came is made anew and compared with the one that was reviewed and released; unless it
is the same there is no folder. One delivery is for one download; how often you may ask is up to the SdePolicy.

Examples:
  kubectl sde airlock download prj-4f2c penetrance-tables --door https://door.sde.example.org
  kubectl sde airlock download prj-4f2c penetrance-tables --door https://door.sde.example.org --directory results < ticket

Exit codes:
  0  it is all there, and is what was released
  1  it was not collected, or is something else: the error says which
  2  the command line cannot work as given"
    )]
    Download(DownloadArgs),
    /// Show the signed receipts of a project's airlock, or write them to files
    #[command(after_help = "Examples:
  kubectl sde airlock receipts prj-4f2c
  kubectl sde airlock receipts prj-4f2c --directory receipts
  kubectl sde verify --key attestation-key.pem --bundle receipts/prj-4f2c-1f0c9d2e-released.sigstore.json")]
    Receipts(ReceiptsArgs),
}

/// Arguments of `airlock download`.
#[derive(Debug, Args)]
pub struct DownloadArgs {
    #[command(flatten)]
    pub of: RequestArgs,
    /// Address of the door, as the portal shows it
    #[arg(long, value_name = "URL", value_parser = door)]
    pub door: Url,
    /// Folder that is made for the files; only you can open it [default: the request's name, here]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Certificates of authorities to believe for the door, beside the system's own (PEM)
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `airlock receipts`.
#[derive(Debug, Args)]
pub struct ReceiptsArgs {
    /// Project; it may be closed
    pub project: String,
    /// Where each receipt's Sigstore bundle is written to, for kubectl sde verify
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// Which request.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Project
    pub project: String,
    /// Request
    pub request: String,
}

/// Arguments of `airlock list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub of: Whose,
    /// Only what people must decide on (InReview, Blocked), the oldest first
    #[arg(long)]
    pub queue: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Requests of which projects.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whose {
    /// Requests of this project
    #[arg(long, short = 'P', value_name = "PROJECT")]
    pub project: Option<String>,
    /// Requests of all projects
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `airlock show`, `retry`, `upload` and `collect`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub of: RequestArgs,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `airlock withdraw` and `seal`.
#[derive(Debug, Args)]
pub struct WithdrawArgs {
    #[command(flatten)]
    pub of: RequestArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
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
    /// Look at them as files that are to come in
    #[arg(long, conflicts_with_all = ["population", "cohort"])]
    pub import: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `airlock submit`.
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// Project
    pub project: String,
    #[command(flatten)]
    pub way: WayArgs,
    #[command(flatten)]
    pub transferred: TransferArgs,
    /// Why these files must cross
    #[arg(
        long,
        visible_alias = "justification",
        value_name = "TEXT",
        value_parser = words
    )]
    pub purpose: String,
    /// What leaves
    #[arg(
        long,
        value_name = "FILE.yaml",
        requires = "folder",
        conflicts_with_all = ["import", "transfer"]
    )]
    pub outputs: Option<PathBuf>,
    /// Name of the request [default: that of the folder or grant]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The Returned request that this one answers
    #[arg(long, value_name = "REQUEST")]
    pub supersedes: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// Which way files go.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WayArgs {
    /// Folder in your outbox that is to leave
    #[arg(long, value_name = "NAME", requires = "outputs")]
    pub folder: Option<String>,
    /// Files are to come in, which you upload afterwards
    #[arg(long)]
    pub import: bool,
    /// A dataset grant is to go to another environment, encrypted to its keys; for custodians
    #[arg(long, requires_all = ["grant", "to"])]
    pub transfer: bool,
}

/// What goes to which other environment.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Dataset grant of the project that goes to another environment
    #[arg(
        long,
        value_name = "NAME",
        requires = "transfer",
        conflicts_with_all = ["folder", "import"]
    )]
    pub grant: Option<String>,
    /// The environment, one of the SdePolicy's thirdPartySdes
    #[arg(
        long,
        value_name = "SDE",
        requires = "transfer",
        conflicts_with_all = ["folder", "import"]
    )]
    pub to: Option<String>,
}

/// What the files are.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct DeclaredArgs {
    /// What leaves, in the place of what was declared before
    #[arg(long, value_name = "FILE.yaml")]
    pub outputs: Option<PathBuf>,
    /// What comes in, in the place of what was declared before
    #[arg(long, value_name = "FILE.yaml")]
    pub imports: Option<PathBuf>,
}

/// Arguments of `airlock confirm`.
#[derive(Debug, Args)]
pub struct ConfirmArgs {
    #[command(flatten)]
    pub of: RequestArgs,
    #[command(flatten)]
    pub declared: DeclaredArgs,
    /// Digest that you have looked at; refused when another one was sealed
    #[arg(long, value_name = "DIGEST")]
    pub digest: Option<String>,
    /// Do not ask
    #[arg(long, short, requires = "digest")]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `airlock review`.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    #[command(flatten)]
    pub of: RequestArgs,
    /// Your decision
    #[arg(long, value_enum)]
    pub decision: Decision,
    /// Role in which you decide
    #[arg(long, value_enum)]
    pub role: Role,
    /// Why [default for Approve: SafeAsDeclared, HeldButSafe with answers, CustodiansDecision for a transfer; for Reopen: HeldButSafe]
    #[arg(long, value_enum, value_name = "CODE")]
    pub reason: Option<Reason>,
    /// What the requester should do; never what a file says
    #[arg(long, value_name = "TEXT", value_parser = words)]
    pub note: Option<String>,
    /// Why a rule does not stand in the way; once for each that holds or blocks it. Codes: FalsePositive, CountsSeen, NotLinkable, AlreadyPublic, RiskWeighed
    #[arg(long = "answer", value_name = "RULE=CODE", value_parser = answer)]
    pub answers: Vec<Answer>,
    /// Approve: your viewing code, which the viewer shows you once you have opened every file
    #[arg(long, value_name = "CODE")]
    pub seen: Option<String>,
    /// Return: number of a file that must not leave as it is; may be repeated
    #[arg(long = "refuse-file", value_name = "N")]
    pub refused_files: Vec<i64>,
    /// Declare that you have an interest in the outcome: the review is kept and does not count
    #[arg(long)]
    pub conflict: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}
