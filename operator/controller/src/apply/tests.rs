//! What is sent, and what counts as ours.

use super::*;
use k8s_openapi::api::core::v1::Namespace;

fn namespace(uid: &str) -> Namespace {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("sde-project-a".into());
    namespace.metadata.labels = Some(
        [
            (names::MANAGED_BY_LABEL, names::MANAGED_BY),
            (names::PROJECT_UID_LABEL, uid),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into(),
    );
    namespace
}

#[test]
fn the_body_holds_type_name_labels_and_the_digest_only() {
    let (body, digest) = body(&namespace("u"), FieldManager::Project).expect("body");
    assert_eq!(body["kind"], "Namespace");
    assert_eq!(
        body["metadata"]["annotations"]["applied.sde-operator.dev/project"],
        digest.as_str()
    );
    assert!(body.get("status").is_none());
    let keys: Vec<_> = body["metadata"]
        .as_object()
        .expect("map")
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["labels", "name", "annotations"]);
}

#[test]
fn a_label_that_is_no_longer_wanted_changes_the_digest() {
    let (before, _) = body(&namespace("u"), FieldManager::Project).expect("body");
    let mut narrowed = namespace("u");
    narrowed
        .metadata
        .labels
        .as_mut()
        .expect("labels")
        .remove(names::PROJECT_UID_LABEL);
    let (after, _) = body(&narrowed, FieldManager::Project).expect("body");
    assert!(noop::difference(&after, &before, Compare::Subset).is_some());
}

#[test]
fn another_project_of_the_same_name_is_foreign() {
    assert!(same_project(&namespace("u"), &namespace("u")));
    assert!(!same_project(&namespace("u"), &namespace("v")));
    let mut unlabelled = namespace("u");
    unlabelled.metadata.labels = None;
    assert!(!same_project(&namespace("u"), &unlabelled));
}

#[test]
fn a_policy_claims_both_directions_even_when_it_allows_nothing() {
    let mut deny = k8s_openapi::api::networking::v1::NetworkPolicy::default();
    deny.metadata.name = Some("deny".into());
    deny.spec = Some(Default::default());
    let (body, _) = body(&deny, FieldManager::Project).expect("body");
    assert_eq!(body["spec"]["egress"], json!([]));
    assert_eq!(body["spec"]["ingress"], json!([]));
}
