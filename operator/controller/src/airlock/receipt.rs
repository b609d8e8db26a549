//! Makes a receipt. What was made stays: doing it again finds the same name taken, by the same bytes.

use kube::core::ObjectMeta;
use sde_core::airlock::receipt::{Due, name, receipt};
use sde_crds::AirlockReceipt;

use super::Seen;
use crate::context::Context;
use crate::reconcile::ReconcileError;

/// Signs and stores one.
pub async fn make(ctx: &Context, seen: &Seen, due: Due) -> Result<(), ReconcileError> {
    let Some(id) = seen.id() else {
        return Ok(());
    };
    let observed = &seen.observed;
    let spec = receipt(
        observed,
        &id,
        due,
        &ctx.keys.attestation,
        &ctx.keys.pseudonym,
    );
    let spec = spec.map_err(|error| ReconcileError::Invalid {
        reason: "ReceiptRefused",
        message: error.to_string(),
    })?;
    let receipt = AirlockReceipt {
        metadata: ObjectMeta {
            name: Some(name(observed, due)),
            labels: Some(id.labels()),
            ..ObjectMeta::default()
        },
        spec,
    };
    ctx.applier.create_once(&receipt).await?;
    Ok(())
}
