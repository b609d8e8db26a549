//! The life of the process: watch, wait to lead, work, and go in good order.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::apply::Applier;
use crate::cli::Args;
use crate::client::{ClientError, Connector};
use crate::context::{Clock, Context};
use crate::events::Events;
use crate::keys::{Keys, KeysError};
use crate::leadership::Leadership;
use crate::lease::{LeaseKeeper, LeaseLost};
use crate::metrics::Metrics;
use crate::policy_form::{Doubt, PolicyForm};
use crate::retry;
use crate::routes::Queues;
use crate::sentinel::Sentinel;
use crate::stores::Stores;
use crate::watches::Watches;
use crate::worker::Limits;

/// Longest time for one reconcile; a reconcile makes a few dozen calls at most.
const RECONCILE_TIMEOUT: Duration = Duration::from_secs(120);
/// Time that running reconciles have to end, within a pod's usual 30 seconds of grace.
const DRAIN: Duration = Duration::from_secs(20);

/// Why the process ends otherwise than asked to.
#[derive(Debug, Error)]
pub enum RunError {
    /// No client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Signals or the admin port cannot be had.
    #[error("the operating system refuses: {0}")]
    Io(#[from] std::io::Error),
    /// Another process may lead by now. The standby in this process's place starts from a clean state.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    /// The keys are there but unusable.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A watch ended, which none does by itself.
    #[error("a watch ended unexpectedly")]
    Watch,
    /// A controller ended, which none does by itself.
    #[error("a controller ended unexpectedly")]
    Controller,
}

/// Starts the controllers; each ends soon after the token is cancelled.
pub type Start = fn(Arc<Context>, Limits, CancellationToken) -> JoinSet<()>;

/// Runs until SIGTERM or SIGINT (`Ok`) or until it must not go on.
pub async fn run(args: Args, start: Start) -> Result<(), RunError> {
    let metrics = Arc::new(Metrics::new());
    let connector = Connector::infer(metrics.clone()).await?;
    let client = connector.client(None, args.api_timeout())?;
    let doubt = Doubt::default();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let parts = Parts {
        policy_form: PolicyForm::new(connector, doubt.clone()),
        client: client.clone(),
        stores: Arc::default(),
        queues: Queues::default(),
        leadership: Leadership::default(),
        metrics: metrics.clone(),
        args,
    };
    let stopped = CancellationToken::new();
    let admin = Admin {
        metrics,
        stores: parts.stores.clone(),
        leadership: parts.leadership.clone(),
    };
    let mut admin = tokio::spawn(admin.serve(parts.args.listen, stopped.clone()));
    let watches = Watches {
        client,
        stores: parts.stores.clone(),
        queues: parts.queues.clone(),
        metrics: parts.metrics.clone(),
        doubt,
    };
    let mut watching = watches.start(&parts.args.namespace);
    let asked_to_stop = CancellationToken::new();
    let stop = asked_to_stop.clone();
    let leading = parts.lead(start, stop);
    tokio::pin!(leading);
    let result = loop {
        tokio::select! {
            _ = terminate.recv() => asked_to_stop.cancel(),
            _ = interrupt.recv() => asked_to_stop.cancel(),
            result = &mut leading => break result,
            _ = watching.join_next() => break Err(RunError::Watch),
            served = &mut admin => break match served {
                Ok(Err(error)) => Err(error.into()),
                _ => Err(std::io::Error::other("the admin interface ended").into()),
            },
        }
    };
    stopped.cancel();
    result
}

struct Parts {
    policy_form: PolicyForm,
    args: Args,
    client: Client,
    stores: Arc<Stores>,
    queues: Queues,
    leadership: Leadership,
    metrics: Arc<Metrics>,
}

impl Parts {
    /// Waits for the lease, works while it is held, and gives it back.
    async fn lead(self, start: Start, stop: CancellationToken) -> Result<(), RunError> {
        let timeout = self.args.api_timeout();
        let mut keeper = LeaseKeeper::new(
            self.client.clone(),
            &self.args.namespace,
            &self.args.lease,
            &self.args.identity,
            timeout,
            self.leadership.clone(),
        );
        // A standby keeps its stores warm, so that taking over is a matter of seconds.
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = keeper.acquire() => {}
        }
        let result = tokio::select! {
            lost = keeper.keep() => Err(lost.into()),
            result = self.work(start, stop) => result,
        };
        if !matches!(result, Err(RunError::LeaseLost(_))) {
            keeper.release().await;
        }
        result
    }

    async fn work(self, start: Start, stop: CancellationToken) -> Result<(), RunError> {
        let context = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            context = self.context() => Arc::new(context?),
        };
        let limits = Limits {
            concurrency: context.config.concurrency.into(),
            timeout: RECONCILE_TIMEOUT,
        };
        let mut controllers = start(context, limits, stop.clone());
        tokio::select! {
            // First, since the controllers end because of it.
            biased;
            () = stop.cancelled() => {}
            _ = controllers.join_next() => return Err(RunError::Controller),
        }
        tracing::info!("stopping: waiting for the running reconciles");
        let drained = async { while controllers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("stopping with reconciles still running");
            controllers.shutdown().await;
        }
        Ok(())
    }

    async fn context(self) -> Result<Context, RunError> {
        // An empty store would look like a cluster where everything was deleted.
        self.stores.wait_ready().await;
        let timeout = self.args.api_timeout();
        let keys = self.keys(timeout).await?;
        let sentinel = Sentinel::new(
            self.args.sentinel_address,
            self.args.sentinel_port,
            self.args.sentinel_admin_port,
            self.stores.clone(),
        );
        let events = Events::new(
            self.client.clone(),
            &self.args.identity,
            self.leadership.clone(),
            self.metrics.clone(),
            timeout,
        );
        let applier = Applier::new(
            self.client,
            self.stores.clone(),
            self.leadership,
            self.metrics.clone(),
            timeout,
        );
        Ok(Context {
            config: self.args,
            stores: self.stores,
            applier,
            sentinel,
            policy_form: self.policy_form,
            keys,
            metrics: self.metrics,
            events,
            queues: self.queues,
            clock: Clock::system(),
        })
    }

    /// Tries again while the API server is in trouble; gives up on keys that are there but unusable.
    async fn keys(&self, timeout: Duration) -> Result<Keys, RunError> {
        let mut failures = 0_u32;
        loop {
            match Keys::load_or_create(
                self.client.clone(),
                &self.args.namespace,
                &self.leadership,
                timeout,
            )
            .await
            {
                Ok(keys) => return Ok(keys),
                Err(error @ KeysError::Api { .. }) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!("{error}");
                    tokio::time::sleep(retry::backoff(failures, rand::random())).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
