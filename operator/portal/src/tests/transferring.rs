//! Transfers to another environment, as the custodian who asked and those who decide see them.

use maud::html;
use sde_crds::AirlockRequest;
use sde_crds::airlock_status::AirlockPhase as Phase;

use super::fixtures::{held, now, policy, transfer, who};
use super::rendering::{known, lines, nothing};
use crate::decide::{self, known::Known};
use crate::fields::Fields;
use crate::request;

/// For whoever looks at it on the researchers' portal.
fn page(name: &str, request: &AirlockRequest) -> String {
    let ticket = request.status.as_ref().and_then(|s| s.serving.as_ref());
    let ticket = ticket.map(|_| html! { form { "(the ticket)" } });
    let page = request::one::render(&who(name), "prj-4f2c", request, "", ticket, now());
    lines(&page)
}

/// For whoever decides.
fn decides(name: &str, known: &Known) -> String {
    let fields = Fields::default();
    let page = decide::one::render(
        &who(name),
        "prj-4f2c",
        known,
        "",
        None,
        nothing(&fields),
        now(),
    );
    lines(&page)
}

#[test]
fn what_was_encrypted_is_submitted_in_a_terminal_by_who_asked() {
    let request = transfer("to-partner", Phase::Sealing);
    let shown = page("custodian-a", &request);
    insta::assert_snapshot!(shown);
    let confirm = "kubectl sde airlock confirm prj-4f2c to-partner";
    assert!(shown.contains(confirm));
    assert!(!page("custodian-b", &request).contains(confirm));
}

#[test]
fn who_asked_and_nobody_else_collects_what_was_released() {
    let mut request = transfer("to-partner", Phase::Released);
    let button = "Make it ready to be collected</button>";
    let shown = page("custodian-a", &request);
    assert!(shown.contains(button) && shown.contains("which only the environment can open"));
    assert!(!page("custodian-b", &request).contains(button));
    request.status.get_or_insert_default().serving =
        super::fixtures::released().status.and_then(|s| s.serving);
    assert!(page("custodian-a", &request).contains("(the ticket)"));
}

#[test]
fn nothing_of_a_transfer_is_asked_again_in_a_form() {
    let again = "Ask again, answering this one";
    let mut returned = transfer("to-partner", Phase::Returned);
    assert!(!page("custodian-a", &returned).contains(again));
    // The control: of an Export it is.
    returned = super::fixtures::request("tables", Phase::Returned);
    assert!(page("u-7c1e", &returned).contains(again));
}

#[test]
fn a_transfer_to_decide_on() {
    let known = known(transfer("to-partner", Phase::InReview));
    let page = decides("custodian-b", &known);
    insta::assert_snapshot!(page);
    assert!(page.contains("Encrypted to exactly these keys"));
    assert!(!decides("checker-a", &super::rendering::known(held())).contains("To whom it goes"));
}

#[test]
fn custodians_alone_approve_a_transfer_and_others_stop_it() {
    let known = known(transfer("to-partner", Phase::InReview));
    let offered = |name: &str| -> Vec<&str> {
        let page = decides(name, &known);
        ["Approve", "Return", "Reject"]
            .into_iter()
            .filter(|d| page.contains(&format!("<option value=\"{d}\"")))
            .collect()
    };
    assert_eq!(offered("custodian-b"), ["Approve", "Return", "Reject"]);
    assert_eq!(offered("checker-a"), ["Reject"]);
    assert!(offered("custodian-a").is_empty(), "who asked");
}

#[test]
fn other_keys_than_it_was_sealed_for_are_told() {
    let told = |keys: fn(&mut Known)| {
        let mut known = known(transfer("to-partner", Phase::InReview));
        keys(&mut known);
        decides("custodian-b", &known)
    };
    let other = told(|known| {
        let keys = known.sde.as_mut().and_then(|s| s.keys.as_mut());
        keys.expect("keys").crypt4gh = format!("{}=", "A".repeat(43));
    });
    assert!(other.contains("Encrypted to other keys"), "{other}");
    let none = told(|known| known.sde.as_mut().expect("sde").keys = None);
    assert!(none.contains("There are no keys"), "{none}");
    let unlisted = told(|known| known.sde = None);
    assert!(unlisted.contains("nothing of it is released"), "{unlisted}");
}

#[test]
fn lists_say_to_whom_it_goes() {
    let request = transfer("to-partner", Phase::InReview);
    let sde = &policy().spec.third_party_sdes.expect("sdes")[0].name;
    let way = format!("<td>Transfer to {sde}</td>");
    let all = [request];
    let queue = decide::queue::render(&who("custodian-b"), Some(&all), now()).0;
    assert!(queue.contains(&way) && queue.contains("Custodians decide"));
    let [request] = all;
    let found = [request::list::Found {
        project: "prj-4f2c".to_owned(),
        remembered: true,
        requests: Some(vec![request]),
    }];
    let mine = request::list::render(&who("custodian-a"), &found, "", now()).0;
    assert!(mine.contains(&way), "{mine}");
}
