//! Rounds of attempts: every target at once, and what the kernel refuses. Used by probe and standing.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sde_core::lock::{
    Outcome, PingMode, REPORT_VERSION, Report, SocketResult, Target, TargetError, TargetKind,
    TargetResult, is_pod_uid, parse_targets, payload,
};
use tokio::task::JoinSet;

use crate::dial::dial;
use crate::{kernel, termination};

/// Between two rounds, so that consecutive rounds do not share one lost packet or one full queue.
pub const PAUSE: Duration = Duration::from_millis(500);

/// What to dial, and how; shared by `probe` and `standing`.
#[derive(Debug, clap::Args)]
pub struct Dialling {
    /// UID of the pod this runs in (downward API).
    #[arg(long, env = "SDE_POD_UID")]
    pub pod_uid: String,
    /// JSON array of targets: name, kind, address (IP literal), port, protocol (TCP or UDP).
    #[arg(long, env = "SDE_TARGETS")]
    pub targets: String,
    /// Consecutive closed rounds that are needed; for standing, rounds an interval.
    #[arg(long, env = "SDE_ROUNDS", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(2..=100))]
    pub rounds: u32,
    /// `Refused`: the kernel must refuse ping sockets. `Sent`: echoes are sent and must stay
    /// unanswered.
    #[arg(long, env = "SDE_PING", default_value = "Refused", value_parser = parse_ping)]
    pub ping: PingMode,
    /// How long one attempt waits, in milliseconds.
    #[arg(long, env = "SDE_ATTEMPT_TIMEOUT_MS", default_value_t = 800,
          value_parser = clap::value_parser!(u64).range(50..=10_000))]
    pub attempt_timeout_ms: u64,
    /// Where the report goes.
    #[arg(long, env = "SDE_TERMINATION_LOG", default_value = termination::DEFAULT_PATH)]
    pub termination_log: PathBuf,
}

fn parse_ping(text: &str) -> Result<PingMode, String> {
    match text {
        "Refused" => Ok(PingMode::Refused),
        "Sent" => Ok(PingMode::Sent),
        _ => Err("must be Refused or Sent".to_owned()),
    }
}

impl Dialling {
    /// Writes a report that only says why there is none.
    pub fn failure(&self) -> impl FnOnce(&str) + use<> {
        let (path, uid) = (self.termination_log.clone(), self.pod_uid.clone());
        move |why| {
            let report = Report::failed(&uid, why);
            termination::finish_report(&path, &report, crate::exit::Exit::Internal);
        }
    }
}

/// Why a prober cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// `SDE_POD_UID` is empty or has other characters.
    #[error("the pod UID must be 1 to 64 letters, digits or '-'")]
    PodUid,
    /// `SDE_TARGETS` cannot be used.
    #[error(transparent)]
    Targets(#[from] TargetError),
}

/// One round's findings.
#[derive(Debug, Clone)]
pub struct Round {
    results: Vec<TargetResult>,
    ping: SocketResult,
    raw: SocketResult,
}

impl Round {
    /// Something got out, or could.
    pub fn is_open(&self) -> bool {
        self.ping == SocketResult::Open
            || self.raw == SocketResult::Open
            || self.results.iter().any(|r| r.outcome.is_open())
    }

    /// Every attempt was made and none got out; an attempt that failed to be made is not closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.ping, SocketResult::Refused | SocketResult::Silent)
            && self.raw == SocketResult::Refused
            && self.results.iter().all(|r| r.outcome.is_closed())
    }
}

/// Dials rounds and counts the consecutive closed ones.
pub struct Prober {
    pod_uid: String,
    targets: Vec<(Target, SocketAddr)>,
    ping: PingMode,
    limit: Duration,
    started: Instant,
    closed: u32,
    last: Option<Round>,
}

impl Prober {
    /// Checks the arguments.
    pub fn new(args: &Dialling) -> Result<Self, ProberError> {
        if !is_pod_uid(&args.pod_uid) {
            return Err(ProberError::PodUid);
        }
        let targets = parse_targets(&args.targets)?
            .into_iter()
            .map(|target| target.socket_addr().map(|address| (target, address)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            pod_uid: args.pod_uid.clone(),
            targets,
            ping: args.ping,
            limit: Duration::from_millis(args.attempt_timeout_ms),
            started: Instant::now(),
            closed: 0,
            last: None,
        })
    }

