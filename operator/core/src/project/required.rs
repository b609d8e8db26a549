//! Which roles must approve a spec, and by how many people: more for a whole Dataset (R31) and for countries with a
//! negative indicator (R72).

use sde_crds::policy::SdePolicySpec;
use sde_crds::policy_lists::ExtraApproval;
use sde_crds::project::ProjectSpec;
use sde_crds::project_approval::ApprovalRole;

use crate::project::rules::abroad;

/// Roles, one entry a person: a role that two people must fill is there twice.
pub fn required(policy: &SdePolicySpec, spec: &ProjectSpec) -> Vec<ApprovalRole> {
    let of = &policy.approvals;
    let mut roles = of.project_roles.clone();
    if spec.datasets.iter().any(|g| g.sub_paths.is_none()) {
        raise(&mut roles, of.whole_dataset.as_ref());
    }
    if let Some(transfers) = &policy.transfers {
        let negative = |country: &String| {
            let lists = transfers.indicators.iter();
            lists.flat_map(|i| &i.negative).any(|c| c == country)
        };
        if abroad(spec, transfers).iter().any(|(_, c)| negative(c)) {
            raise(&mut roles, of.negative_indicator.as_ref());
        }
    }
    roles
}

fn raise(roles: &mut Vec<ApprovalRole>, extra: Option<&ExtraApproval>) {
    let Some(extra) = extra else { return };
    let wanted = usize::try_from(extra.approvers).unwrap_or_default();
    let have = roles.iter().filter(|r| **r == extra.role).count();
    roles.extend(std::iter::repeat_n(extra.role, wanted.saturating_sub(have)));
}

/// The missing roles for people, each once, with the number of people where it takes more than one.
pub fn named(missing: &[ApprovalRole], required: &[ApprovalRole]) -> Vec<String> {
    let mut names = Vec::new();
    for role in missing {
        let people = required.iter().filter(|r| *r == role).count();
        let name = match people {
            0 | 1 => role.to_string(),
            n => format!("{role} ({n} people)"),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
