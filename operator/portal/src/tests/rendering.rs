//! Pages as they are rendered, one tag a line; and that nothing a person wrote becomes markup.

use maud::{Markup, html};

use sde_crds::airlock_request::{Direction, TransferOfGrant};
use sde_crds::airlock_status::{AirlockPhase, Finding, Severity};

use super::fixtures::{
    brought, draft, held, import, now, policy, project, released, returned, sealed, transfer, who,
};
use crate::decide;
use crate::fields::{Fields, Problem};
use crate::inputs::Filled;
use crate::request;

pub fn lines(page: &Markup) -> String {
    page.0.replace("><", ">\n<")
}

pub fn nothing(fields: &Fields) -> Filled<'_> {
    Filled {
        fields,
        problems: &[],
    }
}

pub fn known(request: sde_crds::AirlockRequest) -> decide::known::Known {
    let listed = policy().spec.third_party_sdes.unwrap_or_default();
    let to = request.spec.transfer.as_ref().map(|t| t.sde.clone());
    decide::known::Known {
        request,
        policy: policy().spec.airlock,
        members: vec!["u-7c1e".to_owned()],
        others: vec![],
        sde: listed.into_iter().find(|s| Some(&s.name) == to.as_ref()),
    }
}

#[test]
fn my_requests() {
    let found = [request::list::Found {
        project: "prj-4f2c".to_owned(),
        remembered: true,
        requests: Some(vec![sealed(), held(), released(), returned()]),
    }];
    let page = request::list::render(&who("u-7c1e"), &found, "", now());
    insta::assert_snapshot!(lines(&page));
}

#[test]
fn one_request_released() {
    let ticket = Some(html! { form { "(the ticket)" } });
    let page = request::one::render(&who("u-7c1e"), "prj-4f2c", &released(), "", ticket, now());
    insta::assert_snapshot!(lines(&page));
}

#[test]
fn one_request_returned() {
    let page = request::one::render(&who("u-7c1e"), "prj-4f2c", &returned(), "", None, now());
    insta::assert_snapshot!(lines(&page));
}

/// A page for the requester of an Import.
fn import_page(request: &sde_crds::AirlockRequest) -> String {
    let ticket = request.status.as_ref().and_then(|s| s.serving.as_ref());
    let ticket = ticket.map(|_| html! { form { "(the ticket)" } });
    let page = request::one::render(&who("u-7c1e"), "prj-4f2c", request, "", ticket, now());
    lines(&page)
}

#[test]
fn one_import_to_upload() {
    insta::assert_snapshot!(import_page(&draft()));
}

#[test]
fn what_is_offered_of_an_import_is_what_has_an_effect() {
    const UPLOAD: &str = "Upload files</button>";
    const MORE: &str = "Upload more files</button>";
    const SEAL: &str = "That is all: seal it</button>";
    const COMING: &str = "This takes about a minute";
    const DOOR: &str = "(the ticket)";
    let offers = |request: &sde_crds::AirlockRequest| -> Vec<&str> {
        let page = import_page(request);
        [UPLOAD, MORE, SEAL, COMING, DOOR]
            .into_iter()
            .filter(|text| page.contains(text))
            .collect()
    };
    let mut request = draft();
    assert_eq!(offers(&request), [SEAL, DOOR]);
    let status = request.status.get_or_insert_default();
    status.serving = None;
    assert_eq!(offers(&request), [COMING]);
    // Something may be there from the first time.
    request.spec.upload = Some(2);
    assert_eq!(offers(&request), [SEAL, COMING]);
    request.spec.upload = None;
    assert_eq!(offers(&request), [UPLOAD]);
    request.spec.upload = Some(1);
    request.status = Some(over(request.status.clone().unwrap_or_default()));
    assert_eq!(offers(&request), [MORE, SEAL]);
    request.spec.withdrawn = true;
    assert!(offers(&request).is_empty());
    request.spec.withdrawn = false;
    request.spec.seal = true;
    assert!(offers(&request).is_empty());
    let mut another = draft();
    another.spec.requester = "u-19ab".to_owned();
    another.status.get_or_insert_default().serving = None;
    assert!(offers(&another).is_empty());
}

