//! Golden texts of requests on their way, and what may and may not be changed.

use sde_crds::AirlockRequest;
use sde_crds::airlock_status::AirlockPhase as Phase;
use serde_json::json;

use super::samples::{at, blocked, draft, failed, held, now, released, returned, sealed};
use super::view::Actor;
use super::*;

fn text(request: &AirlockRequest) -> String {
    show::render(&view::view(request), now(), Paint(false), 110)
}

#[test]
fn a_request_nobody_has_looked_at() {
    insta::assert_snapshot!(text(&draft()));
}

#[test]
fn a_sealed_request() {
    insta::assert_snapshot!(text(&sealed()));
}

#[test]
fn a_held_request_hides_votes() {
    let text = text(&held());
    assert!(!text.contains("approved"), "a vote shows: {text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_blocked_request() {
    insta::assert_snapshot!(text(&blocked()));
}

#[test]
fn a_returned_request() {
    insta::assert_snapshot!(text(&returned()));
}

#[test]
fn a_released_request() {
    insta::assert_snapshot!(text(&released()));
}

#[test]
fn a_failed_request() {
    insta::assert_snapshot!(text(&failed()));
}

#[test]
fn all_and_the_queue() {
    let requests = [draft(), held(), blocked(), released(), failed()];
    let shown = |queue| list::render(&list::rows(&requests, queue), queue, now(), Paint(false));
    insta::assert_snapshot!(format!("{}\n{}", shown(false), shown(true)));
    assert!(list::render(&[], true, now(), Paint(false)).contains("Nothing waits"));
}

#[test]
fn the_json_has_advice_and_no_votes() {
    let view = serde_json::to_value(view::view(&held())).unwrap();
    assert_eq!(view["waitsFor"], "Reviewers");
    assert_eq!(view["findings"][0]["rule"], "AL-S001");
    assert!(view["findings"][0]["advice"].is_string());
    assert!(view["status"]["reviews"].get("decisions").is_none());
}

#[test]
fn who_must_act() {
    let who = |request: &AirlockRequest| view::row(request).waits_for;
    assert_eq!(who(&draft()), Actor::Requester);
    assert_eq!(who(&sealed()), Actor::Requester);
    let mut confirmed = sealed();
    confirmed.spec.confirmed_digest = Some(samples::digest('1'));
    assert_eq!(who(&confirmed), Actor::Operator);
    assert_eq!(who(&blocked()), Actor::Custodian);
    assert_eq!(who(&returned()), Actor::Nobody);
    let shut = at(Phase::InReview, "ProjectNotOpen", "Not open.", "21:00");
    assert_eq!(who(&shut), Actor::Custodian);
    let few = at(Phase::InReview, "TooFewReviewers", "Too few.", "21:00");
    assert_eq!(who(&few), Actor::Platform);
    let mut again = failed();
    assert_eq!(who(&again), Actor::Requester);
    again.spec.retries = Some(1);
    assert_eq!(who(&again), Actor::Operator);
}

#[test]
fn sizes_read_well() {
    assert_eq!(
        [0, 1023, 1024, 48_213, 5 << 30].map(list::size),
        ["0 B", "1023 B", "1 KiB", "47 KiB", "5 GiB"]
    );
    assert_eq!(list::size(1_600_000), "1.5 MiB");
}

#[test]
fn only_its_requester_withdraws_and_only_what_goes_on() {
    let ok = change::withdraw(&held(), "u-7c1e").unwrap();
    assert_eq!(
        ok,
        Some(json!({"metadata": {"resourceVersion": "41"}, "spec": {"withdrawn": true}}))
    );
    let refused =
        |request: &AirlockRequest, me: &str| change::withdraw(request, me).unwrap_err().to_string();
    assert!(refused(&held(), "u-19ab").contains("only its requester"));
    assert!(refused(&released(), "u-7c1e").contains("revoke"));
    assert!(refused(&blocked(), "u-7c1e").contains("custodian"));
    assert!(refused(&returned(), "u-7c1e").contains("already"));
    let mut withdrawn = held();
    withdrawn.spec.withdrawn = true;
    assert_eq!(change::withdraw(&withdrawn, "u-7c1e").unwrap(), None);
}

#[test]
fn only_what_failed_is_tried_again_and_once_a_time() {
    let mut request = failed();
    assert_eq!(
        change::retry(&request, "u-7c1e").unwrap().unwrap()["spec"],
        json!({"retries": 1})
    );
    request.spec.retries = Some(1);
    assert_eq!(change::retry(&request, "u-7c1e").unwrap(), None);
    request.status.get_or_insert_default().retried = 1;
    assert_eq!(
        change::retry(&request, "u-7c1e").unwrap().unwrap()["spec"],
        json!({"retries": 2})
    );
    request.spec.retries = Some(16);
    request.status.get_or_insert_default().retried = 16;
    let error = change::retry(&request, "u-7c1e").unwrap_err();
    assert!(error.to_string().contains("withdraw"));
    assert!(change::retry(&held(), "u-7c1e").is_err());
    assert!(change::retry(&failed(), "u-19ab").is_err());
}

#[test]
fn a_list_is_of_one_project_or_of_all() {
    use clap::Parser;
    let parse = |line: &str| crate::args::Cli::try_parse_from(line.split(' '));
    assert!(parse("kubectl-sde airlock list").is_err());
    assert!(parse("kubectl-sde airlock list -P p --all").is_err());
    assert!(parse("kubectl-sde airlock list -P p --queue").is_ok());
    assert!(parse("kubectl-sde airlock list --all -o json").is_ok());
}
