//! A connection to a notebook, held by the hub's proxy, while the notebook's project is suspended and then closed.

use std::time::Duration;

use serde_json::{Value, json};

use super::inside::{Control, in_control, program};
use super::range::{Notebook, Range, notebook};
use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use crate::node::story::wait_for;
use crate::node::{Site, acts};
use sde_redteam::catalogue::{Attack, Group};
use sde_redteam::judge::{Told, judge};
use sde_redteam::report::Finding;

const HOLD: &str = include_str!("scripts/hold.py");
const PATIENCE: Duration = Duration::from_secs(120);

/// The stranger's project is suspended meanwhile.
///
/// # Errors
/// When the notebook does not start, or the project cannot be suspended.
pub fn suspended(range: &Range, entry: &Attack) -> Result<Finding> {
    // An earlier attack may have cost this pod its life; such a notebook waits for its person to start it anew.
    let notebook = restarted(range, &range.stranger)?;
    held(range, entry, &notebook, "suspension", |site, project| {
        as_custodian(site, &["suspend", project])
    })
}

/// The suspended project is resumed, then closed meanwhile; the finding stands when closing was finished too.
///
/// # Errors
/// When the notebook does not come back, or the project does not close and leave nothing.
pub fn closed(range: &Range, entry: &Attack) -> Result<Finding> {
    let (site, person) = (&range.site, range.stranger.user.as_str());
    let project = range.stranger.project.as_str();
    acts::workspace_when(site, project, person, "stopped", |w| {
        w["status"]["phase"] != "Running"
    })?;
    as_custodian(site, &["resume", project])?;
    acts::active(site, project)?;
    let again = notebook(site, project, person)?;
    let finding = held(range, entry, &again, "closing", acts::ask_to_close)?;
    acts::approve_closure(site, project)?;
    acts::closed(site, project)?;
    Ok(finding)
}

fn as_custodian(site: &Site, act: &[&str]) -> Result<()> {
    site.sde("custodian-a", act).map(drop)
}

/// Stops a person's notebook and starts it anew.
///
/// # Errors
/// When it does not stop and run again in time.
pub fn restarted(range: &Range, old: &Notebook) -> Result<Notebook> {
    let run = |running: bool| {
        let change = json!({"spec": {"running": running}}).to_string();
        let namespace = old.namespace();
        let of = [
            "--namespace",
            namespace.as_str(),
            "--type=merge",
            "--patch",
            &change,
        ];
        let what: Vec<&str> = ["patch", "workspace", &old.user]
            .into_iter()
            .chain(of)
            .collect();
        range.site.kubectl(&old.user, &what).map(drop)
    };
    run(false)?;
    let of = ("pod", old.pod.as_str(), Some(old.namespace()));
    wait_for(
        &range.site,
        (of.0, of.1, of.2.as_deref()),
        "gone",
        PATIENCE,
        Value::is_null,
    )?;
    run(true)?;
    notebook(&range.site, &old.project, &old.user)
}

/// Something ends a project while the hub's proxy holds a connection to its notebook.
fn held(
    range: &Range,
    entry: &Attack,
    held: &Notebook,
    what: &str,
    end: impl FnOnce(&Site, &str) -> Result<()>,
) -> Result<Finding> {
    let code = program(
        HOLD,
        &json!({"host": held.ip, "port": 8888, "token": held.token, "seconds": 45}),
    );
    let (text, asked) = std::thread::scope(|scope| {
        let holding = scope.spawn(|| in_control(range, Control::Proxy, &code));
        let _ = command::pause(Duration::from_secs(3));
        let asked = jiff::Timestamp::now();
        let ended = end(&range.site, &held.project);
        let text = holding
            .join()
            .unwrap_or_else(|_| Err(Error::malformed("hold".as_ref(), "the thread ended early")));
        (text, ended.map(|()| asked))
    });
    let (text, asked) = (text?, asked?);
    let told: Value = serde_json::from_str(text.trim())
        .map_err(|error| Error::malformed("hold".as_ref(), format!("{error}: {text}")))?;
    let answered = told["answered"].as_u64().unwrap_or_default();
    let last = told["last"].as_f64().unwrap_or_default();
    let after = (last * 1000.0) as i64 - asked.as_millisecond();
    let ended = told["ended"].as_str().unwrap_or_default();
    let attempt = if ended == "still open" {
        Told::Reached(format!("still answered {after} ms after {what} was asked"))
    } else {
        Told::Refused(format!(
            "broke ({ended}); the last answer came {after} ms after {what} was asked"
        ))
    };
    let control = if answered > 5 {
        Told::Reached(format!("{answered} answers on one connection"))
    } else {
        Told::Failed(format!("only {answered} answers before"))
    };
    Ok(Finding {
        verdict: judge(&attempt, &control, None),
        ..Finding::of(Group::Time, entry, attempt.line(), control.line())
    })
}
