//! What the stand-in does with the pods and volumes of one namespace; tests change it while it runs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// How the stand-in plays the kubelet and the provisioner in one namespace. The default is a cluster in which everything is well.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// What probes find.
    pub probe: ProbeFinds,
    /// The image of main containers is not on the node (`ErrImageNeverPull`).
    pub image_missing: bool,
    /// The kubelet cannot mount the pod's volumes.
    pub mount_fails: bool,
    /// The data check computes this digest (`sha256:<hex>`) whatever it was told to expect.
    pub manifest_digest: Option<String>,
    /// What the airlock's jobs find in chambers is no longer what was sealed.
    pub content_changed: bool,
    /// Somebody has come to the airlock's door for what it hands out.
    pub collected: bool,
    /// The provisioner never deletes released volumes.
    pub keeps_volumes: bool,
}

/// What a probe finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProbeFinds {
    /// Every target silent, ping and raw sockets refused.
    #[default]
    Silence,
    /// The target of this name connected, the rest is silent.
    Open(String),
    /// The kernel lets raw sockets through.
    RawSockets,
    /// The probe never ends.
    Nothing,
}

/// Behaviours by namespace.
#[derive(Debug, Clone, Default)]
pub(super) struct Behaviours(Arc<RwLock<HashMap<String, Behaviour>>>);

impl Behaviours {
    pub(super) fn of(&self, namespace: &str) -> Behaviour {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(namespace)
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn set(&self, namespace: &str, behaviour: Behaviour) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(namespace.to_owned(), behaviour);
    }
}
