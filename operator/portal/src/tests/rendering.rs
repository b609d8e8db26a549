//! Pages as they are rendered, one tag a line; and that nothing a person wrote becomes markup.

use maud::{Markup, html};

use super::fixtures::{held, now, policy, project, released, returned, sealed, who};
use crate::decide;
use crate::fields::{Fields, Problem};
use crate::inputs::Filled;
use crate::request;

fn lines(page: &Markup) -> String {
    page.0.replace("><", ">\n<")
}

fn nothing(fields: &Fields) -> Filled<'_> {
    Filled {
        fields,
        problems: &[],
    }
}

fn known(request: sde_crds::AirlockRequest) -> decide::known::Known {
    decide::known::Known {
        request,
        policy: policy().spec.airlock,
        members: vec!["u-7c1e".to_owned()],
        others: vec![],
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
    let mine = [request::list::Found {
        project: EVIL.to_owned(),
        remembered: true,
        requests: Some(vec![evil.clone()]),
    }];
    let pages = [
        request::list::render(&me, &mine, EVIL, now()),
        request::one::render(&me, EVIL, &evil, EVIL, None, now()),
        request::make::render(&me, EVIL, filled),
        request::declare::render(&me, EVIL, &evil, filled, now()),
        decide::queue::render(&me, Some(&[evil.clone(), held()]), now()),
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
