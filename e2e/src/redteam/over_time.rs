//! Over time: locks changed and parts killed while the notebook dials; with the policies on disk, then without them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bindings::Bindings;
use super::exposure::{self, during};
use super::held;
use super::inside::{in_kernel, program};
use super::range::Range;
use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use crate::node::story::get;
use sde_redteam::catalogue::{self, Attack, Group};
use sde_redteam::judge::{Told, Verdict, judge};
use sde_redteam::report::{Finding, Measure};

const POLICY: [&str; 2] = ["networkpolicy", "default-deny"];
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the notebook goes on dialling after something was done.
const AFTER: Duration = Duration::from_secs(2);
/// How long deleting is tried again: API servers notice a deleted binding late.
const NOTICED: Duration = Duration::from_secs(15);

/// Runs the group with the policies on disk.
///
/// # Errors
/// When a part cannot be run.
pub fn run(range: &Range) -> Result<Vec<Finding>> {
    let entries = catalogue::group(Group::Time)?;
    let found = entries.iter().map(|entry| {
        // One that cannot be run says so and leaves the others to run.
        one(range, entry).unwrap_or_else(|error| {
            let failed = Told::Failed(error.to_string()).line();
            Finding::of(Group::Time, entry, failed, "not seen".to_owned())
        })
    });
    Ok(found.collect())
}

fn one(range: &Range, entry: &Attack) -> Result<Finding> {
    match entry.id.as_str() {
        "TIME-FIRST-INSTRUCTION" => first_instruction(range, entry),
        "TIME-POLICY-DELETED" => watched(range, entry, || tampered(range, &[Tamper::Policy])),
        "TIME-BINDINGS-DELETED" => unbound(range, entry, Tamper::Policy),
        "TIME-LABELS-STRIPPED" => unbound(range, entry, Tamper::Labels),
        "TIME-QUOTA-DELETED" => unbound(range, entry, Tamper::Quota),
        "TIME-CONTROLLER-KILLED" => watched(range, entry, || controller_killed(range)),
        "TIME-CNI-KILLED" => watched(range, entry, || network_killed(range)),
        "TIME-CLOSE" => held::closed(range, entry),
        _ => held::suspended(range, entry),
    }
}

/// Something a cluster administrator does to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tamper {
    Policy,
    Labels,
    Quota,
}

impl Tamper {
    fn what(self) -> &'static str {
        match self {
            Self::Policy => "the network policy default-deny",
            Self::Labels => "the namespace's label sde-operator.dev/project",
            Self::Quota => "the quota",
        }
    }

    /// Does it; true when the API server let it happen.
    fn attempt(self, range: &Range) -> std::result::Result<(), String> {
        let namespace = range.subject.namespace();
        let of = ["--namespace", namespace.as_str()];
        let cluster = range.cluster();
        let done = match self {
            Self::Policy => cluster.kubectl(
                ["delete"]
                    .iter()
                    .chain(&POLICY)
                    .chain(&of)
                    .chain(&["--wait=false"]),
            ),
            Self::Labels => cluster.kubectl([
                "label",
                "namespace",
                &namespace,
                "sde-operator.dev/project-",
            ]),
            Self::Quota => cluster.kubectl(
                ["delete", "resourcequota", "--all", "--wait=false"]
                    .iter()
                    .chain(&of),
            ),
        };
        done.map(drop).map_err(|error| refusal(&error))
    }

    /// Whether the lock is as it was.
    fn whole(self, range: &Range) -> Result<bool> {
        let namespace = range.subject.namespace();
        Ok(match self {
            Self::Policy => !get(&range.site, POLICY[0], POLICY[1], Some(&namespace))?.is_null(),
            Self::Labels => {
                let object = get(&range.site, "namespace", &namespace, None)?;
                object["metadata"]["labels"]["sde-operator.dev/project"].is_string()
            }
            Self::Quota => {
                let of = [
                    "get",
                    "resourcequota",
                    "--namespace",
                    &namespace,
                    "--output",
                    "name",
                ];
                !range.cluster().kubectl(of)?.is_empty()
            }
        })
    }
}

/// The API server's words of a refusal, without kubectl's.
pub(super) fn refusal(error: &Error) -> String {
    let text = error.to_string();
    let words = text.lines().last().unwrap_or_default();
    words.chars().take(300).collect()
}

fn finding(entry: &Attack, told: Told, exposure: &exposure::Exposure) -> Finding {
    Finding {
        verdict: judge(&told, &exposure.control, Some(&exposure.counted)),
        witness: format!("{}; {}", exposure.counted.line(), exposure.line()),
        ..Finding::of(Group::Time, entry, told.line(), exposure.control.line())
    }
}

fn watched(range: &Range, entry: &Attack, act: impl FnOnce() -> Result<String>) -> Result<Finding> {
    let (done, exposure) = during(range, &entry.id, AFTER, act)?;
    let told = match done.strip_prefix(DONE) {
        Some(done) => Told::Reached(done.to_owned()),
        None => exposure.told(&done),
    };
    Ok(finding(entry, told, &exposure))
}

/// Before what is said of tampering that the API server let happen.
const DONE: &str = "done: ";

fn tampered(range: &Range, with: &[Tamper]) -> Result<String> {
    let said = with.iter().map(|tamper| match tamper.attempt(range) {
        Ok(()) => format!("{DONE}{} was taken away", tamper.what()),
        Err(refused) => format!("taking away {} was refused: {refused}", tamper.what()),
    });
    Ok(said.collect::<Vec<_>>().join("; "))
}

