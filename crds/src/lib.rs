//! The sde-operator API, `sde-operator.dev/v1alpha1`: one file a kind, names and schema
//! fragments that kinds share in `names` and `schema`, and the generator that writes `yaml/`.

pub mod airlock_receipt;
pub mod airlock_request;
pub mod airlock_review;
pub mod airlock_status;
pub mod dataset;
pub mod declarations;
pub mod destruction_record;
pub mod evidence;
pub mod generate;
pub mod names;
pub mod people;
pub mod policy;
pub mod policy_airlock;
pub mod policy_lists;
pub mod project;
pub mod project_approval;
pub mod project_status;
pub mod requirements;
pub mod schema;
pub mod workspace;

pub use airlock_receipt::{AirlockReceipt, AirlockReceiptSpec};
pub use airlock_request::{AirlockRequest, AirlockRequestSpec};
pub use airlock_review::{AirlockReview, AirlockReviewSpec};
pub use airlock_status::AirlockRequestStatus;
pub use dataset::{Dataset, DatasetSpec, DatasetStatus};
pub use destruction_record::{DestructionRecord, DestructionRecordSpec};
pub use evidence::Evidence;
pub use policy::{SdePolicy, SdePolicySpec};
pub use project::{Project, ProjectSpec};
pub use project_approval::{ProjectApproval, ProjectApprovalSpec};
pub use project_status::ProjectStatus;
pub use workspace::{Workspace, WorkspaceSpec, WorkspaceStatus};
