//! A transfer as a custodian asks for one, sees it and confirms it; and what is refused before it is made.

use sde_crds::Project;
use sde_crds::declarations::{Setting, SettingKind};
use sde_crds::policy::SdePolicySpec;
use sde_crds::project_status::{ApprovedSpec, ProjectStatus};

use super::change::confirmable;
use super::declare::{Declared, parse};
use super::samples::{SDE, now, sealed, to_transfer};
use super::tests::{OUTPUTS, submit_args, text};
use super::transfer::{Known, check};
use super::view::Actor;
use super::*;
use crate::fixtures::{policy, project};

const ME: &str = "custodian-a";

/// The example project, approved as one that names the environment.
fn granted() -> Project {
    let mut project = project();
    project.spec.setting = Some(Setting {
        kind: SettingKind::ThirdParty,
        sdes: Some(vec![SDE.to_owned()]),
        justification: Some("The partner has the other half".to_owned()),
    });
    project.status = Some(ProjectStatus {
        approved: Some(ApprovedSpec {
            digest: "v1:sha256:0".to_owned(),
            spec: serde_json::to_value(&project.spec).unwrap(),
        }),
        ..ProjectStatus::default()
    });
    project
}

fn refused(me: &str, project: &Project, policy: &SdePolicySpec) -> Option<String> {
    let of = to_transfer().spec.transfer.unwrap();
    let known = Known {
        me,
        project: Some(project),
        policy: Some(policy),
    };
    check(&of, &known, now()).err().map(|e| e.to_string())
}

#[test]
fn what_would_wait_for_ever_is_said_before() {
    let (project, policy) = (granted(), policy().spec);
    assert_eq!(refused(ME, &project, &policy), None);
    type Change = fn(&mut Project, &mut SdePolicySpec);
    let cases: [(&str, Change); 8] = [
        ("has no airlock part", |_, p| p.airlock = None),
        ("who is or was of project", |p, _| {
            p.spec.people[0].user = ME.to_owned();
        }),
        ("has no dataset grant genotypes; it has others", |p, _| {
            p.spec.datasets[0].name = "others".to_owned();
        }),
        ("does not name example-partner-sde", |p, _| {
            p.spec.setting.as_mut().unwrap().sdes = None;
        }),
        ("is not approved yet", |p, _| p.status = None),
        ("lists no environment example-partner-sde", |_, p| {
            p.third_party_sdes = None;
        }),
        ("is over or dated ahead", |_, p| {
            let listed = &mut p.third_party_sdes.as_mut().unwrap()[0];
            listed.assessment.expires = Some("2026-11-21".parse().unwrap());
        }),
        ("holds no keys of example-partner-sde", |_, p| {
            p.third_party_sdes.as_mut().unwrap()[0].keys = None;
        }),
    ];
    for (wanted, change) in cases {
        let (mut project, mut policy) = (granted(), policy.clone());
        change(&mut project, &mut policy);
        let said = refused(ME, &project, &policy).unwrap_or_default();
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    for other in ["checker-a", "u-7c1e"] {
        let said = refused(other, &project, &policy).unwrap_or_default();
        assert!(said.contains("does not name as Custodian"), "{said}");
    }
}

#[test]
fn what_may_not_be_seen_refuses_nothing() {
    let of = to_transfer().spec.transfer.unwrap();
    let known = Known {
        me: "checker-a",
        project: None,
        policy: None,
    };
    assert!(check(&of, &known, now()).is_ok());
}

#[test]
fn a_transfer_is_a_custodians_and_sealed_at_once() {
    let args = submit_args(
        "kubectl-sde airlock submit prj-4f2c --transfer --grant genotypes --to example-partner-sde --justification Analysis",
    );
    let made = submit::plan(&args, None, "custodian-a").unwrap();
    insta::assert_yaml_snapshot!(made);
    let next = submit::next(&made);
    assert!(
        next.contains("to the keys of example-partner-sde"),
        "{next}"
    );
    assert!(
        next.contains("airlock confirm prj-4f2c genotypes"),
        "{next}"
    );
    let args = submit_args(
        "kubectl-sde airlock submit prj-4f2c --transfer --grant genotypes --to a-sde --purpose x --name once-more",
    );
    let made = submit::plan(&args, None, "custodian-a").unwrap();
    assert_eq!(made.metadata.name.as_deref(), Some("once-more"));
}

#[test]
fn a_transfer_on_its_way() {
    insta::assert_snapshot!(text(&samples::encrypted()));
    let rows = list::rows(&[samples::encrypted(), sealed()], false);
    let listed = list::render(&rows, false, now(), Paint(false));
    assert!(
        listed.contains("TransferToSde genotypes → example-partner-sde"),
        "{listed}"
    );
    let view = serde_json::to_value(&rows).unwrap();
    assert_eq!(view[0]["transfer"]["sde"], "example-partner-sde");
    assert!(view[1].get("transfer").is_none());
}

#[test]
fn a_transfer_is_confirmed_without_a_declaration_and_with_none() {
    let request = samples::encrypted();
    let content = confirmable(&request, "custodian-a", None).unwrap();
    let whither = transfer::whither(&request.spec, content);
    assert!(whither.contains("of grant genotypes"), "{whither}");
    assert!(whither.contains("of example-partner-sde"), "{whither}");
    assert!(
        whither.contains(content.recipient.as_ref().unwrap()),
        "{whither}"
    );
    let sealed = sealed();
    let content = sealed.status.as_ref().unwrap().content.as_ref().unwrap();
    assert_eq!(transfer::whither(&sealed.spec, content), "");
    let outputs = Declared::Outputs(parse(OUTPUTS).unwrap());
    let error = outputs.of(&mut samples::encrypted()).unwrap_err();
    assert!(error.to_string().contains("nothing of it is declared"));
}

#[test]
fn a_transfer_whose_keys_were_changed_waits_for_a_custodian() {
    let request = samples::stale();
    assert_eq!(view::row(&request).waits_for, Actor::Custodian);
    assert!(change::withdraw(&request, "custodian-a").unwrap().is_some());
}

#[test]
fn a_released_transfer_is_collected_by_who_asked() {
    let mut request = samples::stale();
    assert!(change::collect(&request, "custodian-a").is_err());
    request.status.get_or_insert_default().phase = sde_crds::airlock_status::AirlockPhase::Released;
    let patch = change::collect(&request, "custodian-a").unwrap().unwrap();
    assert_eq!(patch["spec"], serde_json::json!({"collect": 1}));
    assert!(change::collect(&request, "custodian-b").is_err());
}