/// Takes every binding of ours away, then tampers, then puts the bindings back.
fn unbound(range: &Range, entry: &Attack, tamper: Tamper) -> Result<Finding> {
    watched(range, entry, || {
        let bindings = Bindings::read(range)?;
        let deleted = bindings.delete(range);
        // The API server notices within a second or so; a refusal after that is not by these bindings.
        command::pause(Duration::from_secs(3))?;
        let said = tampered(range, &[tamper]);
        bindings.restore(range)?;
        let said = said?;
        Ok(match deleted {
            Ok(count) => format!("{said} ({count} bindings had been deleted)"),
            Err(refused) => format!("{said} (deleting the bindings was refused: {refused})"),
        })
    })
}

fn controller_killed(range: &Range) -> Result<String> {
    let of = [
        "--namespace",
        "sde-system",
        "--selector",
        "app.kubernetes.io/component=controller",
    ];
    range.cluster().kubectl(
        [
            "delete",
            "pod",
            "--grace-period",
            "0",
            "--force",
            "--wait=false",
        ]
        .iter()
        .chain(&of),
    )?;
    command::pause(Duration::from_secs(3))?;
    Ok("the controller's pod was killed".to_owned())
}

fn network_killed(range: &Range) -> Result<String> {
    let (cluster, worker) = (range.cluster(), &range.addresses.worker.0);
    let agent = |of: &[&str]| cluster.exec_on_node(worker, of);
    let ready = ["cilium-dbg", "status", "--brief"];
    agent(&["systemctl", "kill", "--signal=KILL", "sde-cni"])?;
    let gone = agent(&ready).is_err();
    let began = Instant::now();
    // systemd starts it again, and it compiles its programs and programs every pod anew while the notebook dials.
    while let Err(error) = agent(&ready) {
        if began.elapsed() > PATIENCE {
            return Err(Error::malformed(
                worker.as_ref(),
                format!("the network plugin's agent is not well again: {error}"),
            ));
        }
        command::pause(Duration::from_millis(300))?;
    }
    command::pause(Duration::from_secs(3))?;
    if !gone {
        return Err(Error::malformed(
            worker.as_ref(),
            "the network plugin's agent did not go",
        ));
    }
    Ok(format!(
        "the agent was killed and was back after {:.1} s",
        began.elapsed().as_secs_f32()
    ))
}

/// A configuration file in the colleague's home starts a dialler with the notebook server itself.
fn first_instruction(range: &Range, entry: &Attack) -> Result<Finding> {
    let colleague = &range.colleague;
    let (nonce, shown) = (range.nonce(&entry.id, "a"), range.nonce(&entry.id, "c"));
    let log = format!("/home/researcher/{nonce}.json");
    let dialler = program(
        exposure::DIALLER,
        &exposure::parameters(range, &nonce, &log, 60),
    );
    let plant = format!(
        "import os\nos.makedirs('/home/researcher/.jupyter', exist_ok=True)\n\
         open('/home/researcher/.jupyter/dialler.py', 'w').write({})\n\
         open('/home/researcher/.jupyter/jupyter_server_config.py', 'w').write(\
         \"import subprocess, sys\\nsubprocess.Popen([sys.executable, '/home/researcher/.jupyter/dialler.py'], start_new_session=True)\\n\")",
        json!(dialler)
    );
    in_kernel(range, colleague, &plant)?;
    let again = held::restarted(range, colleague)?;
    let control = exposure::control(range, &shown)?;
    let read = format!(
        "print(open({}).read())\nimport os\nos.unlink('/home/researcher/.jupyter/jupyter_server_config.py')",
        json!(log)
    );
    let text = in_kernel(range, &again, &read)?;
    let log: exposure::Log = serde_json::from_str(text.trim())
        .map_err(|error| Error::malformed(log.as_ref(), format!("{error}: {text}")))?;
    let exposure = exposure::seen(range, &nonce, &shown, log, control)?;
    let told = exposure.told("from the notebook server's start on");
    Ok(finding(entry, told, &exposure))
}

/// With the policies loaded through the API alone: the bindings are deleted, then the lock; what is exposed until it is
/// whole again. Verdicts by finding, and measures.
///
/// # Errors
/// When a part cannot be run, or the lock is not repaired in time.
pub fn on_api_form(range: &Range) -> Result<(BTreeMap<String, Verdict>, Vec<Measure>)> {
    let mut verdicts = BTreeMap::new();
    let mut measures = Vec::new();
    for (id, tamper) in [
        ("TIME-BINDINGS-DELETED", Tamper::Policy),
        ("TIME-LABELS-STRIPPED", Tamper::Labels),
        ("TIME-QUOTA-DELETED", Tamper::Quota),
    ] {
        let mut repaired = None;
        let (done, exposure) = during(range, &format!("{id}-API"), AFTER, || {
            let began = Instant::now();
            while let Err(refused) = tamper.attempt(range) {
                if began.elapsed() > NOTICED {
                    return Ok(format!("refused: {refused}"));
                }
                command::pause(Duration::from_millis(100))?;
            }
            let began = Instant::now();
            while !tamper.whole(range)? {
                if began.elapsed() > PATIENCE {
                    return Err(Error::malformed(id.as_ref(), "not repaired"));
                }
            }
            repaired = Some(began.elapsed());
            Ok(format!("{DONE}taken away"))
        })?;
        let told = match done.strip_prefix(DONE) {
            Some(done) => Told::Reached(done.to_owned()),
            None => exposure.told(&done),
        };
        verdicts.insert(
            id.to_owned(),
            judge(&told, &exposure.control, Some(&exposure.counted)),
        );
        let repaired = repaired.map_or("was not taken away".to_owned(), |took| {
            format!("seen whole again after at most {} ms", took.as_millis())
        });
        measures.push(Measure {
            what: format!("API form, bindings deleted, then {}", tamper.what()),
            value: format!("{repaired}; exposure {}", exposure.line()),
        });
    }
    Ok((verdicts, measures))
}
