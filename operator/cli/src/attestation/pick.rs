//! Which record is meant. Pure.

use sde_crds::DestructionRecord;

use crate::error::CliError;

/// The record of a project's name: the last one signed, or that of a UID.
///
/// # Errors
/// [`CliError::Refused`] when there is none.
pub fn pick(
    all: Vec<DestructionRecord>,
    project: &str,
    uid: Option<&str>,
) -> Result<DestructionRecord, CliError> {
    let of_name: Vec<_> = all
        .into_iter()
        .filter(|r| r.spec.project == project)
        .collect();
    let uids: Vec<_> = of_name.iter().map(|r| r.spec.project_uid.clone()).collect();
    let found = of_name
        .into_iter()
        .filter(|r| uid.is_none_or(|u| r.spec.project_uid == u))
        .max_by_key(|r| r.spec.issued_at.0);
    found.ok_or_else(|| {
        CliError::Refused(match uid {
            Some(uid) if !uids.is_empty() => {
                format!("no record of project {project} is for UID {uid}; there are records for {}", uids.join(", "))
            }
            _ => format!("there is no destruction record of project {project}: it is signed at the end of closing (kubectl sde status {project} says where that is)"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn the_newest_or_the_one_asked_for() {
        let (a, b) = (
            "6f1d1c1e-0000-4000-8000-00000000000a",
            "6f1d1c1e-0000-4000-8000-00000000000b",
        );
        let all = || {
            vec![
                record("prj-1", a, "2026-11-20T10:00:00Z"),
                record("prj-1", b, "2026-11-21T10:00:00Z"),
                record("prj-2", a, "2026-11-22T10:00:00Z"),
            ]
        };
        assert_eq!(pick(all(), "prj-1", None).unwrap().spec.project_uid, b);
        assert_eq!(pick(all(), "prj-1", Some(a)).unwrap().spec.project_uid, a);
        assert!(
            pick(all(), "prj-3", None)
                .unwrap_err()
                .to_string()
                .contains("no destruction record")
        );
        assert!(
            pick(all(), "prj-2", Some(b))
                .unwrap_err()
                .to_string()
                .contains(a)
        );
    }
}
