//! `sde-portal`: people's decisions over HTTPS, as pages that need no JavaScript.
//!
//! `request` is where researchers ask, `decide` is where reviewers and custodians decide: two processes with two ServiceAccounts,
//! so that one stolen token can never both ask and decide. Everything is asked of the API server as the person who signed in.

mod admin;
mod api;
mod app;
mod args;
mod choices;
mod decide;
mod error;
mod fields;
mod headers;
mod inputs;
mod metrics;
mod names;
mod oidc;
mod page;
mod request;
mod run;
mod session;
mod show;
mod sign_in;
mod signed_in;
mod ticket;
mod tls;
mod user;
mod words;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, LogFormat};

fn main() -> ExitCode {
    let args = Args::parse();
    log(args.settings().log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run::run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Begins to log to standard output, one line an event.
fn log(format: LogFormat) {
    let filter = std::env::var("RUST_LOG")
        .ok()
        .filter(|text| !text.is_empty());
    let filter = filter.unwrap_or_else(|| "info,kube=warn,hyper=warn,tower=warn".to_owned());
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder.init(),
    }
}
