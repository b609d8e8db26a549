//! Logging: one line an event, with controller-runtime's key names (`controller`, `namespace`, `name`,
//! `reconcileID`) from the span of the reconcile.

mod json;

use std::io::IsTerminal;

use thiserror::Error;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer};

use crate::cli::LogFormat;

/// What is logged unless RUST_LOG says otherwise.
const DEFAULT: &str = "info,kube=warn,hyper=warn,tower=warn";

/// Logging could not begin.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// RUST_LOG does not parse.
    #[error("RUST_LOG cannot be understood: {0}")]
    Filter(String),
    /// Somebody else set a subscriber already.
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Begins to log to standard output. Panics are logged too, so that the log stays one form throughout.
pub fn init(format: LogFormat) -> Result<(), TelemetryError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text),
        _ => EnvFilter::try_new(DEFAULT),
    }
    .map_err(|e| TelemetryError::Filter(e.to_string()))?;
    let layer = match format {
        LogFormat::Json => json::JsonLayer::new(std::io::stdout).boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stdout().is_terminal())
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let location = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or_default();
        tracing::error!(location, "panic: {message}");
    }));
    Ok(())
}
