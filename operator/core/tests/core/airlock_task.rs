//! What airlock jobs are told: made from the example request, read back the same, and refused when it is anything else.

use proptest::prelude::*;
use sde_core::airlock::JobKind;
use sde_core::airlock::task::{DoorTask, Task, TaskError, ViewingTask};

use crate::airlock_sim::{Sim, digest, viewing};

const UID: &str = "7c1e6f1a-0b1d-4f5c-9a57-1f2e3d4c5b6a";

fn task(kind: JobKind) -> Task {
    let sim = Sim::new();
    let policy = sim.observed.policy.clone().unwrap();
    let door = kind.serves().then(|| DoorTask {
        keys: [("portal-decide".to_owned(), "a key".to_owned())].into(),
        project: "prj-4f2c".to_owned(),
        request: "penetrance-tables".to_owned(),
        content: digest('1'),
        requester: sim.observed.spec().requester.clone(),
    });
    let viewing = (kind == JobKind::View).then(|| ViewingTask {
        key: viewing(),
        findings: digest('2'),
        signals: Vec::new(),
    });
    Task::new(kind, UID, sim.observed.spec(), &policy, 1 << 30, door).with_viewing(viewing)
}

#[test]
fn a_task_is_as_agreed() {
    insta::assert_json_snapshot!("airlock-task-scan", task(JobKind::Scan));
    insta::assert_json_snapshot!("airlock-task-seal", task(JobKind::Seal));
    insta::assert_json_snapshot!("airlock-task-deliver", task(JobKind::Deliver));
}

#[test]
fn a_job_that_serves_is_told_whom_to_believe() {
    let mut task = task(JobKind::View);
    let viewing = task.viewing.take();
    let text = task.to_env().unwrap();
    assert_eq!(Task::parse(&text), Err(TaskError::NoViewing));
    (task.door, task.viewing) = (None, viewing);
    let text = task.to_env().unwrap();
    assert_eq!(Task::parse(&text), Err(TaskError::NoDoor));
}

#[test]
fn a_task_arrives_and_another_text_does_not() {
    for kind in JobKind::ALL {
        let task = task(kind);
        assert_eq!(Task::parse(&task.to_env().unwrap()), Ok(task));
    }
    let good = task(JobKind::Scan).to_env().unwrap();
    let parse = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        Task::parse(&text)
    };
    let json = |e: Result<Task, TaskError>| matches!(e, Err(TaskError::Json(_)));
    assert!(json(Task::parse("")));
    assert!(json(parse("\"Scan\"", "\"Release\"")));
    assert!(json(parse("\"salt\"", "\"pepper\"")));
    assert!(json(parse("\"maxBytes\":1073741824", "\"maxBytes\":-1")));
    assert_eq!(
        parse("\"version\":1", "\"version\":2"),
        Err(TaskError::Version(2))
    );
    assert_eq!(parse(UID, "not a uid\\n"), Err(TaskError::Salt));
    assert_eq!(
        parse("\"maxFiles\":50", "\"maxFiles\":51"),
        Err(TaskError::MaxFiles)
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        prop_assert!(Task::parse(&text).is_err());
    }
}
