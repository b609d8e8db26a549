//! Being asked to stop, for commands that clean up after themselves.

use tokio::signal::unix::{SignalKind, signal};

/// Ctrl-C, or being told to end.
pub async fn interrupted() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
