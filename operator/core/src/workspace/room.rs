//! Who holds the Project's compute: the oldest Workspaces first, so that what no longer fits after a narrowing stops newest first (R14).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::Workspace;
use sde_crds::project::Compute;
use sde_crds::workspace::WorkspaceResources;

use crate::project;
use crate::quantity::{self, QuantityError};
use crate::rejection::Rejection;
use crate::workspace::validate::works;

/// Thousandths of each resource that are not held yet.
type Left = BTreeMap<String, i128>;

/// Whether a Workspace that asks for `wanted` still fits beside the older ones that run.
///
/// # Errors
/// What there is not enough of.
pub(super) fn is_left(
    me: &Workspace,
    project: &project::Observed,
    of: &project::Validated,
    wanted: &BTreeMap<String, Quantity>,
) -> Result<(), Rejection> {
    let mut older: Vec<&Workspace> = project
        .workspaces
        .iter()
        .filter(|w| w.spec.running && w.metadata.deletion_timestamp.is_none())
        .filter(|w| works(of, &w.spec.user) && age(w) < age(me))
        .collect();
    older.sort_by_key(|w| age(w));
    let most = usize::try_from(of.spec.compute.max_workspaces).unwrap_or(0);
    let mut left = whole(&of.spec.compute).map_err(invalid)?;
    let mut holders = 0;
    for other in older {
        let Ok(asked) = resources(other.spec.resources.as_ref(), of) else {
            continue;
        };
        // One that does not fit does not run, so it holds nothing and keeps nobody younger out.
        if holders < most && take(&mut left, &asked).map_err(invalid)?.is_none() {
            holders += 1;
        }
    }
    if holders >= most {
        return Err(Rejection::new(
            "TooManyWorkspaces",
            format!(
                "The Project allows {most} running workspaces and older ones hold them all: stop one."
            ),
        ));
    }
    match take(&mut left, wanted).map_err(invalid)? {
        None => Ok(()),
        Some(name) => Err(Rejection::new(
            "ComputeInUse",
            format!(
                "Older workspaces hold so much of the Project's {name} that {} no longer fits: stop one, or ask for less.",
                wanted.get(&name).map_or("this", |q| q.0.as_str())
            ),
        )),
    }
}

/// What a Workspace gets: what it asks for, or an even share.
///
/// # Errors
/// When it asks for more than the whole Project has.
pub(super) fn resources(
    asked: Option<&WorkspaceResources>,
    of: &project::Validated,
) -> Result<BTreeMap<String, Quantity>, Rejection> {
    let compute = &of.spec.compute;
    let mut all = BTreeMap::new();
    match asked {
        None => {
            all.insert(
                "cpu".to_owned(),
                quantity::share_milli(&compute.cpu, compute.max_workspaces).map_err(invalid)?,
            );
            all.insert(
                "memory".to_owned(),
                quantity::share(&compute.memory, compute.max_workspaces).map_err(invalid)?,
            );
        }
        Some(asked) => {
            all.insert("cpu".to_owned(), asked.cpu.clone());
            all.insert("memory".to_owned(), asked.memory.clone());
            all.extend(asked.accelerators.clone().unwrap_or_default());
            let mut whole = whole(compute).map_err(invalid)?;
            if let Some(name) = take(&mut whole, &all).map_err(invalid)? {
                return Err(Rejection::new(
                    "BeyondProject",
                    format!(
                        "resources.{name} asks for {}, more than the whole Project has: lower it.",
                        all.get(&name).map_or("this", |q| q.0.as_str())
                    ),
                ));
            }
        }
    }
    Ok(all)
}

fn invalid(error: QuantityError) -> Rejection {
    Rejection::new("QuantityInvalid", format!("{error}."))
}

/// Oldest first; the uid decides between two of one second.
fn age(workspace: &Workspace) -> impl Ord {
    let created = workspace.metadata.creation_timestamp.as_ref();
    (created.map(|t| t.0), workspace.metadata.uid.clone())
}

fn whole(compute: &Compute) -> Result<Left, QuantityError> {
    [("cpu", &compute.cpu), ("memory", &compute.memory)]
        .into_iter()
        .chain(
            compute
                .accelerators
                .iter()
                .flatten()
                .map(|(k, v)| (k.as_str(), v)),
        )
        .map(|(name, most)| Ok((name.to_owned(), quantity::milli(most)?)))
        .collect()
}

/// Takes all of `wanted`, or nothing and says of what there is too little.
fn take(
    left: &mut Left,
    wanted: &BTreeMap<String, Quantity>,
) -> Result<Option<String>, QuantityError> {
    let mut after = left.clone();
    for (name, asked) in wanted {
        let rest = after.get(name).copied().unwrap_or(0) - quantity::milli(asked)?;
        if rest < 0 {
            return Ok(Some(name.clone()));
        }
        after.insert(name.clone(), rest);
    }
    *left = after;
    Ok(None)
}
