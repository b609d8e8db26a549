//! What a controller has to be: a kind, a name and a `reconcile`; and the error it may end with.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::apply::ApplyError;
use crate::context::Context;
use crate::key::ObjectKey;
use crate::retry::Retry;
use crate::stores::Watched;

/// When to look again after a reconcile that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// On the next change, or at the jittered resync.
    Resync,
    /// On the next change, or after this long: for things that no watch tells (time, a protocol's deadline).
    After(Duration),
}

/// Why a reconcile did not finish.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// A write or a live read failed.
    #[error(transparent)]
    Api(#[from] ApplyError),
    /// Something outside has to happen first and no watch will tell of it.
    #[error("{message}")]
    NotReady {
        /// CamelCase constant for the condition.
        reason: &'static str,
        /// Sentence without volatile names.
        message: String,
        /// When to look again.
        after: Duration,
    },
    /// The object asks for something impossible; only a change of it can help.
    #[error("{message}")]
    Invalid {
        /// CamelCase constant for the condition.
        reason: &'static str,
        /// Sentence without volatile names.
        message: String,
    },
    /// The reconcile took longer than it may.
    #[error("the reconcile took longer than {0:?}")]
    Timeout(Duration),
    /// The reconcile panicked; the process goes on with the other keys.
    #[error("the reconcile panicked: {0}")]
    Panic(String),
}

impl ReconcileError {
    /// CamelCase constant for conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Api(error) => error.reason(),
            Self::NotReady { reason, .. } | Self::Invalid { reason, .. } => reason,
            Self::Timeout(_) => "ReconcileTimeout",
            Self::Panic(_) => "ReconcilePanic",
        }
    }

    /// How to go on after it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Api(error) => error.retry(),
            Self::NotReady { after, .. } => Retry::After(*after),
            Self::Invalid { .. } => Retry::OnChange,
            Self::Timeout(_) | Self::Panic(_) => Retry::Backoff,
        }
    }
}

/// One controller: called with the stored object, never twice at once for one key.
pub trait Reconcile: Send + Sync + 'static {
    /// Name in metrics and logs, such as `project`.
    const NAME: &'static str;
    /// The kind that is reconciled.
    type Kind: Watched;

    /// Brings the cluster to what the object asks for and writes its status.
    fn reconcile(
        &self,
        ctx: &Context,
        object: Arc<Self::Kind>,
    ) -> impl Future<Output = Result<Action, ReconcileError>> + Send;

    /// Called instead when the store has no object of that key (any more). Finalizers make this the
    /// moment after the end, so there is normally nothing left but in-memory state to drop.
    fn gone(
        &self,
        _ctx: &Context,
        _key: &ObjectKey,
    ) -> impl Future<Output = Result<(), ReconcileError>> + Send {
        async { Ok(()) }
    }
}
