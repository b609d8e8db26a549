//! Golden texts of requests on their way, and what may and may not be changed.

use sde_crds::AirlockRequest;
use sde_crds::airlock_status::AirlockPhase as Phase;
use serde_json::json;

use super::samples::{at, blocked, draft, failed, held, now, released, returned, sealed};
use super::submit::{Declared, confirmable, confirmation, parse};
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
    assert_eq!(view::row(&withdrawn).waits_for, Actor::Operator);
    assert!(text(&withdrawn).contains("taken it back"));
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

const OUTPUTS: &str = "
- name: age-at-diagnosis
  files: [0, 1]
  statistic: Frequencies
  population: {description: Carriers, size: 4120}
  suppression: {method: Suppressed, threshold: 10}
  countsFile: 1
  code: git:0000000000000000000000000000000000000000
  intendedUse: Publication
";

fn submit_args(line: &str) -> args::SubmitArgs {
    use clap::Parser;
    let cli = crate::args::Cli::try_parse_from(line.split(' ')).unwrap();
    match cli.command {
        crate::args::Command::Airlock(Airlock::Submit(args)) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_export_is_made_as_oneself_and_sealed() {
    let args = submit_args(
        "kubectl-sde airlock submit prj-4f2c --folder penetrance-tables --purpose Tables --outputs o.yaml",
    );
    let made = submit::plan(&args, Declared::Outputs(parse(OUTPUTS).unwrap()), "u-7c1e").unwrap();
    insta::assert_yaml_snapshot!(made);
    assert!(submit::next(&made).contains("airlock confirm prj-4f2c penetrance-tables"));
    // What is printed and sent is what the API's type reads.
    let text = serde_yaml_ng::to_string(&made).unwrap();
    let read: AirlockRequest = serde_yaml_ng::from_str(&text).unwrap();
    assert_eq!(read.spec, made.spec);
}

#[test]
fn an_import_waits_for_its_upload() {
    let args = "kubectl-sde airlock submit prj-4f2c --purpose Panel --import i.yaml";
    let imports = || {
        let text = "[{name: panel, files: [0], kind: Data, origin: A registry}]";
        Declared::Imports(parse(text).unwrap())
    };
    let error = submit::plan(&submit_args(args), imports(), "u-7c1e").unwrap_err();
    assert!(error.to_string().contains("--name"));
    let args = submit_args(&format!("{args} --name reference"));
    let made = submit::plan(&args, imports(), "u-7c1e").unwrap();
    assert!(!made.spec.seal && made.spec.outputs.is_none() && made.spec.folder.is_none());
    assert!(submit::next(&made).contains("no door"));
}

#[test]
fn what_no_field_takes_is_refused_and_not_dropped() {
    use sde_crds::airlock_request::Output;
    assert_eq!(parse::<Output>(OUTPUTS).unwrap().len(), 1);
    let wrong = |from: &str, to: &str| parse::<Output>(&OUTPUTS.replace(from, to)).unwrap_err();
    assert!(wrong("countsFile", "countFile").contains("[0].countFile"));
    assert!(wrong("size: 4120", "size: 4120, n: 1").contains("[0].population.n"));
    assert!(wrong("Frequencies", "Counts").contains("kubectl explain"));
    assert!(parse::<Output>("outputs: []").is_err());
}

#[test]
fn folder_and_outputs_or_imports() {
    use clap::Parser;
    let parse = |rest: &str| {
        let line = format!("kubectl-sde airlock submit p --purpose x {rest}");
        crate::args::Cli::try_parse_from(line.split(' '))
    };
    assert!(parse("--folder f --outputs o").is_ok());
    assert!(parse("--import i --name n").is_ok());
    assert!(parse("--folder f").is_err());
    assert!(parse("--outputs o").is_err());
    assert!(parse("--folder f --import i").is_err());
    assert!(parse("--folder f --outputs o --import i").is_err());
    let confirm = |rest: &str| {
        let line = format!("kubectl-sde airlock confirm p r {rest}");
        crate::args::Cli::try_parse_from(line.split(' '))
    };
    assert!(confirm("--yes").is_err());
    assert!(confirm("--yes --digest d").is_ok());
}

#[test]
fn exactly_what_was_sealed_is_confirmed() {
    let request = sealed();
    let digest = samples::digest('1');
    let content = confirmable(&request, "u-7c1e", Some(&digest)).unwrap();
    assert_eq!(
        confirmation(&request, content),
        json!({"metadata": {"resourceVersion": "41"}, "spec": {"confirmedDigest": digest}})
    );
    let refused = |request: &AirlockRequest, me: &str, digest: Option<&str>| {
        confirmable(request, me, digest).unwrap_err().to_string()
    };
    assert!(refused(&request, "u-19ab", None).contains("only its requester"));
    let other = samples::digest('3');
    assert!(refused(&request, "u-7c1e", Some(&other)).contains("what was sealed is"));
    assert!(refused(&draft(), "u-7c1e", None).contains("not sealed yet"));
    assert!(refused(&held(), "u-7c1e", None).contains("submitted already"));
    assert!(refused(&failed(), "u-7c1e", None).contains("Failed"));
    let mut less = sealed();
    less.spec.outputs.as_mut().unwrap().pop();
    assert!(refused(&less, "u-7c1e", None).contains("file 3 is declared by nothing"));
    let mut withdrawn = sealed();
    withdrawn.spec.withdrawn = true;
    assert!(refused(&withdrawn, "u-7c1e", None).contains("withdrawn"));
}
