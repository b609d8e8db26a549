//! What is tried: one entry an attack, in a file a group.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{RedteamError, Result};

/// The files, by group.
const FILES: [(Group, &str); 6] = [
    (Group::Network, include_str!("catalogue/network.yaml")),
    (Group::Data, include_str!("catalogue/data.yaml")),
    (Group::Escape, include_str!("catalogue/escape.yaml")),
    (Group::Resources, include_str!("catalogue/resources.yaml")),
    (Group::Api, include_str!("catalogue/api.yaml")),
    (Group::Time, include_str!("catalogue/time.yaml")),
];

/// Attacks that have a place and a means in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Group {
    /// Ways out of a notebook's network.
    Network,
    /// Writing to data that is read-only.
    Data,
    /// Out of the container.
    Escape,
    /// Taking what others need.
    Resources,
    /// Through the API server.
    Api,
    /// Over time: while locks are changed and parts are killed.
    Time,
}

/// One attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Attack {
    /// Its name for good: upper case, `GROUP-WORD`.
    pub id: String,
    /// What is tried, in a sentence without a full stop.
    pub title: String,
    /// CIS Kubernetes Benchmark, Multi-Tenancy Benchmarks, MITRE ATT&CK for containers, Microsoft's threat matrix.
    pub maps_to: Vec<String>,
    /// Who tries. One finding each for attacks through the API.
    pub who: Vec<String>,
    /// What shows that the attempt could have succeeded.
    pub control: String,
    /// Who, apart from the attacker, says what arrived or changed.
    pub witness: String,
    /// For attacks through the API: the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// For attacks through the API: the control's request, where it is not the same request elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_request: Option<ControlRequest>,
}

/// A request to the API server. `{name}` in path and body is replaced, by what it is for the attack or the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// HTTP method; `CONNECT` asks for a WebSocket.
    pub method: String,
    /// Path and query, without the server.
    pub path: String,
    /// Body; a list is sent as a JSON patch, a map of a PATCH as a merge patch.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// Impersonated besides: user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonate: Option<String>,
}

/// A control that is another request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ControlRequest {
    /// Who makes it.
    pub who: String,
    /// What.
    #[serde(flatten)]
    pub request: Request,
}

/// The attacks of a group, in the file's order.
///
/// # Errors
/// When the file does not parse.
pub fn group(group: Group) -> Result<Vec<Attack>> {
    let mut attacks = Vec::new();
    for (of, text) in FILES.iter().filter(|(of, _)| *of == group) {
        let read: Vec<Attack> = serde_yaml_ng::from_str(text).map_err(|error| {
            RedteamError::malformed("catalogue", format_args!("{of:?}: {error}"))
        })?;
        attacks.extend(read);
    }
    Ok(attacks)
}

/// Every attack with its group.
///
/// # Errors
/// When a file does not parse.
pub fn all() -> Result<Vec<(Group, Attack)>> {
    let mut attacks = Vec::new();
    for (of, _) in FILES {
        attacks.extend(group(of)?.into_iter().map(|attack| (of, attack)));
    }
    Ok(attacks)
}

/// The ids of findings that an attack gives: one each identity for the API, else one.
pub fn finding_ids(of: Group, attack: &Attack) -> Vec<String> {
    match of {
        Group::Api => attack
            .who
            .iter()
            .map(|who| format!("{}@{who}", attack.id))
            .collect(),
        _ => vec![attack.id.clone()],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_complete_and_named_once() {
        let all = all().expect("the catalogue parses");
        let mut seen = BTreeSet::new();
        for (group, attack) in &all {
            assert!(seen.insert(attack.id.clone()), "{} twice", attack.id);
            assert!(
                attack
                    .id
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-'),
                "{}",
                attack.id
            );
            assert!(!attack.maps_to.is_empty(), "{} maps to nothing", attack.id);
            assert!(!attack.who.is_empty(), "{} is nobody's", attack.id);
            assert!(
                !attack.control.is_empty() && !attack.witness.is_empty(),
                "{} has no control or no witness",
                attack.id
            );
            assert_eq!(
                attack.request.is_some(),
                *group == Group::Api,
                "{}: a request is for the API",
                attack.id
            );
            assert!(!attack.title.ends_with('.'), "{}", attack.id);
        }
        assert!(all.len() > 100, "{} attacks", all.len());
    }
}
