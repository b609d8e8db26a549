//! In force is the intersection of the last approved spec and the present one: narrowing acts at once, widening waits.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use sde_crds::Evidence;
use sde_crds::declarations::{DeclaredUse, ExternalAdvice, Transfer};
use sde_crds::evidence::{BreachException, BreachHistory, Severity};
use sde_crds::project::{
    Compute, DatasetGrant, Ethics, Governance, Organisation, Person, ProjectSpec, Purpose, Schedule,
};

use crate::quantity;

/// The part of `present` that was approved. What cannot be narrowed (purpose, tier, custodian, closure mode)
/// stays as approved until the present spec is.
pub fn in_force(approved: &ProjectSpec, present: &ProjectSpec) -> ProjectSpec {
    ProjectSpec {
        people: approved
            .people
            .iter()
            .filter_map(|a| present.people.iter().find_map(|p| person(a, p)))
            .collect(),
        organisations: approved
            .organisations
            .iter()
            .filter_map(|a| {
                present
                    .organisations
                    .iter()
                    .find_map(|p| organisation(a, p))
            })
            .collect(),
        datasets: approved
            .datasets
            .iter()
            .filter_map(|a| present.datasets.iter().find_map(|p| grant(a, p)))
            .collect(),
        environments: approved
            .environments
            .iter()
            .filter(|e| present.environments.contains(e))
            .cloned()
            .collect(),
        compute: compute(&approved.compute, &present.compute),
        schedule: Schedule {
            starts: approved.schedule.starts.max(present.schedule.starts),
            expires: approved.schedule.expires.min(present.schedule.expires),
        },
        lifecycle: present.lifecycle,
        closure: sde_crds::project::Closure {
            legal_hold: approved.closure.legal_hold.max(present.closure.legal_hold),
            ..approved.closure.clone()
        },
        purpose: purpose(&approved.purpose, &present.purpose),
        transfers: transfers(approved.transfers.as_ref(), present.transfers.as_ref()),
        declared_use: approved.declared_use.as_ref().map(|a| {
            let p = present.declared_use.as_ref();
            DeclaredUse {
                collaboration: evidence(
                    a.collaboration.as_ref(),
                    p.and_then(|p| p.collaboration.as_ref()),
                ),
                ..a.clone()
            }
        }),
        external_advice: approved.external_advice.as_ref().map(|all| {
            let present = || present.external_advice.iter().flatten();
            let same = |a: &ExternalAdvice| present().find(|p| p.source == a.source);
            all.iter()
                .map(|a| ExternalAdvice {
                    evidence: sooner(&a.evidence, same(a).map(|p| &p.evidence)),
                    ..a.clone()
                })
                .collect()
        }),
        ..approved.clone()
    }
}

/// The words stay as approved; ethics approval may be asked for, or end, earlier.
fn purpose(approved: &Purpose, present: &Purpose) -> Purpose {
    let (a, p) = (&approved.ethics, &present.ethics);
    let ethics = Ethics {
        required: a.required || p.required,
        reference: a.reference.clone(),
        expires: a.expires.into_iter().chain(p.expires).min(),
        body: a.body.clone(),
        evidence: evidence(a.evidence.as_ref(), p.evidence.as_ref()),
    };
    Purpose {
        ethics,
        risk_assessment: evidence(
            approved.risk_assessment.as_ref(),
            present.risk_assessment.as_ref(),
        ),
        governance: approved.governance.as_ref().map(|a| {
            let p = present.governance.as_ref();
            Governance {
                legal_basis: sooner(&a.legal_basis, p.map(|p| &p.legal_basis)),
                impact_assessment: sooner(&a.impact_assessment, p.map(|p| &p.impact_assessment)),
                research: sooner(&a.research, p.map(|p| &p.research)),
            }
        }),
        ..approved.clone()
    }
}

/// What was approved, ending when either of the two does. What is new waits; what is left out stays as approved,
/// so that nothing that has ended can be hidden.
fn evidence(approved: Option<&Evidence>, present: Option<&Evidence>) -> Option<Evidence> {
    approved.map(|a| sooner(a, present))
}

fn sooner(approved: &Evidence, present: Option<&Evidence>) -> Evidence {
    let expires = present.and_then(|p| p.expires);
    Evidence {
        expires: approved.expires.into_iter().chain(expires).min(),
        ..approved.clone()
    }
}

/// The worse of the two. A serious history acts as soon as it is told; its exception waits for approval.
fn history(
    approved: Option<&BreachHistory>,
    present: Option<&BreachHistory>,
) -> Option<BreachHistory> {
    let serious = |h: &&BreachHistory| h.severity == Severity::Serious;
    let (a, p) = match (approved, present) {
        (Some(a), Some(p)) => (a, p),
        (None, told) => {
            return told.filter(serious).map(|p| BreachHistory {
                exception: None,
                ..p.clone()
            });
        }
        (only, None) => return only.cloned(),
    };
    let severity = a.severity.max(p.severity);
    let newly = serious(&p) && !serious(&a);
    let exception = a.exception.as_ref().filter(|_| !newly);
    Some(BreachHistory {
        declared: a.declared || p.declared,
        severity,
        checked_at: a.checked_at.min(p.checked_at),
        exception: exception.map(|e| BreachException {
            evidence: sooner(&e.evidence, p.exception.as_ref().map(|p| &p.evidence)),
            ..e.clone()
        }),
        ..a.clone()
    })
}

