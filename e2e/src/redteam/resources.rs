//! Taking what others need, while a neighbour computes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::inside::{self, by_id, in_kernel, lines, program};
use super::range::{Notebook, Range};
use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use crate::node::story::get;
use sde_redteam::catalogue::{self, Attack, Group};
use sde_redteam::judge::{Told, Verdict, judge};
use sde_redteam::report::Finding;

const SCRIPT: &str = include_str!("scripts/resources.py");
/// How long a neighbour's answer may take, beyond three times what it took before: hosts have other work too.
const PATIENCE: Duration = Duration::from_secs(20);
/// The kubelet measures volumes once a minute; then it has to kill.
const EVICTION: Duration = Duration::from_secs(150);
const MIB: u64 = 1 << 20;

/// Runs the group.
///
/// # Errors
/// When a notebook cannot be used.
pub fn run(range: &Range) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for entry in catalogue::group(Group::Resources)? {
        findings.push(match entry.id.as_str() {
            "RES-PROCESSES" => taken(range, &entry, "processes", 20, 1500)?,
            "RES-MEMORY" => taken(range, &entry, "memory", 64 * MIB, limit(range)? + 256 * MIB)?,
            "RES-HOME" => taken(range, &entry, "home", MIB, home(range)? + 64 * MIB)?,
            _ => temporary(range, &entry)?,
        });
    }
    Ok(findings)
}

fn parameters(entry: &Attack, what: &str, most: u64, seconds: u32) -> Value {
    json!({"id": entry.id, "what": what, "most": most, "seconds": seconds})
}

/// Takes in the attacker's notebook while the colleague's computes.
fn taken(range: &Range, entry: &Attack, what: &str, few: u64, most: u64) -> Result<Finding> {
    let once = |most: u64, seconds: u32| -> Result<Told> {
        let code = program(SCRIPT, &parameters(entry, what, most, seconds));
        let text = in_kernel(range, &range.subject, &code)?;
        Ok(inside::of(&by_id(lines(&text)?), &entry.id))
    };
    let control = once(few, 0)?;
    let patience = patience(range, &range.colleague)?;
    let (told, neighbour) = std::thread::scope(|scope| {
        let attack = scope.spawn(|| once(most, 6));
        let _ = command::pause(Duration::from_secs(2));
        let neighbour = computes(range, &range.colleague, patience);
        let told = attack
            .join()
            .unwrap_or_else(|_| Ok(Told::Failed("the attack's thread ended early".to_owned())));
        (told, neighbour)
    });
    Ok(finding(entry, &told?, &control, neighbour))
}

/// Fills the stranger's temporary volume, for which the kubelet evicts the pod; the attacker's notebook is the neighbour.
fn temporary(range: &Range, entry: &Attack) -> Result<Finding> {
    let notebook = &range.stranger;
    let run = |most: u64| {
        let code = program(SCRIPT, &parameters(entry, "temporary", most, 180));
        format!(
            "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', {}], start_new_session=True, \
             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)",
            json!(code)
        )
    };
    let small = program(SCRIPT, &parameters(entry, "temporary", MIB, 0));
    let control = inside::of(
        &by_id(lines(&in_kernel(range, notebook, &small)?)?),
        &entry.id,
    );
    let patience = patience(range, &range.subject)?;
    in_kernel(range, notebook, &run(1200 * MIB))?;
    let began = Instant::now();
    let mut neighbour = computes(range, &range.subject, patience);
    let told = loop {
        let pod = get(
            &range.site,
            "pod",
            &notebook.pod,
            Some(&notebook.namespace()),
        )?;
        let seconds = began.elapsed().as_secs();
        let reason = pod["status"]["reason"].as_str().unwrap_or_default();
        if reason == "Evicted" || pod.is_null() {
            let message = pod["status"]["message"]
                .as_str()
                .unwrap_or("the pod is gone");
            break Told::Refused(format!("evicted after {seconds} s: {message}"));
        }
        if began.elapsed() > EVICTION {
            break Told::Reached(format!("1200 MiB kept for {seconds} s"));
        }
        command::pause(Duration::from_millis(500))?;
    };
    if neighbour.is_ok() {
        neighbour = computes(range, &range.subject, patience);
    }
    Ok(finding(entry, &told, &control, neighbour))
}

