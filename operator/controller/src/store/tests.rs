//! The store against scripted events.

use super::*;
use k8s_openapi::api::core::v1::ConfigMap;

fn object(name: &str, version: u64, project: Option<&str>) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("ns".into()),
            resource_version: Some(version.to_string()),
            labels: project.map(|p| [(names::PROJECT_LABEL.to_owned(), p.to_owned())].into()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

fn listed(store: &ObjectStore<ConfigMap>, objects: Vec<ConfigMap>) -> Vec<String> {
    store.handle(Event::Init);
    for object in objects {
        assert!(store.handle(Event::InitApply(Ok(object))).is_empty());
    }
    names(store.handle(Event::InitDone))
}

fn names(touched: Vec<Touched<ConfigMap>>) -> Vec<String> {
    let name =
        |t: &Touched<ConfigMap>| t.after.as_ref().or(t.before.as_ref()).map(|o| o.name_any());
    touched.iter().filter_map(name).collect()
}

#[test]
fn is_ready_only_after_a_whole_list() {
    let store = ObjectStore::new("ConfigMap");
    store.handle(Event::Init);
    store.handle(Event::InitApply(Ok(object("a", 1, None))));
    assert!(!store.is_ready() && store.is_empty());
    store.handle(Event::InitDone);
    assert!(store.is_ready() && store.len() == 1);
}

#[test]
fn a_relist_touches_the_changed_the_new_and_the_vanished_only() {
    let store = ObjectStore::new("ConfigMap");
    listed(
        &store,
        vec![
            object("same", 1, None),
            object("changed", 2, None),
            object("gone", 3, None),
        ],
    );
    let touched = listed(
        &store,
        vec![
            object("same", 1, None),
            object("changed", 5, None),
            object("new", 6, None),
        ],
    );
    assert_eq!(touched, ["changed", "new", "gone"]);
    assert_eq!(store.all().len(), 3);
}

#[test]
fn the_project_index_follows_labels() {
    let store = ObjectStore::new("ConfigMap");
    listed(&store, vec![object("a", 1, Some("one"))]);
    let touched = store.handle(Event::Apply(Ok(object("a", 2, Some("two")))));
    assert!(
        touched[0].before.is_some(),
        "the former project must hear of it"
    );
    assert!(store.of_project("one").is_empty());
    assert_eq!(store.of_project("two").len(), 1);
    store.handle(Event::Delete(Ok(object("a", 3, Some("two")))));
    assert!(store.of_project("two").is_empty());
}

#[test]
fn an_object_that_does_not_parse_is_set_aside_until_it_does() {
    let store = ObjectStore::new("ConfigMap");
    listed(&store, vec![object("a", 1, None)]);
    let key = ObjectKey::namespaced("ns", "a");
    let invalid = InvalidObject {
        error: "bad".into(),
        metadata: object("a", 2, None).metadata,
    };
    store.handle(Event::Apply(Err(Box::new(invalid))));
    assert!(store.get(&key).is_none());
    assert_eq!(store.invalid(&key).as_deref(), Some("bad"));
    store.handle(Event::Apply(Ok(object("a", 3, None))));
    assert!(store.get(&key).is_some() && store.invalid(&key).is_none());
}

#[test]
fn sees_a_write_by_version_or_by_a_later_list() {
    let store = ObjectStore::new("ConfigMap");
    listed(&store, vec![object("a", 10, None)]);
    let written = Instant::now();
    assert!(store.has_seen(10, written) && !store.has_seen(11, written));
    store.handle(Event::Delete(Ok(object("a", 12, None))));
    assert!(store.has_seen(11, written));
    assert!(!store.has_seen(99, written));
    std::thread::sleep(std::time::Duration::from_millis(2));
    listed(&store, vec![]);
    assert!(store.has_seen(99, written));
}