/// As the machine leaves a draft whose upload has ended by itself.
fn over(
    mut status: sde_crds::airlock_status::AirlockRequestStatus,
) -> sde_crds::airlock_status::AirlockRequestStatus {
    let condition = serde_json::json!([{
        "type": "Ready", "status": "False", "reason": "UploadOver", "message": "What was uploaded is kept.",
        "lastTransitionTime": "2026-11-21T21:00:00Z",
    }]);
    status.conditions = serde_json::from_value(condition).expect("conditions");
    status
}

#[test]
fn a_released_import_says_where_it_is() {
    let page = import_page(&import("reference", AirlockPhase::Released));
    assert!(page.contains("/inbox/reference</code>"), "{page}");
    assert!(!page.contains("collected"), "{page}");
    let export = import_page(&released());
    assert!(!export.contains("/inbox/"), "{export}");
}

#[test]
fn an_upload_that_cannot_be_sealed_is_not_tried_again_and_a_folder_is() {
    use sde_crds::airlock_status::{Failure, FailureCause};
    let offered = |mut request: sde_crds::AirlockRequest, cause| {
        let status = request.status.get_or_insert_default();
        let phase = AirlockPhase::Sealing;
        status.failure = Some(Failure { phase, cause });
        import_page(&request).contains("Try again</button>")
    };
    let failed = AirlockPhase::Failed;
    let refused = FailureCause::FolderRefused;
    assert!(!offered(import("panel", failed), refused));
    assert!(offered(super::fixtures::request("tables", failed), refused));
    assert!(offered(import("panel", failed), FailureCause::JobFailed));
}

#[test]
fn an_import_to_declare() {
    let request = brought();
    let mut fields = Fields::default();
    fields.set("import-0-files", "0-3");
    fields.set("import-0-name", "import-1");
    let page = request::declare::render(
        &who("u-7c1e"),
        "prj-4f2c",
        &request,
        nothing(&fields),
        now(),
    );
    insta::assert_snapshot!(lines(&page));
}

#[test]
fn an_import_to_decide_on_says_what_to_look_for() {
    let request = import("panel", AirlockPhase::InReview);
    let fields = Fields::default();
    let page = |request| {
        let known = known(request);
        let me = who("checker-a");
        decide::one::render(&me, "prj-4f2c", &known, "", None, nothing(&fields), now())
    };
    let found = |rules: Vec<Finding>| {
        let mut request = request.clone();
        let status = request.status.as_mut().expect("a status");
        status.findings = held().status.and_then(|s| s.findings);
        let findings = status.findings.as_mut().expect("findings");
        findings.rules = rules;
        page(request).0.contains("Nothing has looked for malware")
    };
    assert!(!found(Vec::new()));
    assert!(found(vec![Finding {
        rule: "AL-N006".to_owned(),
        severity: Severity::Warn,
        files: 1,
        certain: false,
    }]));
    insta::assert_snapshot!(lines(&page(request.clone())));
    assert!(!page(held()).0.contains("What to look for"));
}

#[test]
fn the_queue() {
    let all = [held(), released()];
    let page = decide::queue::render(&who("checker-a"), Some(&all), now());
    insta::assert_snapshot!(lines(&page));
}

#[test]
fn one_request_to_decide_on() {
    let fields = Fields::default();
    let problems = [Problem::at("decision", "choose a decision")];
    let filled = Filled {
        fields: &fields,
        problems: &problems,
    };
    let known = known(held());
    let page = decide::one::render(
        &who("checker-a"),
        "prj-4f2c",
        &known,
        "",
        None,
        filled,
        now(),
    );
    insta::assert_snapshot!(lines(&page));
}

