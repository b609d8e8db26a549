//! `AirlockReceipt`: what was decided or handed out of one AirlockRequest, signed. It outlives the request and its Project.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// The signed receipt of one release, rejection, revocation or collection. Written once by the controller; it outlives the Project.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "sde-operator.dev",
    version = "v1alpha1",
    kind = "AirlockReceipt",
    plural = "airlockreceipts",
    shortname = "arc",
    category = "sde",
    derive = "PartialEq",
    doc = "The signed receipt of one release, rejection, revocation or collection through the airlock. The controller writes it once; it outlives the Project.",
    validation = Rule::new("self.spec == oldSelf.spec").message("An AirlockReceipt never changes."),
    printcolumn(name = "Project", type_ = "string", json_path = ".spec.project"),
    printcolumn(name = "Request", type_ = "string", json_path = ".spec.request"),
    printcolumn(name = "Event", type_ = "string", json_path = ".spec.event"),
    printcolumn(name = "At", type_ = "date", json_path = ".spec.at")
)]
pub struct AirlockReceiptSpec {
    /// Name of the Project.
    #[schemars(schema_with = "schema::name")]
    pub project: String,
    /// UID of that Project.
    #[serde(rename = "projectUID")]
    #[schemars(length(min = 36, max = 36))]
    pub project_uid: String,
    /// Name of the request.
    #[schemars(schema_with = "schema::name")]
    pub request: String,
    /// UID of that request.
    #[serde(rename = "requestUID")]
    #[schemars(length(min = 36, max = 36))]
    pub request_uid: String,
    /// What happened.
    pub event: AirlockEvent,
    /// TransferToSde: the environment to which it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::name")]
    pub sde: Option<String>,
    /// When.
    pub at: Time,
    /// Sigstore bundle v0.3 (JSON) with the DSSE envelope of the in-toto statement.
    #[schemars(length(max = 65536))]
    pub bundle: String,
    /// SPKI PEM of the signing key, for information: verify with the key handed over at the project's start.
    #[schemars(length(max = 1024))]
    pub public_key: String,
}

/// What happened to a request that a receipt is made of.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
)]
pub enum AirlockEvent {
    /// It may be collected, or is in the inbox.
    Released,
    /// It was refused.
    Rejected,
    /// It is no longer handed out.
    Revoked,
    /// It was handed out, or may have been.
    Collected,
}
