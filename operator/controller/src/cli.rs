//! The command line. Every flag can also be given as an environment variable `SDE_*`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Turns approved Projects into locked secure data environments.
#[derive(Clone, Debug, Parser)]
#[command(name = "sde-controller", version)]
pub struct Args {
    /// Namespace of the controller, the sentinel and the keys.
    #[arg(long, env = "SDE_NAMESPACE", default_value = "sde-system")]
    pub namespace: String,

    /// Namespace of JupyterHub and its proxy.
    #[arg(long, env = "SDE_HUB_NAMESPACE", default_value = "sde-hub")]
    pub hub_namespace: String,

    /// Image of sde-agent, as repository@sha256:digest.
    #[arg(long, env = "SDE_AGENT_IMAGE", value_parser = pinned_image)]
    pub agent_image: String,

    /// Address of the sentinel. Without it, the Ready sentinel pod of --namespace.
    #[arg(long, env = "SDE_SENTINEL_ADDRESS")]
    pub sentinel_address: Option<IpAddr>,

    /// Port on which the sentinel answers anyone, over TCP and UDP.
    #[arg(long, env = "SDE_SENTINEL_PORT", default_value_t = sde_crds::names::SENTINEL_PORT)]
    pub sentinel_port: u16,

    /// Port on which the sentinel answers the controller.
    #[arg(long, env = "SDE_SENTINEL_ADMIN_PORT", default_value_t = 7778)]
    pub sentinel_admin_port: u16,

    /// Where /metrics, /healthz and /readyz are served.
    #[arg(long, env = "SDE_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Form of the log.
    #[arg(long, env = "SDE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,

    /// Name of the leader lease in --namespace.
    #[arg(long, env = "SDE_LEASE", default_value = "sde-controller")]
    pub lease: String,

    /// Reconciles at once, for each controller.
    #[arg(long, env = "SDE_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,

    /// Longest time for one call to the API server. At most 10: a write begun in the last moment of leadership
    /// must end before another process may lead.
    #[arg(long, env = "SDE_API_TIMEOUT_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10))]
    pub api_timeout_seconds: u64,

    /// Name of this process in the lease; unique to the pod.
    #[arg(long, env = "POD_NAME", default_value_t = host_identity())]
    pub identity: String,
}

impl Args {
    /// `--api-timeout-seconds`.
    pub fn api_timeout(&self) -> Duration {
        Duration::from_secs(self.api_timeout_seconds)
    }
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// A tag can be moved to another image after approval; a digest cannot.
fn pinned_image(text: &str) -> Result<String, String> {
    let pinned = text
        .split_once("@sha256:")
        .is_some_and(|(repository, digest)| {
            !repository.is_empty()
                && digest.len() == 64
                && digest
                    .bytes()
                    .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        });
    if pinned {
        Ok(text.to_owned())
    } else {
        Err("must be repository@sha256:<64 hex digits>".into())
    }
}

fn host_identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &[&str]) -> Result<Args, clap::Error> {
        let image = format!("localhost/sde-operator/agent@sha256:{}", "a".repeat(64));
        Args::try_parse_from(
            ["sde-controller", "--agent-image", &image]
                .iter()
                .chain(extra),
        )
    }

    #[test]
    fn the_defaults_are_those_of_the_chart() {
        let args = parse(&[]).expect("args");
        assert_eq!(
            (args.namespace.as_str(), args.hub_namespace.as_str()),
            ("sde-system", "sde-hub")
        );
        assert_eq!(
            (
                args.sentinel_port,
                args.sentinel_admin_port,
                args.concurrency
            ),
            (7777, 7778, 8)
        );
        assert_eq!(args.api_timeout(), Duration::from_secs(10));
        assert!(!args.identity.is_empty());
    }

    #[test]
    fn an_image_by_tag_and_a_timeout_longer_than_the_lease_allows_are_refused() {
        assert!(Args::try_parse_from(["sde-controller", "--agent-image", "agent:latest"]).is_err());
        assert!(parse(&["--api-timeout-seconds", "11"]).is_err());
        assert!(parse(&["--concurrency", "0"]).is_err());
    }
}
