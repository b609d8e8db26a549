//! The attestation as plain text for people. A rendering: the signed bundle is the authority.

use crate::{
    predicate::{Claim, DestructionFacts, DestructionPredicate, Outcome, media::Media},
    pseudonym::Pseudonym,
    statement::Statement,
};

/// Renders the attestation: outcome, claim with what is not claimed, project, media, steps, copies, residuals, limits.
pub fn summary(statement: &Statement<DestructionPredicate>) -> String {
    let predicate = &statement.predicate;
    let facts = predicate.facts();
    let mut page = Page::default();
    head(&mut page, facts);
    project(&mut page, facts);
    media(&mut page, &facts.media);
    page.section("Closing steps");
    for step in &facts.steps {
        let ended = step
            .ended_at
            .map(|at| format!(" at {at}"))
            .unwrap_or_default();
        page.line(&format!(
            "  {:<5}{:<32}{}{ended}",
            step.id.to_string(),
            step.id.title(),
            step.result
        ));
    }
    copies(&mut page, facts);
    page.section("What may remain");
    for residual in &facts.residuals {
        let expiry = residual
            .expires_at
            .map(|at| format!(" Ends {at}."))
            .unwrap_or_default();
        page.line(&format!(
            "  {}: {}{expiry} Owner: {}.",
            residual.class, residual.description, residual.owner
        ));
    }
    page.section("What this attestation does not say");
    for limitation in predicate.limitations() {
        page.line(&format!("  - {}", limitation.text()));
    }
    page.section("Subjects (SHA-256)");
    for subject in &statement.subject {
        page.line(&format!("  {}  {}", subject.digest.sha256, subject.name));
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    /// Text from the record is printed without control characters, so that it cannot forge lines or move the cursor.
    fn line(&mut self, text: &str) {
        self.0.extend(
            text.chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c }),
        );
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.0.push('\n');
        self.line(title);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.line(&format!("  {name:<18}{value}"));
    }
}

fn head(page: &mut Page, facts: &DestructionFacts) {
    page.line("DATA DESTRUCTION ATTESTATION");
    page.line("");
    page.field("Attestation", facts.attestation_id.as_str());
    page.field("Issued", &facts.times.issued.to_string());
    page.field(
        "Outcome",
        &format!("{}: {}", facts.outcome, outcome_in_words(facts.outcome)),
    );
    page.field(
        "Claim",
        &format!("{}: {}", facts.claim, claim_in_words(facts.claim)),
    );
    page.field("Not claimed", not_claimed(facts.claim));
    if let Some(previous) = &facts.previous {
        page.field("Follows", &previous.attestation_digest.to_string());
    }
    if let Some(superseded) = &facts.supersedes {
        page.field("Supersedes", superseded.as_str());
    }
}

fn outcome_in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Destroyed => "every recorded medium was observed gone.",
        Outcome::DestroyedPending => {
            "every recorded medium was observed gone; a recorded copy has yet to expire, or another environment to confirm that it deleted its own."
        }
        Outcome::RetainedInaccessible => {
            "data was kept on purpose; nobody of the project can reach it."
        }
        Outcome::FailedPartial => "the closure is NOT complete; a person must act.",
    }
}

fn claim_in_words(claim: Claim) -> &'static str {
    match claim {
        Claim::PurgeCryptographicErase => "every copy of the encryption keys was destroyed.",
        Claim::DeleteOnly => {
            "objects and volumes were deleted through their interfaces and seen gone there."
        }
        Claim::Inaccessible => "media were kept, out of reach of everybody of the project.",
        Claim::None => "nothing is claimed of the media.",
    }
}

fn not_claimed(claim: Claim) -> &'static str {
    match claim {
        Claim::PurgeCryptographicErase => "Destroy of media.",
        Claim::DeleteOnly => "Clear, Purge, Destroy or cryptographic erase of any medium.",
        Claim::Inaccessible => "deletion of what was kept, or sanitisation of any medium.",
        Claim::None => "deletion, inaccessibility, or sanitisation of any medium.",
    }
}

