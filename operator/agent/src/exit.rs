//! The exit codes of every subcommand, and the runtime they share.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Process exit codes; see the help text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Proven, confirmed, equal, or ended as asked.
    Proven = 0,
    /// Something is open, not confirmed, not equal, or not proven in time.
    Refused = 1,
    /// Arguments or environment are unusable.
    BadArguments = 2,
    /// A panic, no socket, or an unwritable report.
    Internal = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs a future on one thread. Blocking work that is still going when it ends is abandoned.
pub fn block_on(future: impl Future<Output = Exit>) -> Exit {
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let exit = runtime.block_on(future);
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            tracing::error!(%error, "no runtime");
            Exit::Internal
        }
    }
}

/// Resolves at SIGTERM or SIGINT. A container's first process gets no default action for signals,
/// so without this a deleted pod would linger for its whole grace period.
pub async fn terminated() {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
