//! What differs between the spec that is in force and the one that waits for approval. Pure.

use serde_json::Value;

/// One difference.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Where, as `people[u-7c1e].training.expires`.
    pub path: String,
    /// What it was; none for what is new.
    pub before: Option<String>,
    /// What it is; none for what is gone.
    pub after: Option<String>,
}

/// Every difference, in the spec's order. What is outside the digest is not compared.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut all = Vec::new();
    compare("", before, after, &mut all);
    all.retain(|c| c.path != "lifecycle");
    all
}

fn compare(path: &str, before: &Value, after: &Value, all: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                let path = join(path, key);
                match old.get(key) {
                    Some(old) => compare(&path, old, value, all),
                    None => all.push(change(path, None, Some(value))),
                }
            }
            for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
                all.push(change(join(path, key), Some(value), None));
            }
        }
        (Value::Array(old), Value::Array(new)) => lists(path, old, new, all),
        _ => all.push(change(path.to_owned(), Some(before), Some(after))),
    }
}

/// Lists are compared by what their entries are called, since their order means nothing.
fn lists(path: &str, old: &[Value], new: &[Value], all: &mut Vec<Change>) {
    let called = |list: &[Value], name: &str| {
        let found = list.iter().find(|v| called(v) == name);
        found.cloned()
    };
    for value in new {
        let name = self::called(value);
        let path = format!("{path}[{name}]");
        match called(old, &name) {
            Some(old) => compare(&path, &old, value, all),
            None => all.push(change(path, None, Some(value))),
        }
    }
    for value in old {
        let name = self::called(value);
        if called(new, &name).is_none() {
            all.push(change(format!("{path}[{name}]"), Some(value), None));
        }
    }
}

fn called(value: &Value) -> String {
    let keys = [
        "user",
        "name",
        "term",
        "source",
        "reference",
        "organisation",
    ];
    let key = keys
        .iter()
        .find_map(|k| value.get(k).and_then(Value::as_str));
    key.map_or_else(|| text(value), str::to_owned)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn change(path: String, before: Option<&Value>, after: Option<&Value>) -> Change {
    Change {
        path,
        before: before.map(text),
        after: after.map(text),
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_where_they_are_and_order_is_none() {
        let before = json!({
            "title": "A", "lifecycle": "Active",
            "people": [{"user": "u-1", "roles": ["Lead"]}, {"user": "u-2", "roles": ["Researcher"]}],
        });
        let after = json!({
            "title": "B", "lifecycle": "Suspended",
            "people": [{"user": "u-3", "roles": ["Egress"]}, {"user": "u-1", "roles": ["Lead", "Egress"]}],
        });
        let all = changes(&before, &after);
        let paths: Vec<&str> = all.iter().map(|c| c.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "title",
                "people[u-3]",
                "people[u-1].roles[Egress]",
                "people[u-2]"
            ]
        );
        assert_eq!(
            (all[0].before.as_deref(), all[0].after.as_deref()),
            (Some("A"), Some("B"))
        );
        assert_eq!(
            (all[1].before.as_deref(), all[3].after.as_deref()),
            (None, None)
        );
        assert_eq!(changes(&before, &before), []);
    }
}
