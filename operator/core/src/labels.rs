//! Labels and names of what is made for a project.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use sde_crds::names;
use sha2::{Digest, Sha256};

/// A project's name and UID: what every object made for it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectId {
    /// Name of the Project.
    pub name: String,
    /// UID of the Project.
    pub uid: String,
}

impl ProjectId {
    /// The project's namespace.
    pub fn namespace(&self) -> String {
        names::project_namespace(&self.name)
    }

    /// Labels of everything made for the project.
    pub fn labels(&self) -> BTreeMap<String, String> {
        [
            (names::MANAGED_BY_LABEL, names::MANAGED_BY),
            (names::PROJECT_LABEL, &self.name),
            (names::PROJECT_UID_LABEL, &self.uid),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
    }

    /// Metadata of a namespaced object made for the project.
    pub fn meta(&self, name: impl Into<String>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.into()),
            namespace: Some(self.namespace()),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }

    /// Owner reference to the Project, for cluster-scoped objects. Not blocking and not a controller
    /// reference: teardown order is ours, garbage collection is only the net below it.
    pub fn owner(&self) -> OwnerReference {
        OwnerReference {
            api_version: format!("{}/{}", names::GROUP, names::VERSION),
            kind: "Project".to_owned(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            ..OwnerReference::default()
        }
    }
}

/// `metadata` with one more label.
#[must_use]
pub fn with_label(mut meta: ObjectMeta, key: &str, value: &str) -> ObjectMeta {
    meta.labels
        .get_or_insert_default()
        .insert(key.to_owned(), value.to_owned());
    meta
}

/// The first `length` hexadecimal digits of SHA-256: a stable short name for text that is no DNS label.
pub fn short_hash(text: &str, length: usize) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
        .chars()
        .take(length)
        .collect()
}

/// Name of a person's home claim.
pub fn home_claim(user: &str) -> String {
    format!("home-{}", short_hash(user, 10))
}

/// Name of a grant's claim, and of the pod volume that mounts it.
pub fn grant_claim(grant: &str) -> String {
    format!("data-{grant}")
}

/// Name of a grant's volume: unique in the cluster, and another one for a project made again or for another
/// dataset under the same grant name, since the source of a volume can never be changed.
pub fn grant_volume(id: &ProjectId, grant: &str, dataset: &str) -> String {
    format!(
        "sde-{}-{}",
        id.name,
        short_hash(&format!("{}/{grant}/{dataset}", id.uid), 12)
    )
}
