//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use sde_crds::project_approval::{ApprovalRole, Decision};

use crate::cluster::Target;
use crate::out::{Color, Format};

const EXIT_CODES: &str = "Exit codes:
  0  done; verified; fit
  1  refused, not found, not verified, not fit, or the API server did not agree
  2  the command line cannot work as given";

const EXAMPLES: &str = "Examples:
  kubectl sde doctor --probe                     is this cluster fit?
  kubectl sde status                             all projects
  kubectl sde status prj-4f2c                    one project: what is open, what waits, why, since when
  kubectl sde approve prj-4f2c --role DataAccess
  kubectl sde close prj-4f2c
  kubectl sde attestation export prj-4f2c -o evidence
  kubectl sde verify --key public.pem --bundle evidence/bundle.sigstore.json --evidence evidence/evidence.json

";

fn after_help() -> String {
    format!("{EXAMPLES}{EXIT_CODES}")
}

/// Secure data environments: see, approve, close and verify projects.
#[derive(Debug, Parser)]
#[command(name = "kubectl-sde", bin_name = "kubectl sde", version, after_help = after_help())]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Which cluster, and colours.
#[derive(Debug, Args)]
pub struct Global {
    /// Kubeconfig file [default: KUBECONFIG, then ~/.kube/config]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: the current one]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub context: Option<String>,
    /// Namespace of the operator: controller and sentinel
    #[arg(
        long,
        short,
        global = true,
        value_name = "NAME",
        default_value = "sde-system",
        help_heading = "Global options"
    )]
    pub namespace: String,
    /// Colours; auto is a terminal without NO_COLOR
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: Color,
}

impl Global {
    /// The cluster meant.
    pub fn target(&self) -> Target {
        Target {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }
}

/// How a command prints.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t, value_name = "FORM")]
    pub output: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is open, what waits, why and since when
    #[command(after_help = "Examples:
  kubectl sde status
  kubectl sde status prj-4f2c
  kubectl sde status prj-4f2c -o json | jq .lock.targets")]
    Status(StatusArgs),
    /// Decide on the exact bytes of a project's spec, or for role Closure of its inventory
    #[command(
        after_help = "You must be another person than the one who submitted the spec, and not one of the project's people.
An approval never changes: to withdraw it, decide again with --decision Revoked.

Examples:
  kubectl sde approve prj-4f2c --role DataAccess --reference DAC-2026-17
  kubectl sde approve prj-4f2c --role Closure
  kubectl sde approve prj-4f2c --role DataAccess --decision Revoked"
    )]
    Approve(ApproveArgs),
    /// Stop everything that runs in a project; nothing is deleted
    Suspend(LifecycleArgs),
    /// Let a suspended project open again
    Resume(LifecycleArgs),
    /// End a project for good: everything stops, and once people approve, its data is destroyed and attested
    #[command(after_help = "Closed is terminal: a closed project never opens again.

Example:
  kubectl sde close prj-4f2c")]
    Close(CloseArgs),
    /// The signed record of a closed project
    #[command(subcommand)]
    Attestation(Attestation),
    /// Check an attestation offline, with a key that you bring
    #[command(
        after_help = "Take the key from where it was handed to you when the project began (status.attestationKey), never from the
record under test.

Example:
  kubectl sde verify --key public.pem --bundle bundle.sigstore.json --evidence evidence.json

Exit codes:
  0  verified
  1  not verified
  2  a file cannot be read, or the command line cannot work as given"
    )]
    Verify(VerifyArgs),
    /// What leaves and enters a project as a file
    #[command(subcommand)]
    Airlock(crate::airlock::Airlock),
    /// Is this cluster fit? Versions, policies, controller, storage, nodes, and whether the network really locks
    #[command(after_help = "Exit code 1 when a check fails.

Examples:
  kubectl sde doctor
  kubectl sde doctor --probe        also try, on every node, to get out of a locked pod

It also tries, by dry runs that make nothing, what the admission policies must refuse. Whoever may do what they refuse, and
may get /metrics of the API server, is told most. Exit code 1 when a check fails; a warning is no failure.")]
    Doctor(DoctorArgs),
    /// Attack this cluster through its API server: what the red team tries there, and whether anything worked that must not
    #[command(
        after_help = "Needs a project that is Active with a Workspace that is Running, best one made for this, and a cluster administrator who
