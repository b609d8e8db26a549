//! Opens the gates of jobs whose lock is proven, as for every pod that mounts data.

use std::time::Duration;

use sde_core::pod::View;
use sde_core::project::standing;
use sde_core::proving::{self, Controls, Proving};

use super::Seen;
use crate::context::Context;
use crate::project::apply::open_gate;
use crate::project::observe::control;
use crate::reconcile::ReconcileError;

/// How soon a proof is judged again that does not hold, as when the sentinel is away. The gate itself has a deadline.
pub const AGAIN: Duration = Duration::from_secs(5);

/// Judges the pods that have reported; says whether one is left whose lock is not proven.
pub async fn gates(ctx: &Context, seen: &Seen) -> Result<bool, ReconcileError> {
    let mut unproven = false;
    for pod in &seen.pods {
        let view = View(pod);
        let reported = proving::read(view, &Controls::new()) == Proving::Reported;
        if !reported || view.over() || view.deleting() {
            continue;
        }
        let mut controls = Controls::new();
        if let Some(control) = control(ctx, view).await {
            controls.insert(view.uid().to_owned(), control);
        }
        match proving::read(view, &controls) {
            Proving::Judged(judgement) if standing::holds(&judgement) => {
                open_gate(ctx, pod).await?;
            }
            _ => unproven = true,
        }
    }
    Ok(unproven)
}