#[test]
fn a_project_to_approve() {
    let found = decide::approve::Found {
        project: project(),
        approvals: Vec::new(),
    };
    let fields = Fields::default();
    let page = decide::approve::render(&who("approver-a"), &found, "", nothing(&fields));
    insta::assert_snapshot!(lines(&page));
}

#[test]
fn nothing_that_a_person_wrote_becomes_markup() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut evil = returned();
    evil.spec.justification = EVIL.to_owned();
    evil.spec.requester = EVIL.to_owned();
    evil.spec.folder = Some(EVIL.to_owned());
    evil.spec.supersedes = Some(EVIL.to_owned());
    evil.metadata.name = Some(EVIL.to_owned());
    for output in evil.spec.outputs.iter_mut().flatten() {
        output.name = EVIL.to_owned();
        output.code = Some(EVIL.to_owned());
    }
    let status = evil.status.get_or_insert_default();
    for finding in status.findings.iter_mut().flat_map(|f| &mut f.rules) {
        finding.rule = EVIL.to_owned();
    }
    for decision in status
        .reviews
        .iter_mut()
        .flat_map(|r| &mut r.decisions)
        .flatten()
    {
        decision.advice = Some(EVIL.to_owned());
    }
    let mut fields = Fields::default();
    for field in ["note", "folder", "justification", "name"] {
        fields.set(field, EVIL);
    }
    let problems = [Problem::whole(EVIL), Problem::at(EVIL, EVIL)];
    let filled = Filled {
        fields: &fields,
        problems: &problems,
    };
    let me = who("checker-a");
    let mut project = project();
    project.spec.title = EVIL.to_owned();
    project.spec.purpose.statement = EVIL.to_owned();
    let found = decide::approve::Found {
        project,
        approvals: Vec::new(),
    };
    let mut coming = import(EVIL, AirlockPhase::InReview);
    for import in coming.spec.imports.iter_mut().flatten() {
        import.name = EVIL.to_owned();
        import.origin = EVIL.to_owned();
        import.licence = Some(EVIL.to_owned());
    }
    let mut going = transfer(EVIL, AirlockPhase::InReview);
    let (grant, sde) = (EVIL.to_owned(), EVIL.to_owned());
    going.spec.transfer = Some(TransferOfGrant { grant, sde });
    let mine = [request::list::Found {
        project: EVIL.to_owned(),
        remembered: true,
        requests: Some(vec![evil.clone()]),
    }];
    let pages = [
        request::list::render(&me, &mine, EVIL, now()),
        request::one::render(&me, EVIL, &evil, EVIL, None, now()),
        request::make::render(&me, EVIL, Direction::Export, filled),
        request::make::render(&me, EVIL, Direction::Import, filled),
        request::declare::render(&me, EVIL, &evil, filled, now()),
        request::one::render(&me, EVIL, &coming, EVIL, None, now()),
        request::declare::render(&me, EVIL, &coming, filled, now()),
        decide::one::render(&me, EVIL, &known(coming), EVIL, None, filled, now()),
        request::one::render(&me, EVIL, &going, EVIL, None, now()),
        decide::queue::render(&me, Some(&[going.clone(), evil.clone(), held()]), now()),
        decide::one::render(&me, EVIL, &known(going), EVIL, None, filled, now()),
        decide::one::render(&me, EVIL, &known(evil), EVIL, None, filled, now()),
        decide::approve::render(&me, &found, EVIL, filled),
        decide::closures::render(&me, &found, EVIL, filled),
    ];
    for (n, page) in pages.iter().enumerate() {
        assert!(!page.0.contains("<script"), "page {n}");
        assert!(!page.0.contains("<img"), "page {n}");
    }
    // The control: it is there, as text.
    assert!(
        pages
            .iter()
            .all(|p| p.0.contains("&lt;script&gt;") || p.0.contains("held"))
    );
}
