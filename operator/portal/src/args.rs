//! The command line. Every flag can also be given as an environment variable `SDE_PORTAL_*`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use url::Url;

/// People's decisions over HTTPS.
#[derive(Clone, Debug, Parser)]
#[command(name = "sde-portal", version)]
pub struct Args {
    /// Whose pages.
    #[command(subcommand)]
    pub command: Command,
}

/// Whose pages.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Researchers: what they ask to leave their projects, what was found in it, and how they collect it.
    ///
    /// Runs as ServiceAccount portal-request, which may act for researchers and only on AirlockRequests.
    Request(Settings),
    /// Reviewers and custodians: what waits for a decision, the decision, closures and their attestations.
    ///
    /// Runs as ServiceAccount portal-decide, which may act for the SdePolicy's deciders, to read and to decide.
    Decide(Settings),
}

/// Which pages a process serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asking.
    Request,
    /// Deciding.
    Decide,
}

impl Role {
    /// In cookies, metrics and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Decide => "decide",
        }
    }
}

/// What both need to know.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// OpenID Connect issuer at which people sign in, exactly as its own discovery document names it.
    #[arg(long, env = "SDE_PORTAL_ISSUER", value_parser = issuer)]
    pub issuer: String,

    /// PEM file with the certificate authority of the issuer, where no public one vouches for it.
    #[arg(long, env = "SDE_PORTAL_ISSUER_CA")]
    pub issuer_ca: Option<PathBuf>,

    /// Client id under which the issuer knows this portal.
    #[arg(long, env = "SDE_PORTAL_CLIENT_ID")]
    pub client_id: String,

    /// File with the client secret.
    #[arg(long, env = "SDE_PORTAL_CLIENT_SECRET_FILE")]
    pub client_secret_file: PathBuf,

    /// Claim of the ID token that is the person's name, as Projects and the SdePolicy spell it.
    #[arg(
        long,
        env = "SDE_PORTAL_USERNAME_CLAIM",
        default_value = "preferred_username"
    )]
    pub username_claim: String,

    /// Claim of the ID token with the names of a researcher's projects, if the issuer knows them: a list of strings.
    #[arg(long, env = "SDE_PORTAL_PROJECTS_CLAIM")]
    pub projects_claim: Option<String>,

    /// Address under which browsers reach this portal, such as https://request.sde.example.org.
    #[arg(long, env = "SDE_PORTAL_PUBLIC_URL", value_parser = origin)]
    pub public_url: Url,

    /// Address under which browsers reach the door, through which files go.
    #[arg(long, env = "SDE_PORTAL_DOOR_URL", value_parser = origin)]
    pub door_url: Url,

    /// File with the private key that signs tickets for the door (PKCS#8 PEM, P-256); the operator makes it.
    #[arg(long, env = "SDE_PORTAL_TICKET_KEY")]
    pub ticket_key: PathBuf,

    /// PEM file with this portal's certificate and its chain; read again when it changes.
    #[arg(long, env = "SDE_PORTAL_TLS_CERTIFICATE")]
    pub tls_certificate: PathBuf,

    /// PEM file with the certificate's private key.
    #[arg(long, env = "SDE_PORTAL_TLS_KEY")]
    pub tls_key: PathBuf,

    /// Where the pages are served, over TLS 1.3 alone.
    #[arg(long, env = "SDE_PORTAL_LISTEN", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,

    /// Where /healthz, /readyz and /metrics are served, without TLS.
    #[arg(long, env = "SDE_PORTAL_ADMIN", default_value = "0.0.0.0:8080")]
    pub admin: SocketAddr,

    /// Minutes without a page after which a person must sign in again.
    #[arg(long, env = "SDE_PORTAL_IDLE_MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=240))]
    pub idle_minutes: u64,

    /// Hours after which a person must sign in again in any case.
    #[arg(long, env = "SDE_PORTAL_SESSION_HOURS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=24))]
    pub session_hours: u64,

    /// Form of the log.
    #[arg(long, env = "SDE_PORTAL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Args {
    /// Which pages.
    pub fn role(&self) -> Role {
        match self.command {
            Command::Request(_) => Role::Request,
            Command::Decide(_) => Role::Decide,
        }
    }

    /// What both need.
    pub fn settings(&self) -> &Settings {
        match &self.command {
            Command::Request(settings) | Command::Decide(settings) => settings,
        }
    }
}

/// An https address without a path: what browsers compare as an origin.
fn origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| e.to_string())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if url.scheme() == "https" && url.has_host() && bare && anonymous {
        Ok(url)
    } else {
        Err("must be https://host or https://host:port, without a path".to_owned())
    }
}

/// Kept as it is written, since an issuer with and one without a slash at its end are two.
fn issuer(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|e| e.to_string())?;
    if url.scheme() == "https" && url.query().is_none() && url.fragment().is_none() {
        Ok(text.to_owned())
    } else {
        Err("an issuer is an https address without query or fragment".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &[&str]) -> Result<Args, clap::Error> {
        let base = [
            "sde-portal",
            "request",
            "--issuer=https://id.example.org/realm",
            "--client-id=request",
            "--client-secret-file=/s",
            "--ticket-key=/t",
            "--tls-certificate=/c",
            "--tls-key=/k",
            "--door-url=https://door.example.org",
        ];
        Args::try_parse_from(base.iter().chain(extra))
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let args = parse(&["--public-url=https://request.example.org"]).expect("args");
        let settings = args.settings();
        assert_eq!(args.role(), Role::Request);
        assert_eq!(settings.username_claim, "preferred_username");
        assert_eq!(settings.listen.port(), 8443);
        assert_eq!(settings.admin.port(), 8080);
    }

    #[test]
    fn addresses_that_are_no_origin_are_refused() {
        for bad in [
            "http://request.example.org",
            "https://request.example.org/x",
            "https://u@request.example.org",
            "request",
        ] {
            assert!(parse(&[&format!("--public-url={bad}")]).is_err(), "{bad}");
        }
    }
}
