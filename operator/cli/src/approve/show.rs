//! What a person decides on, in full, before they do.

use sde_crds::evidence::Severity;
use sde_crds::project::{ClosureMode, Project, ProjectSpec};
use sde_crds::project_approval::ApprovalRole;
use sde_crds::project_status::MediumKind;
use sde_crds::{ProjectApproval, ProjectApprovalSpec};

use crate::text::{Line, Paint, Tone, Tree};

/// Width of the field names.
const FIELD: usize = 15;

/// What is decided on and the decision itself.
pub fn render(project: &Project, approval: &ProjectApproval, paint: Paint, width: usize) -> String {
    let name = project.metadata.name.clone().unwrap_or_default();
    let mut root = Tree::new(
        Line::new(Tone::Strong, name).and(Tone::Plain, format!("  {}", project.spec.title)),
    );
    if approval.spec.role == ApprovalRole::Closure {
        inventory(&mut root, project);
    } else {
        spec(&mut root, &project.spec);
    }
    root.push(field("digest", &approval.spec.digest));
    root.push(decision(&approval.spec));
    root.render(paint, width)
}

fn field(name: &str, value: &str) -> Tree {
    Tree::hanging(
        Line::new(Tone::Strong, format!("{name:<FIELD$}")).and(Tone::Plain, value),
        FIELD,
    )
}

fn list(name: &str, lines: Vec<String>) -> Tree {
    let mut tree = Tree::new(Line::new(Tone::Strong, name));
    for line in lines {
        tree.leaf(Line::plain(line));
    }
    tree
}

fn spec(root: &mut Tree, spec: &ProjectSpec) {
    root.push(field("submitted by", &spec.submitted_by));
    root.push(field(
        "custodian",
        &format!(
            "{} ({})",
            spec.custodian.organisation, spec.custodian.contact
        ),
    ));
    root.push(field("tier", &spec.tier));
    root.push(field("purpose", &spec.purpose.statement));
    root.push(field("public benefit", &spec.purpose.public_benefit));
    let ethics = &spec.purpose.ethics;
    root.push(field(
        "ethics",
        &match (&ethics.reference, ethics.expires) {
            _ if !ethics.required => "not required".to_owned(),
            (Some(reference), Some(expires)) => format!("{reference}, until {expires}"),
            _ => "required, no reference".to_owned(),
        },
    ));
    root.push(list(
        "organisations",
        spec.organisations
            .iter()
            .map(|o| {
                format!(
                    "{}  {:?}, {}, approval {} until {}",
                    o.name, o.sector, o.country, o.approval.reference, o.approval.expires
                )
            })
            .collect(),
    ));
    root.push(list(
        "people",
        spec.people
            .iter()
            .map(|p| {
                let roles: Vec<_> = p.roles.iter().map(|r| format!("{r:?}")).collect();
                format!(
                    "{}  {}, {}, from {}, training {} until {}",
                    p.user,
                    p.organisation,
                    roles.join(" "),
                    p.access_from.join(" "),
                    p.training.course,
                    p.training.expires
                )
            })
            .collect(),
    ));
    root.push(list(
        "datasets",
        spec.datasets
            .iter()
            .map(|d| {
                let paths = d
                    .sub_paths
                    .as_ref()
                    .map_or_else(|| "all of it".to_owned(), |p| p.join(" "));
                format!("{}  of {}: {paths}. {}", d.name, d.dataset, d.minimisation)
            })
            .collect(),
    ));
    for (name, text) in declared(spec) {
        root.push(field(name, &text));
    }
    root.push(field("environments", &spec.environments.join(", ")));
    root.push(field("compute", &compute(spec)));
    root.push(field(
        "dates",
        &format!("{} to {}", spec.schedule.starts, spec.schedule.expires),
    ));
    root.push(field("ends by", &closure(spec)));
}