    /// How long one round takes at most, apart from scheduling.
    pub fn round_limit(&self) -> Duration {
        self.limit
    }

    /// Since this was made.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Consecutive closed rounds up to the last.
    pub fn closed_rounds(&self) -> u32 {
        self.closed
    }

    /// Dials every target and asks the kernel, once.
    pub async fn round(&mut self) -> &Round {
        let ping = async {
            match self.ping {
                PingMode::Refused => kernel::ping_sockets(),
                PingMode::Sent => kernel::echoes(&self.echo_addresses(), self.limit).await,
            }
        };
        let (results, ping) = tokio::join!(self.dial_all(), ping);
        let round = Round {
            results,
            ping,
            raw: kernel::raw_sockets(),
        };
        self.closed = if round.is_closed() {
            self.closed.saturating_add(1)
        } else {
            0
        };
        tracing::info!(
            closed_rounds = self.closed,
            open = round.is_open(),
            elapsed_ms = self.elapsed().as_millis() as u64,
            "round"
        );
        self.last.insert(round)
    }

    async fn dial_all(&self) -> Vec<TargetResult> {
        let mut tasks = JoinSet::new();
        for (index, (target, address)) in self.targets.iter().enumerate() {
            let (address, protocol, limit) = (*address, target.protocol, self.limit);
            let payload = payload(&self.pod_uid, target);
            tasks.spawn(async move { (index, dial(address, protocol, &payload, limit).await) });
        }
        // A dial that panicked leaves its Error.
        let mut outcomes = vec![Outcome::Error; self.targets.len()];
        while let Some(joined) = tasks.join_next().await {
            if let Ok((index, outcome)) = joined {
                outcomes[index] = outcome;
            }
        }
        self.targets
            .iter()
            .zip(outcomes)
            .map(|((target, _), outcome)| TargetResult {
                name: target.name.clone(),
                outcome,
            })
            .collect()
    }

    fn echo_addresses(&self) -> BTreeSet<IpAddr> {
        self.targets
            .iter()
            .filter(|(t, _)| matches!(t.kind, TargetKind::Sentinel | TargetKind::Kubelet))
            .map(|(_, address)| address.ip())
            .collect()
    }

    /// The report as of the last round; without one it proves nothing and says so.
    pub fn report(&self) -> Report {
        let Some(last) = &self.last else {
            return Report::failed(&self.pod_uid, "ended before the first round");
        };
        Report {
            version: REPORT_VERSION,
            pod_uid: self.pod_uid.clone(),
            rounds: self.closed,
            elapsed_ms: u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX),
            results: last.results.clone(),
            ping: last.ping,
            raw: last.raw,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(outcome: Outcome, ping: SocketResult, raw: SocketResult) -> Round {
        Round {
            results: vec![TargetResult {
                name: "x".into(),
                outcome,
            }],
            ping,
            raw,
        }
    }

    #[test]
    fn a_round_is_open_closed_or_neither() {
        use SocketResult::{Error, Open, Refused, Silent};
        let cases = [
            (round(Outcome::Silent, Refused, Refused), false, true),
            (round(Outcome::Refused, Refused, Refused), false, true),
            (round(Outcome::NoRoute, Silent, Refused), false, true),
            (round(Outcome::Error, Refused, Refused), false, false),
            (round(Outcome::Silent, Error, Refused), false, false),
            (round(Outcome::Silent, Refused, Error), false, false),
            (round(Outcome::Silent, Refused, Silent), false, false),
            (round(Outcome::Connected, Refused, Refused), true, false),
            (round(Outcome::Answered, Refused, Refused), true, false),
            (round(Outcome::Silent, Open, Refused), true, false),
            (round(Outcome::Silent, Refused, Open), true, false),
        ];
        for (round, open, closed) in cases {
            assert_eq!(
                (round.is_open(), round.is_closed()),
                (open, closed),
                "{round:?}"
            );
        }
    }
}
