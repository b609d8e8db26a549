//! The decision on a request: its form, and the AirlockReview that it makes.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use kube::Api;
use kube::api::PostParams;
use maud::{Markup, html};
use sde_core::airlock::reviewing::{self, Decided, answerable, code, plan};
use sde_crds::AirlockReview;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_review::{Answer, ConflictOfInterest, ReviewDecision, ReviewRole};
use sde_crds::airlock_status::AirlockPhase as Phase;
use sde_crds::names::project_namespace;

use super::known::{Known, read};
use super::one;
use crate::app::App;
use crate::choices::{BECAUSE, DECISIONS, REASONS};
use crate::error::{self, PageError, is_code};
use crate::fields::{Fields, Problem};
use crate::inputs::{Choice, Filled, Kind, value};
use crate::metrics::Outcome;
use crate::names;
use crate::page::csrf;
use crate::signed_in::{Posted, SignedIn};
use crate::words;

/// Which decisions a request is open to.
fn open(phase: Phase) -> &'static [ReviewDecision] {
    use ReviewDecision::{Approve, Reject, Reopen, Return, Revoke, Waive};
    match phase {
        Phase::InReview => &[Approve, Return, Reject],
        Phase::Blocked => &[Reject, Reopen],
        Phase::Approved | Phase::Releasing | Phase::Released | Phase::Failed => &[Revoke, Waive],
        _ => &[],
    }
}

/// The form; nothing when there is nothing to decide.
pub fn form(who: &SignedIn, project: &str, known: &Known, filled: Filled<'_>) -> Markup {
    let request = &known.request;
    let name = request.metadata.name.as_deref().unwrap_or_default();
    let status = request.status.clone().unwrap_or_default();
    let mut may = open(status.phase).to_vec();
    let mut roles = known.roles(who.user.as_str());
    // Custodians alone vote on transfers; others can but stop them.
    if request.spec.direction == Direction::TransferToSde {
        if roles.contains(&ReviewRole::Custodian) {
            roles = vec![ReviewRole::Custodian];
        } else {
            may.retain(|d| !matches!(d, ReviewDecision::Approve | ReviewDecision::Return));
        }
    }
    if may.is_empty() {
        return html! {};
    }
    let decisions: Vec<Choice> = DECISIONS
        .iter()
        .filter(|(v, _)| value(v).is_some_and(|d: ReviewDecision| may.contains(&d)))
        .copied()
        .collect();
    let files = status.content.as_ref().map_or(0, |c| c.files);
    let held = held(known);
    html! {
        section aria-labelledby="decide" {
            h2 id="decide" { "Your decision" }
            form class="stack" method="post" action={ "/projects/" (project) "/requests/" (name) "/review" } {
                (csrf(who))
                input type="hidden" name="content" value=(status.content.map(|c| c.digest).unwrap_or_default());
                input type="hidden" name="findings" value=(status.findings.map(|f| f.digest).unwrap_or_default());
                (role(&roles, filled))
                (filled.choice("decision", "Decision", "", &decisions))
                @if may.contains(&ReviewDecision::Approve) {
                    (filled.line(Kind::Text, "seen", "Viewing code", "For Approve only: 16 letters and digits. The viewer shows it, below its list of files, once you have opened every file. It is yours alone, and goes for what was found now."))
                }
                (filled.choice("reason", "Reason", "Approving needs none of its own.", REASONS))
                @if !held.is_empty() {
                    fieldset {
                        legend { "Why each rule does not stand in the way" }
                        p class="hint" { "Approving or reopening answers for every one of these; other decisions for none." }
                        @for rule in &held {
                            (filled.choice(&format!("answer-{rule}"), rule, checks(rule), BECAUSE))
                        }
                    }
                }
                @if may.contains(&ReviewDecision::Return) && files > 0 {
                    fieldset {
                        legend id="refused" { "Files that must not leave as they are" }
                        p class="hint" { "For Return: any file refused returns the whole request. Leave them empty for anything else." }
                        div class="columns" {
                            @for file in 0..files { (filled.tick(&format!("refuse-{file}"), &format!("File {file}"))) }
                        }
                    }
                }
                (filled.line(Kind::Text, "note", "What the requester should do", "For every refusal. At most 160 characters. Never what the file says: the requester and auditors read this."))
                (filled.tick("conflict", "I have an interest in the outcome. My decision is kept and does not count."))
                div class="actions" { button type="submit" { "Decide" } p class="hint" { "A decision never changes." } }
            }
        }
    }
}

/// In which role; one role need not be chosen.
fn role(roles: &[ReviewRole], filled: Filled<'_>) -> Markup {
    let all: Vec<Choice> = roles
        .iter()
        .map(|r| {
            let value = match r {
                ReviewRole::OutputChecker => "OutputChecker",
                ReviewRole::Senior => "Senior",
                ReviewRole::MachineLearning => "MachineLearning",
                ReviewRole::Custodian => "Custodian",
            };
            (value, words::role(*r))
        })
        .collect();
    match all.as_slice() {
        [(value, says)] => html! {
            p { "You decide as " strong { (says) } "." }
            input type="hidden" name="role" value=(value);
        },
        _ => filled.choice("role", "As", "", &all),
    }
}

