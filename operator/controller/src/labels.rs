//! What the machinery itself reads and writes of labels and annotations, beside `sde_crds::names`.

use kube::Resource;
use sde_crds::names;

/// Prefix of the annotation that holds the digest of what a field manager last applied. Without it an
/// object that still carries a label or quota key that is no longer wanted would look up to date.
pub const APPLIED_PREFIX: &str = "applied.sde-operator.dev/";

/// The selector of every watch on objects of our making.
pub fn managed_selector() -> String {
    format!("{}={}", names::MANAGED_BY_LABEL, names::MANAGED_BY)
}

/// A label's value.
pub fn label<'a, K: Resource>(object: &'a K, name: &str) -> Option<&'a str> {
    object
        .meta()
        .labels
        .as_ref()
        .and_then(|l| l.get(name))
        .map(String::as_str)
}

/// The project that an object belongs to: by its label, else by its namespace, else it is the Project.
pub fn project_of<K: Resource<DynamicType = ()>>(object: &K) -> Option<String> {
    if let Some(project) = label(object, names::PROJECT_LABEL) {
        return Some(project.to_owned());
    }
    let meta = object.meta();
    if let Some(namespace) = &meta.namespace {
        return namespace
            .strip_prefix(names::PROJECT_NAMESPACE_PREFIX)
            .map(str::to_owned);
    }
    let is_project = K::group(&()) == names::GROUP && K::kind(&()) == "Project";
    if is_project { meta.name.clone() } else { None }
}