fn organisation(approved: &Organisation, present: &Organisation) -> Option<Organisation> {
    let (a, p) = (approved, present);
    let same = a.name == p.name
        && a.sector == p.sector
        && a.country == p.country
        && a.identifier == p.identifier;
    same.then(|| {
        let mut organisation = a.clone();
        organisation.approval.expires = a.approval.expires.min(p.approval.expires);
        organisation.contract = evidence(a.contract.as_ref(), p.contract.as_ref());
        organisation.assessment = evidence(a.assessment.as_ref(), p.assessment.as_ref());
        organisation.additional_scrutiny = evidence(
            a.additional_scrutiny.as_ref(),
            p.additional_scrutiny.as_ref(),
        );
        organisation.breach_history = history(a.breach_history.as_ref(), p.breach_history.as_ref());
        organisation
    })
}

fn transfers(
    approved: Option<&Vec<Transfer>>,
    present: Option<&Vec<Transfer>>,
) -> Option<Vec<Transfer>> {
    let both: Vec<Transfer> = approved?
        .iter()
        .filter_map(|a| {
            let p = present?
                .iter()
                .find(|p| p.organisation == a.organisation && p.country == a.country)?;
            let mut transfer = a.clone();
            transfer.recipient = evidence(a.recipient.as_ref(), p.recipient.as_ref());
            transfer.measures_reviewed =
                evidence(a.measures_reviewed.as_ref(), p.measures_reviewed.as_ref());
            transfer.legal_advice = evidence(a.legal_advice.as_ref(), p.legal_advice.as_ref());
            if let (Some(a), Some(p)) = (&mut transfer.safeguard, &p.safeguard) {
                a.evidence = sooner(&a.evidence, Some(&p.evidence));
            }
            if let (Some(a), Some(p)) = (&mut transfer.risk_assessment, &p.risk_assessment) {
                a.evidence = sooner(&a.evidence, Some(&p.evidence));
                a.tests_met &= p.tests_met;
            }
            Some(transfer)
        })
        .collect();
    (!both.is_empty()).then_some(both)
}

fn person(approved: &Person, present: &Person) -> Option<Person> {
    let same = approved.user == present.user && approved.organisation == present.organisation;
    let roles: Vec<_> = approved
        .roles
        .iter()
        .copied()
        .filter(|r| present.roles.contains(r))
        .collect();
    let access_from: Vec<_> = approved
        .access_from
        .iter()
        .filter(|c| present.access_from.contains(c))
        .cloned()
        .collect();
    if !same || roles.is_empty() || access_from.is_empty() {
        return None;
    }
    let mut person = Person {
        roles,
        access_from,
        ..approved.clone()
    };
    let (a, p) = (approved, present);
    person.training.expires = a.training.expires.min(p.training.expires);
    person.training.evidence = evidence(a.training.evidence.as_ref(), p.training.evidence.as_ref());
    person.assessment = evidence(a.assessment.as_ref(), p.assessment.as_ref());
    person.additional_scrutiny = evidence(
        a.additional_scrutiny.as_ref(),
        p.additional_scrutiny.as_ref(),
    );
    person.breach_history = history(a.breach_history.as_ref(), p.breach_history.as_ref());
    Some(person)
}

fn grant(approved: &DatasetGrant, present: &DatasetGrant) -> Option<DatasetGrant> {
    if approved.name != present.name || approved.dataset != present.dataset {
        return None;
    }
    let sub_paths = match (&approved.sub_paths, &present.sub_paths) {
        (None, paths) | (paths, None) => paths.clone(),
        (Some(a), Some(p)) => {
            let narrowed = p
                .iter()
                .filter(|path| a.iter().any(|root| within(path, root)));
            // A present folder that holds an approved one asks for more: the approved one stays.
            let kept = a
                .iter()
                .filter(|path| p.iter().any(|root| path != &root && within(path, root)));
            let mut both: Vec<String> = Vec::new();
            for path in narrowed.chain(kept) {
                if !both.contains(path) {
                    both.push(path.clone());
                }
            }
            if both.is_empty() {
                return None;
            }
            Some(both)
        }
    };
    Some(DatasetGrant {
        sub_paths,
        ..approved.clone()
    })
}

/// Whether `path` is `root` or below it.
pub(crate) fn within(path: &str, root: &str) -> bool {
    path == root
        || path
            .strip_prefix(root)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn compute(approved: &Compute, present: &Compute) -> Compute {
    Compute {
        cpu: quantity::min(&approved.cpu, &present.cpu),
        memory: quantity::min(&approved.memory, &present.memory),
        storage: quantity::min(&approved.storage, &present.storage),
        accelerators: approved
            .accelerators
            .as_ref()
            .zip(present.accelerators.as_ref())
            .map(|(a, p)| both(a, p)),
        max_workspaces: approved.max_workspaces.min(present.max_workspaces),
    }
}

fn both(
    approved: &BTreeMap<String, Quantity>,
    present: &BTreeMap<String, Quantity>,
) -> BTreeMap<String, Quantity> {
    approved
        .iter()
        .filter_map(|(k, a)| present.get(k).map(|p| (k.clone(), quantity::min(a, p))))
        .collect()
}
