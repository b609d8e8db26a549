//! Golden texts of a project in each state of its life.

use super::fetch::{Found, Seen};
use super::samples::{active, closed, closing, now, suspended, waiting};
use super::*;
use crate::fixtures;

fn text(found: &Found) -> String {
    tree::render(&view::view(found, now()), now(), Paint(false), 110)
}

#[test]
fn a_project_nobody_has_looked_at() {
    let found = Found {
        project: fixtures::project(),
        approvals: Seen::Hidden("projectapprovals is forbidden".to_owned()),
        ..waiting()
    };
    insta::assert_snapshot!(text(&found));
}

#[test]
fn a_waiting_project() {
    insta::assert_snapshot!(text(&waiting()));
}

#[test]
fn an_active_project() {
    let text = text(&active());
    assert!(
        !text.contains("8888"),
        "the notebook's address is the hub's alone"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_suspended_project_whose_change_waits() {
    insta::assert_snapshot!(text(&suspended()));
}

#[test]
fn a_closing_project() {
    insta::assert_snapshot!(text(&closing()));
}

#[test]
fn a_closed_project() {
    insta::assert_snapshot!(text(&closed()));
}

#[test]
fn one_person_fills_one_role() {
    let mut found = active();
    let mut all = found.approvals.get().unwrap().clone();
    all[1].spec.approver = "dac-1".to_owned();
    found.approvals = Seen::Visible(all);
    assert!(text(&found).contains("one person fills one role"));
}

#[test]
fn programs_get_the_same_as_people() {
    insta::assert_json_snapshot!(view::view(&active(), now()));
}

#[test]
fn all_projects_in_a_table() {
    let mut second = suspended().project;
    second.metadata.name = Some("prj-77aa".to_owned());
    let mut third = closed().project;
    third.metadata.name = Some("prj-0b".to_owned());
    let rows = list::rows(&[active().project, second, third, fixtures::project()]);
    insta::assert_snapshot!(list::render(&rows, now(), Paint(false)));
    assert!(list::render(&[], now(), Paint(false)).contains("No projects"));
}

#[test]
fn colours_are_there_when_asked_for() {
    let view = view::view(&active(), now());
    let coloured = tree::render(&view, now(), Paint(true), 110);
    assert!(coloured.contains("\u{1b}[32m"));
}
