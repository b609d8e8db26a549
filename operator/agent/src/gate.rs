//! `sde-agent gate`: the second init container. Waits for the controller's half of the proof, which
//! arrives as an annotation of this pod through a downward-API file.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sde_core::lock::is_pod_uid;

use crate::exit::{Exit, block_on, terminated};

/// The kubelet swaps a symbolic link to update the file; there is nothing to be notified of that
/// would survive every volume plugin, and the kubelet itself takes seconds.
const POLL: Duration = Duration::from_millis(200);

/// More than the longest right value; longer files are wrong without reading on.
const READ_MAX: u64 = 256;

/// Arguments of `gate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// UID of the pod this runs in (downward API).
    #[arg(long, env = "SDE_POD_UID")]
    pod_uid: String,
    /// How long to wait for the confirmation, in seconds.
    #[arg(long, env = "SDE_DEADLINE_SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    deadline_seconds: u64,
    /// The downward-API file of the annotation `sde-operator.dev/gate`.
    #[arg(
        long,
        env = "SDE_GATE_FILE",
        default_value = "/etc/sde/gate/annotation"
    )]
    file: PathBuf,
}

/// What the file says now.
#[derive(Debug, PartialEq, Eq)]
enum Gate {
    Waiting,
    Confirmed,
    Wrong,
}

/// Exit 0 when the file is exactly `confirmed <pod uid>`, 1 for any other text or at the deadline.
pub fn run(args: &Args) -> Exit {
    if !is_pod_uid(&args.pod_uid) {
        tracing::error!("the pod UID must be 1 to 64 letters, digits or '-'");
        return Exit::BadArguments;
    }
    let expected = format!("confirmed {}", args.pod_uid);
    block_on(async {
        tokio::select! {
            exit = wait(&args.file, &expected, Duration::from_secs(args.deadline_seconds)) => exit,
            () = terminated() => Exit::Refused,
        }
    })
}

async fn wait(file: &Path, expected: &str, deadline: Duration) -> Exit {
    let started = Instant::now();
    loop {
        match look(file, expected) {
            Gate::Confirmed => {
                tracing::info!("confirmed");
                return Exit::Proven;
            }
            Gate::Wrong => {
                tracing::error!("the annotation is not this pod's confirmation");
                return Exit::Refused;
            }
            Gate::Waiting if started.elapsed() >= deadline => {
                tracing::error!("not confirmed before the deadline");
                return Exit::Refused;
            }
            Gate::Waiting => tokio::time::sleep(POLL).await,
        }
    }
}

/// A file that is missing, empty or unreadable may still come; the deadline bounds the wait.
fn look(file: &Path, expected: &str) -> Gate {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(file).and_then(|opened| opened.take(READ_MAX).read_to_end(&mut bytes));
    match read {
        Ok(0) | Err(_) => Gate::Waiting,
        Ok(_) if bytes == expected.as_bytes() => Gate::Confirmed,
        Ok(_) => Gate::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const EXPECTED: &str = "confirmed 7c1e";

    /// As the kubelet's atomic writer: `annotation` -> `..data/annotation`, `..data` -> a directory
    /// that is swapped by a rename.
    fn publish(root: &Path, version: &str, text: &str) {
        let dir = root.join(version);
        std::fs::create_dir(&dir).expect("directory");
        std::fs::write(dir.join("annotation"), text).expect("file");
        symlink(version, root.join("..tmp")).expect("link");
        std::fs::rename(root.join("..tmp"), root.join("..data")).expect("swap");
        let _ = symlink("..data/annotation", root.join("annotation"));
    }

    #[test]
    fn only_the_exact_text_is_a_confirmation() {
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("annotation");
        assert_eq!(look(&file, EXPECTED), Gate::Waiting);
        for (text, gate) in [
            ("", Gate::Waiting),
            ("confirmed 7c1e", Gate::Confirmed),
            ("confirmed 7c1e\n", Gate::Wrong),
            ("confirmed 7c1", Gate::Wrong),
            ("confirmed 7c1ef", Gate::Wrong),
            ("Confirmed 7c1e", Gate::Wrong),
            (" ", Gate::Wrong),
        ] {
            std::fs::write(&file, text).expect("write");
            assert_eq!(look(&file, EXPECTED), gate, "{text:?}");
        }
        std::fs::write(&file, format!("{EXPECTED}{}", "x".repeat(9999))).expect("write");
        assert_eq!(look(&file, EXPECTED), Gate::Wrong);
    }

    #[tokio::test]
    async fn waits_through_empty_until_the_swap() {
        let dir = tempfile::tempdir().expect("tempdir");
        let root = dir.path().to_owned();
        publish(&root, "..1", "");
        let waiting = tokio::spawn({
            let file = root.join("annotation");
            async move { wait(&file, EXPECTED, Duration::from_secs(20)).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!waiting.is_finished());
        publish(&root, "..2", EXPECTED);
        assert_eq!(waiting.await.expect("joined"), Exit::Proven);
    }

    #[tokio::test]
    async fn another_pods_confirmation_ends_it() {
        let dir = tempfile::tempdir().expect("tempdir");
        publish(dir.path(), "..1", "confirmed another");
        let file = dir.path().join("annotation");
        let started = Instant::now();
        assert_eq!(
            wait(&file, EXPECTED, Duration::from_secs(60)).await,
            Exit::Refused
        );
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn the_deadline_ends_it() {
        let missing = Path::new("/nonexistent/annotation");
        assert_eq!(
            wait(missing, EXPECTED, Duration::from_millis(300)).await,
            Exit::Refused
        );
    }
}