fn finding(
    entry: &Attack,
    told: &Told,
    control: &Told,
    neighbour: std::result::Result<String, String>,
) -> Finding {
    let (verdict, witness) = match neighbour {
        Ok(said) => (judge(told, control, None), said),
        // What reaches a neighbour got out, whatever the attacker says.
        Err(said) => (Verdict::Open, said),
    };
    Finding {
        verdict,
        witness,
        ..Finding::of(Group::Resources, entry, told.line(), control.line())
    }
}

/// What a neighbour is given while somebody else attacks.
fn patience(range: &Range, neighbour: &Notebook) -> Result<Duration> {
    let began = Instant::now();
    multiplied(range, neighbour)?;
    Ok(PATIENCE + 3 * began.elapsed())
}

/// The neighbour multiplies two numbers, in time.
fn computes(
    range: &Range,
    neighbour: &Notebook,
    patience: Duration,
) -> std::result::Result<String, String> {
    let began = Instant::now();
    let answer = multiplied(range, neighbour);
    let took = began.elapsed();
    match answer {
        Ok(text) if text.trim() == "121932631112635269" && took < patience => Ok(format!(
            "the neighbour answered in {:.1} s",
            took.as_secs_f32()
        )),
        Ok(text) => Err(format!(
            "the neighbour answered {text:?} after {took:?}, and was given {patience:?}"
        )),
        Err(error) => Err(format!("the neighbour does not answer: {error}")),
    }
}

fn multiplied(range: &Range, notebook: &Notebook) -> Result<String> {
    in_kernel(range, notebook, "print(123456789 * 987654321)")
}

fn subject_pod(range: &Range) -> Result<Value> {
    get(
        &range.site,
        "pod",
        &range.subject.pod,
        Some(&range.subject.namespace()),
    )
}

fn limit(range: &Range) -> Result<u64> {
    let pod = subject_pod(range)?;
    quantity(&pod["spec"]["containers"][0]["resources"]["limits"]["memory"])
}

fn home(range: &Range) -> Result<u64> {
    let pod = subject_pod(range)?;
    let volumes = pod["spec"]["volumes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let claim = volumes
        .iter()
        .find(|v| v["name"] == "home")
        .and_then(|v| v["persistentVolumeClaim"]["claimName"].as_str())
        .unwrap_or_default();
    let claim = get(
        &range.site,
        "persistentvolumeclaim",
        claim,
        Some(&range.subject.namespace()),
    )?;
    quantity(&claim["status"]["capacity"]["storage"])
}

fn quantity(value: &Value) -> Result<u64> {
    let text = value.as_str().unwrap_or_default();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => MIB,
        "Gi" => 1 << 30,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => 0,
    };
    match digits.parse::<u64>() {
        Ok(number) if unit > 0 => Ok(number * unit),
        _ => Err(Error::malformed(
            std::path::Path::new("quantity"),
            format!("{value} is not understood"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_others_refused() {
        assert_eq!(quantity(&json!("2Gi")).ok(), Some(2 << 30));
        assert_eq!(quantity(&json!("512Mi")).ok(), Some(512 * MIB));
        assert!(quantity(&json!("1.5Gi")).is_err());
        assert!(quantity(&json!(null)).is_err());
    }

    #[test]
    fn a_neighbour_that_suffers_makes_it_open() {
        let entry = &catalogue::group(Group::Resources).expect("it parses")[0];
        let (told, control) = (
            Told::Refused("EAGAIN".to_owned()),
            Told::Reached("20".to_owned()),
        );
        let fine = finding(entry, &told, &control, Ok("in time".to_owned()));
        assert_eq!(fine.verdict, Verdict::Blocked);
        let late = finding(entry, &told, &control, Err("late".to_owned()));
        assert_eq!(late.verdict, Verdict::Open);
    }
}
