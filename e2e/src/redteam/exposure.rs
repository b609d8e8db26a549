//! A notebook that dials in a tight loop while something is done to its lock, and what the sentinel saw of it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::inside::{self, Control, by_id, in_control, in_kernel, lines, program};
use super::range::{Notebook, Range};
use super::witness::{self, Seen};
use crate::cluster::command;
use crate::cluster::error::{Error, Result};
use sde_redteam::judge::{Counted, Told};

pub(super) const DIALLER: &str = include_str!("scripts/dialler.py");
const DIAL_ONCE: &str = include_str!("scripts/network.py");

/// What the dialler wrote.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Log {
    /// How often it dialled.
    pub dials: u64,
    /// Connections made.
    pub connected: u64,
    /// Datagrams answered.
    pub answered: u64,
    /// Bytes it sends each time it succeeds.
    pub bytes: u64,
}

/// A dialler at work.
pub struct Dial {
    nonce: String,
    control: String,
    log: String,
    process: String,
}

/// What came of it.
pub struct Exposure {
    /// What the dialler says.
    pub log: Log,
    /// What the sentinel saw of it.
    pub seen: Seen,
    /// What the unlocked pod says, which dialled once meanwhile.
    pub control: Told,
    /// What the sentinel saw of both.
    pub counted: Counted,
}

impl Exposure {
    /// Milliseconds and bytes at the receiver.
    pub fn line(&self) -> String {
        format!(
            "{} ms and {} bytes at the sentinel ({} nonces of {} dials)",
            self.seen.milliseconds(),
            self.seen.count * self.log.bytes,
            self.seen.count,
            self.log.dials
        )
    }

    /// What the dialler came to, with what was done meanwhile.
    pub fn told(&self, done: &str) -> Told {
        let Log {
            dials,
            connected,
            answered,
            ..
        } = self.log;
        if dials == 0 {
            Told::Failed(format!("nothing was dialled; {done}"))
        } else if connected + answered > 0 {
            Told::Reached(format!(
                "{connected} connections, {answered} answers of {dials} dials; {done}"
            ))
        } else {
            Told::Refused(format!("none of {dials} dials answered; {done}"))
        }
    }
}

/// The parameters of a dialler in a notebook.
pub fn parameters(range: &Range, nonce: &str, log: &str, seconds: u32) -> serde_json::Value {
    json!({"host": range.addresses.sentinel, "port": 7777, "nonce": nonce, "seconds": seconds, "log": log})
}

/// Starts dialling, for at most so many seconds, and waits until it does.
///
/// # Errors
/// When the notebook does not answer.
pub fn begin(range: &Range, notebook: &Notebook, id: &str, seconds: u32) -> Result<Dial> {
    let nonce = range.nonce(id, "a");
    let log = format!("/tmp/{nonce}.json");
    let dialler = program(DIALLER, &parameters(range, &nonce, &log, seconds));
    let code = format!(
        "import os, subprocess, sys, time\n\
         with open({file}, 'w') as f:\n    f.write({dialler})\n\
         child = subprocess.Popen([sys.executable, {file}], start_new_session=True, stdin=subprocess.DEVNULL, \
         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
         end = time.time() + 10\n\
         while time.time() < end and not os.path.exists({log}):\n    time.sleep(0.05)\n\
         print(child.pid)",
        file = json!(format!("/tmp/{nonce}.py")),
        dialler = json!(dialler),
        log = json!(log)
    );
    let process = in_kernel(range, notebook, &code)?;
    Ok(Dial {
        control: range.nonce(id, "c"),
        nonce,
        log,
        process,
    })
}

/// Dials once from the unlocked pod: the control, to be taken while the other dials.
///
/// # Errors
/// When the pod cannot be used.
pub fn control(range: &Range, nonce: &str) -> Result<Told> {
    let target = json!({"targets": [{"id": "control", "kind": "tcp", "host": range.addresses.sentinel, "port": 7777, "nonce": nonce}]});
    let text = in_control(range, Control::Plain, &program(DIAL_ONCE, &target))?;
    Ok(inside::of(&by_id(lines(&text)?), "control"))
}

/// Stops dialling and asks the sentinel.
///
/// # Errors
/// When the notebook or the sentinel does not answer.
pub fn end(range: &Range, notebook: &Notebook, dial: &Dial, control: Told) -> Result<Exposure> {
    // The dialler writes ten times a second.
    command::pause(Duration::from_millis(300))?;
    let code = format!(
        "import os, signal\n\
         try:\n    os.kill({}, signal.SIGTERM)\nexcept OSError:\n    pass\n\
         print(open({}).read())",
        dial.process.trim(),
        json!(dial.log)
    );
    let text = in_kernel(range, notebook, &code)?;
    let log: Log = serde_json::from_str(text.trim()).map_err(|error| {
        Error::malformed(std::path::Path::new(&dial.log), format!("{error}: {text}"))
    })?;
    seen(range, &dial.nonce, &dial.control, log, control)
}

/// What the sentinel saw of a dialler and of its control.
///
/// # Errors
/// When the sentinel does not answer.
pub fn seen(
    range: &Range,
    nonce: &str,
    control_nonce: &str,
    log: Log,
    control: Told,
) -> Result<Exposure> {
    let admin = format!("{}:7778", range.addresses.sentinel);
    let nonces = [nonce.to_owned(), control_nonce.to_owned()];
    let seen = witness::seen(range.cluster(), &range.addresses.worker.0, &admin, &nonces)?;
    let of = |nonce: &str| seen.get(nonce).cloned().unwrap_or_default();
    let (attack, shown) = (of(nonce), of(control_nonce));
    Ok(Exposure {
        counted: Counted {
            by: "nonces at the sentinel".to_owned(),
            attack: attack.count,
            control: shown.count,
        },
        log,
        seen: attack,
        control,
    })
}

/// Dials while `act` is done, and for `after` more.
///
/// # Errors
/// When a part cannot be run; what `act` met is its own answer.
pub fn during(
    range: &Range,
    id: &str,
    after: Duration,
    act: impl FnOnce() -> Result<String>,
) -> Result<(String, Exposure)> {
    let notebook = &range.subject;
    let dial = begin(range, notebook, id, 180)?;
    let done = act();
    let control = control(range, &dial.control)?;
    command::pause(after)?;
    let exposure = end(range, notebook, &dial, control)?;
    Ok((done?, exposure))
}