fn held(known: &Known) -> Vec<String> {
    let blocked = known.request.status.as_ref().map(|s| s.phase) == Some(Phase::Blocked);
    let decision = if blocked {
        ReviewDecision::Reopen
    } else {
        ReviewDecision::Approve
    };
    let held = answerable(&known.request, decision, known.policy.as_ref());
    held.into_iter().collect()
}

fn checks(id: &str) -> &'static str {
    let rule = sde_inspect::rules().find(|rule| rule.id == id);
    rule.map_or("", |rule| rule.checks)
}

/// What a form decides.
fn decided(fields: &Fields, known: &Known) -> Result<Decided, Vec<Problem>> {
    let mut problems = Vec::new();
    let role = value(fields.get("role"));
    if role.is_none() {
        problems.push(Problem::at("role", "choose in which role you decide"));
    }
    let decision: Option<ReviewDecision> = value(fields.get("decision"));
    if decision.is_none() {
        problems.push(Problem::at("decision", "choose a decision"));
    }
    let advice = fields.some("note");
    if let Some(Err(why)) = advice.as_deref().map(names::words) {
        problems.push(Problem::at("note", why));
    }
    let (Some(role), Some(decision), true) = (role, decision, problems.is_empty()) else {
        return Err(problems);
    };
    // What goes with another decision than this one was not said.
    let answers = if matches!(decision, ReviewDecision::Approve | ReviewDecision::Reopen) {
        held(known)
            .into_iter()
            .filter_map(|rule| {
                let because = value(fields.get(&format!("answer-{rule}")))?;
                Some(Answer { rule, because })
            })
            .collect()
    } else {
        Vec::new()
    };
    let refused_files = if decision == ReviewDecision::Return {
        (0..50)
            .filter(|n| fields.ticked(&format!("refuse-{n}")))
            .collect()
    } else {
        Vec::new()
    };
    let decided = Decided {
        decision,
        role,
        reason: value(fields.get("reason")),
        advice,
        answers,
        refused_files,
        conflict: if fields.ticked("conflict") {
            ConflictOfInterest::Declared
        } else {
            ConflictOfInterest::None
        },
        seen: fields.some("seen"),
    };
    match code(&decided) {
        Ok(_) => Ok(decided),
        Err(refusal) => Err(vec![Problem::at("seen", refusal.to_string())]),
    }
}

/// The review that a form makes.
fn planned(fields: &Fields, known: &Known, me: &str) -> Result<AirlockReview, Vec<Problem>> {
    let status = known.request.status.as_ref();
    let content = status
        .and_then(|s| s.content.as_ref())
        .map(|c| c.digest.as_str());
    let findings = status
        .and_then(|s| s.findings.as_ref())
        .map(|f| f.digest.as_str());
    if content != Some(fields.get("content")) || findings != Some(fields.get("findings")) {
        let text = "what is decided on has changed since you opened the page: look at it again, below, before you decide";
        return Err(vec![Problem::whole(text)]);
    }
    let decided = decided(fields, known)?;
    let around = reviewing::Known {
        me,
        members: &known.members,
        policy: known.policy.as_ref(),
    };
    plan(&known.request, &decided, &around)
        .map_err(|refusal| vec![Problem::at("decision", refusal.to_string())])
}

/// `POST .../review`.
pub async fn submit(
    State(app): State<App>,
    Path((project, name)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, PageError> {
    names::checked(&[&project, &name])?;
    let (who, fields) = (&posted.who, &posted.fields);
    let client = app.api.of(&who.user);
    let known = read(&client, &project, &name).await?;
    let again = |problems: &[Problem]| {
        let filled = Filled { fields, problems };
        let page = one::with_ticket(&app, who, &project, &known, "", filled);
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let review = match planned(fields, &known, who.user.as_str()) {
        Ok(review) => review,
        Err(problems) => {
            app.metrics.acted("review", Outcome::Refused);
            return again(&problems);
        }
    };
    let api: Api<AirlockReview> = Api::namespaced(client, &project_namespace(&project));
    let made = api.create(&PostParams::default(), &review).await;
    // Saying the same twice says it once.
    let there = made.as_ref().is_err_and(|e| is_code(e, 409));
    let outcome = if made.is_ok() || there {
        Outcome::Done
    } else {
        Outcome::Refused
    };
    app.metrics.acted("review", outcome);
    tracing::info!(user = %who.user, project, request = name, act = "review", ?outcome, "acted");
    match made {
        Err(error) if !there && [403, 422].iter().any(|code| is_code(&error, *code)) => {
            again(&[Problem::whole(error::words(&error))])
        }
        Err(error) if !there => Err(PageError::api("making the review")(error)),
        _ => {
            let to = format!("/projects/{project}/requests/{name}?done=review");
            Ok(Redirect::to(&to).into_response())
        }
    }
}