/// What is declared beyond people and data; nothing is shown of what is not.
fn declared(spec: &ProjectSpec) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(of) = &spec.declared_use {
        let flags = [
            (of.commercial, "commercial"),
            (of.ancestry_research, "ancestry"),
            (of.methods_research, "methods"),
        ];
        let also: Vec<_> = flags
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, f)| *f)
            .collect();
        let diseases = of.diseases.iter().flatten().map(|d| d.term.as_str());
        let words: Vec<_> = diseases.chain(also).collect();
        lines.push((
            "use",
            format!("{:?} {}", of.purpose, words.join(", "))
                .trim()
                .to_owned(),
        ));
    }
    if let Some(of) = &spec.setting {
        let sdes = of
            .sdes
            .iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let why = of.justification.clone().unwrap_or_default();
        lines.push((
            "setting",
            format!("{:?} {sdes} {why}", of.kind).trim().to_owned(),
        ));
    }
    for of in spec.transfers.iter().flatten() {
        let text = format!("{} in {}, by {:?}", of.organisation, of.country, of.basis);
        lines.push(("transfer", text));
    }
    for of in spec.external_advice.iter().flatten() {
        let text = format!("{}: {:?}, {}", of.source, of.advice, of.evidence.reference);
        lines.push(("advice", text));
    }
    let people = spec.people.iter().map(|p| (&p.user, &p.breach_history));
    let organisations = spec
        .organisations
        .iter()
        .map(|o| (&o.name, &o.breach_history));
    for (name, history) in people.chain(organisations) {
        if let Some(of) = history.as_ref().filter(|h| h.severity != Severity::None) {
            let exception = of.exception.as_ref().map_or_else(String::new, |e| {
                format!(", exception {}: {}", e.evidence.reference, e.rationale)
            });
            lines.push(("breaches", format!("{name}: {:?}{exception}", of.severity)));
        }
    }
    lines
}

fn compute(spec: &ProjectSpec) -> String {
    let compute = &spec.compute;
    let accelerators: Vec<_> = compute
        .accelerators
        .iter()
        .flatten()
        .map(|(name, n)| format!(", {} {name}", n.0))
        .collect();
    format!(
        "{} cpu, {} memory, {} storage{}, {} workspaces at once",
        compute.cpu.0,
        compute.memory.0,
        compute.storage.0,
        accelerators.concat(),
        compute.max_workspaces
    )
}

fn closure(spec: &ProjectSpec) -> String {
    let closure = &spec.closure;
    let held = if closure.legal_hold == Some(true) {
        "; a legal hold stops every deletion"
    } else {
        ""
    };
    match closure.mode {
        ClosureMode::Delete => format!("deletion{held}"),
        ClosureMode::RetainInaccessible => {
            let basis = closure.legal_basis.as_deref().unwrap_or_default();
            let review = closure
                .review_by
                .map(|d| format!(", to be reviewed by {d}"))
                .unwrap_or_default();
            format!("keeping it out of everybody's reach ({basis}{review}){held}")
        }
    }
}

fn inventory(root: &mut Tree, project: &Project) {
    let closing = project.status.as_ref().and_then(|s| s.closing.as_ref());
    let media = closing.and_then(|c| c.inventory.as_ref());
    let retain = project.spec.closure.mode == ClosureMode::RetainInaccessible;
    root.push(field("ends by", &closure(&project.spec)));
    let lines = media.into_iter().flatten().map(|m| {
        let fate = match m.kind {
            MediumKind::Home if retain => "KEPT, out of reach",
            MediumKind::Home => "DESTROYED",
            MediumKind::DatasetGrant => "released; the dataset itself stays with its custodian",
        };
        let capacity = m
            .capacity
            .as_ref()
            .map(|c| format!(", {}", c.0))
            .unwrap_or_default();
        let volume = m
            .volume
            .as_ref()
            .map_or_else(|| ", no volume".to_owned(), |v| format!(", volume {v}"));
        let driver = m
            .driver
            .as_ref()
            .map(|d| format!(", {d}"))
            .unwrap_or_default();
        format!("{}{volume}{capacity}{driver}: {fate}", m.claim)
    });
    let mut lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        lines.push("nothing holds data".to_owned());
    }
    root.push(list("inventory", lines));
}

fn decision(spec: &ProjectApprovalSpec) -> Tree {
    let reference = spec
        .reference
        .as_ref()
        .map(|r| format!(", reference {r}"))
        .unwrap_or_default();
    let text = format!(
        "{:?} as {}, by {}, through {}{reference}",
        spec.decision, spec.role, spec.approver, spec.expires
    );
    Tree::hanging(
        Line::new(Tone::Strong, format!("{:<FIELD$}", "decision")).and(Tone::Wait, text),
        FIELD,
    )
}