may impersonate. Every request that writes is a dry run; commands, ports and logs are asked for in earnest (the command is
`true`). The controls live in the namespace redteam-control, made and deleted with everything in it.

People are impersonated by their user name: rights that come from a group of your identity provider are not seen. Attacks
from inside a notebook are made by `cargo e2e test redteam` on a range of its own; `doctor --probe` proves the lock here.

Examples:
  kubectl sde conformance prj-test
  kubectl sde conformance prj-test --yes --report conformance    also report.json, report.html, junit.xml, report.sarif

Exit code 1 when something is open that is not on the residual list, or could not be decided."
    )]
    Conformance(ConformanceArgs),
    /// Print a completion script
    #[command(after_help = "Examples:
  kubectl sde completions bash > /etc/bash_completion.d/kubectl-sde
  kubectl sde completions zsh > \"${fpath[1]}/_kubectl-sde\"
  kubectl sde completions fish > ~/.config/fish/completions/kubectl-sde.fish")]
    Completions {
        /// Shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// Shells with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Project; all of them in a table when left out
    pub project: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// Project
    pub project: String,
    /// Role in which you decide
    #[arg(long, value_enum)]
    pub role: Role,
    /// Last day on which it counts [default: the project's last day; for Closure 30 days from today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub expires: Option<Date>,
    /// Your decision
    #[arg(long, value_enum, default_value_t = Verb::Approved)]
    pub decision: Verb,
    /// Reference to your record of the decision
    #[arg(long, value_name = "REF")]
    pub reference: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}

/// [`ApprovalRole`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Role {
    /// The data access committee
    DataAccess,
    /// Public benefit is weighed
    PublicBenefit,
    /// Ethics approval is seen
    Ethics,
    /// Access from abroad is weighed
    Transfer,
    /// Destruction of what the inventory lists
    Closure,
}

impl From<Role> for ApprovalRole {
    fn from(role: Role) -> Self {
        match role {
            Role::DataAccess => Self::DataAccess,
            Role::PublicBenefit => Self::PublicBenefit,
            Role::Ethics => Self::Ethics,
            Role::Transfer => Self::Transfer,
            Role::Closure => Self::Closure,
        }
    }
}

/// [`Decision`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Verb {
    /// Yes
    Approved,
    /// No
    Rejected,
    /// An earlier yes of yours no longer counts
    Revoked,
}

impl From<Verb> for Decision {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Approved => Self::Approved,
            Verb::Rejected => Self::Rejected,
            Verb::Revoked => Self::Revoked,
        }
    }
}

/// Arguments of `suspend` and `resume`.
#[derive(Debug, Args)]
pub struct LifecycleArgs {
    /// Project
    pub project: String,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `close`.
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// Project
    pub project: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}

/// What to do with an attestation.
#[derive(Debug, Subcommand)]
pub enum Attestation {
    /// Write evidence.json, bundle.sigstore.json, statement.json and public.pem into a folder
    #[command(after_help = "Example:
  kubectl sde attestation export prj-4f2c -o evidence")]
    Export(ExportArgs),
    /// Print what was attested
    Show(ShowArgs),
}

/// Which record.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Project; it need not exist any more
    pub project: String,
    /// UID of the project, when several of this name were closed [default: the one closed last]
    #[arg(long)]
    pub uid: Option<String>,
}

/// Arguments of `attestation export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub record: RecordArgs,
    /// Folder to write into; made when it does not exist
    #[arg(long = "output", short = 'o', value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// Arguments of `attestation show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub record: RecordArgs,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Public key, SPKI PEM
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Sigstore bundle, JSON
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// evidence.json of a destruction attestation; leave it out for a receipt of the airlock
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Prove the network lock: in throwaway namespaces, a locked and a free pod on every node dial the sentinel
    #[arg(long)]
    pub probe: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `conformance`.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// Project that is attacked: Active
    pub project: String,
    /// Its Workspace that is attacked [default: the first that runs]
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// Folder for the report; made when it does not exist
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_dates_and_roles_are_refused_before_any_call() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("kubectl-sde approve p --role DataAccess --expires 2027-02-30").is_err());
        assert!(parse("kubectl-sde approve p --role Dataaccess").is_err());
        assert!(parse("kubectl-sde approve p").is_err());
        let ok = parse(
            "kubectl-sde approve p --role Closure --expires 2027-02-28 -y -o json --context c",
        );
        assert_eq!(ok.unwrap().global.context.as_deref(), Some("c"));
    }
}
