//! Runs a controller: takes keys from its queue, with a bound on how many at once, a time limit for
//! each, and panics caught; counts and logs what comes of it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::context::Context;
use crate::queue::{Done, Item, Queue};
use crate::reconcile::{Action, Reconcile, ReconcileError};
use crate::retry;
use crate::stores::Watched;

/// Bounds of a worker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Reconciles at once.
    pub concurrency: usize,
    /// Longest time for one reconcile.
    pub timeout: Duration,
}

/// Works until `stop`, then lets the running reconciles end.
pub async fn run<C: Reconcile>(
    controller: Arc<C>,
    ctx: Arc<Context>,
    queue: Arc<Queue>,
    limits: Limits,
    stop: CancellationToken,
) {
    let mut running: JoinSet<()> = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = running.join_next() => {}
            item = queue.next(), if running.len() < limits.concurrency.max(1) => {
                running.spawn(work(controller.clone(), ctx.clone(), queue.clone(), item, limits.timeout));
            }
        }
        ctx.metrics.queue_depth(C::NAME, queue.depth());
    }
    while running.join_next().await.is_some() {}
}

async fn work<C: Reconcile>(
    controller: Arc<C>,
    ctx: Arc<Context>,
    queue: Arc<Queue>,
    item: Item,
    timeout: Duration,
) {
    let span = tracing::info_span!(
        "reconcile",
        controller = C::NAME,
        namespace = item.key.namespace.as_deref().unwrap_or_default(),
        name = %item.key.name,
        reconcileID = %format_args!("{:016x}", rand::random::<u64>()),
    );
    let started = tokio::time::Instant::now();
    ctx.metrics.queue_latency(C::NAME, item.latency);
    let result = attempt(&*controller, &ctx, &item, timeout)
        .instrument(span.clone())
        .await;
    ctx.metrics.reconciled(C::NAME, started.elapsed(), &result);
    let done = span.in_scope(|| settle(&result, item.failures));
    queue.done(item.key, done);
}

/// `Ok(None)` when the object is gone.
async fn attempt<C: Reconcile>(
    controller: &C,
    ctx: &Context,
    item: &Item,
    timeout: Duration,
) -> Result<Option<Action>, ReconcileError> {
    let body = async {
        match C::Kind::store(&ctx.stores).get(&item.key) {
            Some(object) => controller.reconcile(ctx, object).await.map(Some),
            None => controller.gone(ctx, &item.key).await.map(|()| None),
        }
    };
    match tokio::time::timeout(timeout, AssertUnwindSafe(body).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(ReconcileError::Panic(panic_message(&*panic))),
        Err(_) => Err(ReconcileError::Timeout(timeout)),
    }
}

fn settle(result: &Result<Option<Action>, ReconcileError>, failures: u32) -> Done {
    match result {
        Ok(None) => Done::Gone,
        Ok(Some(Action::Resync)) => Done::Ok(Some(retry::resync(rand::random()))),
        Ok(Some(Action::After(wait))) => Done::Ok(Some(*wait)),
        Err(error @ ReconcileError::NotReady { after, .. }) => {
            tracing::debug!(reason = error.reason(), "{error}");
            Done::Ok(Some(*after))
        }
        Err(error) => {
            let wait = retry::delay(error, failures.saturating_add(1), rand::random());
            tracing::warn!(
                reason = error.reason(),
                retry_after_seconds = wait.as_secs_f64(),
                "{error}"
            );
            Done::Failed(wait)
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_waits_longer_each_time_and_waiting_is_no_failure() {
        let timeout = || Err(ReconcileError::Timeout(Duration::from_secs(1)));
        let Done::Failed(first) = settle(&timeout(), 0) else {
            panic!("not failed")
        };
        let Done::Failed(later) = settle(&timeout(), 6) else {
            panic!("not failed")
        };
        assert!(first <= Duration::from_secs(1) && later >= Duration::from_secs(32));
        let waiting = Err(ReconcileError::NotReady {
            reason: "PodStarting",
            message: "the pod is starting".into(),
            after: Duration::from_secs(5),
        });
        assert_eq!(settle(&waiting, 3), Done::Ok(Some(Duration::from_secs(5))));
        assert_eq!(settle(&Ok(None), 3), Done::Gone);
    }

    #[tokio::test]
    async fn a_panic_becomes_its_message() {
        let caught = AssertUnwindSafe(async { panic!("boom {}", 1) })
            .catch_unwind()
            .await;
        let panic: Box<dyn Any + Send> = caught.map(|(): ()| ()).expect_err("panics");
        assert_eq!(panic_message(&*panic), "boom 1");
    }
}