fn project(page: &mut Page, facts: &DestructionFacts) {
    let project = &facts.project;
    page.section("Project");
    page.field("Reference", &project.public_ref);
    page.field("UID", &project.uid);
    page.field("Approved spec", &project.spec_digest);
    page.field(
        "Custodian",
        &format!(
            "{} ({})",
            project.custodian.name, project.custodian.contact_ref
        ),
    );
    if !project.data_sharing_agreement_refs.is_empty() {
        page.field(
            "Agreements",
            &project.data_sharing_agreement_refs.join(", "),
        );
    }
    page.field(
        "Closed",
        &format!("{}, {}", project.closed_at, project.closure_reason),
    );
    let approvers: Vec<&str> = project
        .closure_approvers
        .iter()
        .map(Pseudonym::as_str)
        .collect();
    let approvers = if approvers.is_empty() {
        "nobody".to_owned()
    } else {
        approvers.join(", ")
    };
    page.field("Closure approved", &format!("by {approvers}"));
    for dataset in &facts.datasets {
        page.field(
            "Dataset",
            &format!(
                "{} release {}, manifest {}",
                dataset.id, dataset.release, dataset.manifest_digest
            ),
        );
    }
    let environment = &facts.environment;
    page.field(
        "Cluster",
        &format!(
            "{}, Kubernetes {}",
            environment.cluster_id, environment.kubernetes_version
        ),
    );
    page.field(
        "Operator",
        &format!(
            "{}, {}",
            environment.operator.version, environment.operator.image_digest
        ),
    );
    page.field(
        "Access",
        &format!(
            "people revoked: {}, sessions ended: {}",
            facts.access.people_revoked, facts.access.sessions_terminated
        ),
    );
}

fn media(page: &mut Page, media: &[Media]) {
    page.section("Media");
    if media.is_empty() {
        page.line("  None was recorded.");
        return;
    }
    let header = [
        "id",
        "kind",
        "observed",
        "how",
        "on whose word",
        "object UID",
        "volume",
    ]
    .map(str::to_owned);
    let rows = media.iter().map(|m| {
        let volume = m.pv_name.clone().unwrap_or_else(|| "-".to_owned());
        let (observed, word) = (m.verification.result.to_string(), m.assurance.to_string());
        [
            m.media_id.clone(),
            m.kind.to_string(),
            observed,
            m.technique.to_string(),
            word,
            m.object_uid.clone(),
            volume,
        ]
    });
    let table: Vec<[String; 7]> = std::iter::once(header).chain(rows).collect();
    let width = |column: usize| {
        table
            .iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    for row in &table {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        page.line(format!("  {}", cells.join("  ")).trim_end());
    }
}

fn copies(page: &mut Page, facts: &DestructionFacts) {
    let copies = &facts.copies;
    page.section("Copies");
    let left = copies.snapshots.iter().filter(|s| !s.gone).count();
    page.field(
        "Snapshots",
        &format!("{} recorded, {left} still exist", copies.snapshots.len()),
    );
    if copies.backups.is_empty() {
        page.field("Backups", "none recorded");
    }
    for backup in &copies.backups {
        let fate = match (backup.deleted_at, backup.expires_at) {
            (Some(at), _) => format!("deleted {at}"),
            (None, Some(at)) => format!("expires {at}"),
            (None, None) => "fate unknown".to_owned(),
        };
        page.field("Backup", &format!("{}: {fate}", backup.system));
    }
    page.field(
        "Releases",
        &format!("{} before closure", copies.exports.release_receipts),
    );
    for party in &copies.third_party_sdes {
        let word = party
            .confirmation_digest
            .map_or("did NOT confirm deletion".to_owned(), |d| {
                format!("confirmed, {d}")
            });
        page.field("Other SDE", &format!("{}: {word}", party.name));
    }
}
