//! Starts the five controllers once the cluster has been asked about.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::AccessController;
use crate::airlock::AirlockController;
use crate::cluster::Cluster;
use crate::context::Context;
use crate::dataset::DatasetController;
use crate::project::ProjectController;
use crate::worker::{self, Limits};
use crate::workspace::WorkspaceController;

/// Starts them; each ends soon after `stop` is cancelled.
pub fn start(ctx: Arc<Context>, limits: Limits, stop: CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let cluster = tokio::select! {
            () = stop.cancelled() => return,
            cluster = Cluster::discover(&ctx) => Arc::new(cluster),
        };
        let project = Arc::new(ProjectController {
            cluster: cluster.clone(),
        });
        let access = Arc::new(AccessController {
            form: cluster.impersonation,
        });
        let airlock = Arc::new(AirlockController {
            cluster: cluster.clone(),
        });
        let workspace = Arc::new(WorkspaceController { cluster });
        let queues = ctx.queues.clone();
        tokio::join!(
            worker::run(project, ctx.clone(), queues.project, limits, stop.clone()),
            worker::run(
                workspace,
                ctx.clone(),
                queues.workspace,
                limits,
                stop.clone()
            ),
            worker::run(
                Arc::new(DatasetController),
                ctx.clone(),
                queues.dataset,
                limits,
                stop.clone()
            ),
            worker::run(airlock, ctx.clone(), queues.airlock, limits, stop.clone()),
            worker::run(access, ctx.clone(), queues.access, limits, stop),
        );
    });
    tasks
}
