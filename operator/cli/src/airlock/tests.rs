//! Golden texts of requests on their way, and what may and may not be changed.

use sde_crds::AirlockRequest;
use sde_crds::airlock_request::Direction;
use sde_crds::airlock_status::AirlockPhase as Phase;
use serde_json::json;

use super::change::{confirmable, confirmation};
use super::declare::{Declared, parse};
use super::samples::{at, blocked, draft, failed, held, now, released, returned, sealed};
use super::view::Actor;
use super::*;

pub fn text(request: &AirlockRequest) -> String {
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
    assert_eq!(who(&samples::to_upload()), Actor::Requester);
    assert_eq!(who(&samples::uploading()), Actor::Requester);
    let mut coming = samples::to_upload();
    coming.spec.upload = Some(1);
    assert_eq!(who(&coming), Actor::Operator);
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
fn only_what_was_released_is_collected_and_once_a_time() {
    let mut request = released();
    let collect = |request: &AirlockRequest| change::collect(request, "u-7c1e");
    let last = request.status.clone().unwrap_or_default().deliveries;
    let last = last.iter().flatten().map(|d| d.number).max().unwrap_or(0);
    request.spec.collect = Some(last);
    assert_eq!(
        collect(&request).unwrap().unwrap()["spec"],
        json!({"collect": last + 1})
    );
    request.spec.collect = Some(last + 1);
    assert_eq!(collect(&request).unwrap(), None);
    assert!(collect(&held()).is_err());
    assert!(change::collect(&request, "u-19ab").is_err());
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

pub const OUTPUTS: &str = "
- name: age-at-diagnosis
  files: [0, 1]
  statistic: Frequencies
  population: {description: Carriers, size: 4120}
  suppression: {method: Suppressed, threshold: 10}
  countsFile: 1
  code: git:0000000000000000000000000000000000000000
  intendedUse: Publication
";

pub fn submit_args(line: &str) -> args::SubmitArgs {
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
    let made = submit::plan(&args, Some(parse(OUTPUTS).unwrap()), "u-7c1e").unwrap();
    insta::assert_yaml_snapshot!(made);
    assert!(submit::next(&made).contains("airlock confirm prj-4f2c penetrance-tables"));
    // What is printed and sent is what the API's type reads.
    let text = serde_yaml_ng::to_string(&made).unwrap();
    let read: AirlockRequest = serde_yaml_ng::from_str(&text).unwrap();
    assert_eq!(read.spec, made.spec);
}

#[test]
fn an_import_is_a_draft_until_its_files_are_there() {
    let args = "kubectl-sde airlock submit prj-4f2c --purpose Panel --import";
    let error = submit::plan(&submit_args(args), None, "u-7c1e").unwrap_err();
    assert!(error.to_string().contains("--name"));
    let args = submit_args(&format!("{args} --name reference"));
    let made = submit::plan(&args, None, "u-7c1e").unwrap();
    assert_eq!(made.spec.direction, Direction::Import);
    assert!(!made.spec.seal && made.spec.folder.is_none());
    assert!(made.spec.outputs.is_none() && made.spec.imports.is_none());
    let next = submit::next(&made);
    for verb in ["upload", "seal", "confirm"] {
        let command = format!("kubectl sde airlock {verb} prj-4f2c reference");
        assert!(next.contains(&command), "{next}");
    }
}

#[test]
fn an_import_is_declared_when_its_files_have_numbers() {
    let said = || {
        let text = "[{name: panel, files: [0, 1, 2, 3], kind: Data, origin: A registry}]";
        Declared::Imports(parse(text).unwrap())
    };
    let mut request = samples::brought();
    let (field, value) = said().of(&mut request).unwrap();
    assert_eq!(field, "imports");
    assert_eq!(
        value,
        json!([{"name": "panel", "files": [0, 1, 2, 3], "kind": "Data", "origin": "A registry"}])
    );
    assert!(confirmable(&request, "u-7c1e", None).is_ok());
    assert!(confirmable(&samples::brought(), "u-7c1e", None).is_err());
    // Each way has its own, and what is declared anew replaces what was.
    let error = said().of(&mut sealed()).unwrap_err();
    assert!(error.to_string().contains("--outputs"), "{error}");
    let outputs = || Declared::Outputs(parse(OUTPUTS).unwrap());
    assert!(outputs().of(&mut samples::brought()).is_err());
    let mut export = sealed();
    outputs().of(&mut export).unwrap();
    assert_eq!(export.spec.outputs.unwrap().len(), 1);
}

#[test]
fn an_import_on_its_way() {
    insta::assert_snapshot!(text(&samples::to_upload()));
    let text = text(&samples::inbox());
    assert!(
        text.contains("/inbox/reference") && text.contains("licence CC-BY-4.0"),
        "{text}"
    );
}

#[test]
fn the_next_verb_of_an_import_is_the_one_that_acts() {
    let command = |request: &AirlockRequest| {
        let text = text(request);
        let line = text.lines().find(|l| l.contains("kubectl sde airlock"));
        line.and_then(|l| l.trim().split(' ').rev().nth(2).map(str::to_owned))
    };
    let mut request = samples::to_upload();
    assert_eq!(command(&request).as_deref(), Some("upload"));
    request.spec.upload = Some(1);
    assert_eq!(command(&request), None, "it is being made ready");
    assert_eq!(command(&samples::uploading()).as_deref(), Some("seal"));
    assert_eq!(command(&samples::brought()).as_deref(), Some("confirm"));
    assert_eq!(command(&samples::inbox()), None);
    // A draft of an Export is sealed when it is made.
    assert_eq!(command(&draft()), None);
}

#[test]
fn files_are_uploaded_to_a_draft_of_an_import_and_sealed_once() {
    let request = samples::to_upload();
    let me = "u-7c1e";
    assert_eq!(
        change::upload(&request, me).unwrap(),
        Some(json!({"metadata": {"resourceVersion": "41"}, "spec": {"upload": 1}}))
    );
    assert!(change::seal(&request, me).is_err());
    let mut asked = request.clone();
    asked.spec.upload = Some(1);
    assert_eq!(change::upload(&asked, me).unwrap(), None);
    assert_eq!(
        change::seal(&asked, me).unwrap().unwrap()["spec"],
        json!({"seal": true})
    );
    assert!(change::seal(&asked, "u-19ab").is_err());
    for other in [sealed(), samples::brought(), samples::inbox()] {
        assert!(change::upload(&other, me).is_err());
        assert_eq!(change::seal(&other, me).unwrap(), None);
    }
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
    assert!(parse("--import --name n").is_ok());
    assert!(parse("--transfer --grant g --to s").is_ok());
    assert!(parse("--transfer --grant g").is_err());
    assert!(parse("--transfer --to s").is_err());
    assert!(parse("--grant g --to s --import --name n").is_err());
    assert!(parse("--transfer --grant g --to s --outputs o").is_err());
    assert!(parse("--transfer --grant g --to s --folder f --outputs o").is_err());
    assert!(parse("--name n").is_err());
    assert!(parse("--folder f").is_err());
    assert!(parse("--outputs o").is_err());
    assert!(parse("--import --outputs o --name n").is_err());
    assert!(parse("--folder f --outputs o --import").is_err());
    let confirm = |rest: &str| {
        let line = format!("kubectl-sde airlock confirm p r {rest}");
        crate::args::Cli::try_parse_from(line.split(' '))
    };
    assert!(confirm("--yes").is_err());
    assert!(confirm("--yes --digest d").is_ok());
    assert!(confirm("--imports i").is_ok() && confirm("--outputs o").is_ok());
    assert!(confirm("--imports i --outputs o").is_err());
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
