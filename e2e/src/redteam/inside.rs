//! Running the attackers' scripts: in the kernel of a notebook, as its person can, and in a pod that nothing locks.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::range::{CONTROL, Notebook, Range};
use crate::cluster::command::Run;
use crate::cluster::error::{Error, Result};
use crate::cluster::tools::Tool;
use crate::node::notebook::{Answer, CLIENT};
use sde_redteam::judge::Told;

/// The longest a script may take. The notebook's client gives a kernel 60 s to start and 120 s for each answer.
const LIMIT: Duration = Duration::from_secs(200);

/// A pod for the controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// An ordinary pod, an ordinary user.
    Plain,
    /// Root, privileged, among the node's processes.
    Privileged,
    /// The hub's proxy, which alone may speak to notebooks.
    Proxy,
}

impl Control {
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => (CONTROL, "plain"),
            Self::Privileged => (CONTROL, "privileged"),
            Self::Proxy => ("sde-hub", "proxy"),
        }
    }
}

/// A line of a script's answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    /// The attack.
    pub id: String,
    /// Which side of it, where the script plays several.
    #[serde(default)]
    pub side: String,
    /// What came of it.
    #[serde(flatten)]
    pub told: Told,
}

/// A script with its parameters before it.
pub fn program(script: &str, parameters: &Value) -> String {
    // A JSON string is a Python string.
    let literal = Value::String(parameters.to_string()).to_string();
    format!("import json\nPARAMS = json.loads({literal})\n{script}")
}

/// Runs Python in a notebook's kernel, through the hub's proxy pod, and returns what it printed.
///
/// # Errors
/// When the notebook does not answer, or the code ended with an exception.
pub fn in_kernel(range: &Range, notebook: &Notebook, code: &str) -> Result<String> {
    let cells = json!([{"name": "redteam", "code": code}]).to_string();
    let text = in_pod(
        range,
        Control::Proxy,
        &[("SDE_TOKEN", &notebook.token), ("SDE_CELLS", &cells)],
        &format!(
            "import sys\nsys.argv = ['client', {}]\n{CLIENT}",
            json!(notebook.url)
        ),
    )?;
    let place = std::path::Path::new(&notebook.pod);
    let answer: Answer = serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|error| Error::malformed(place, format!("{error}: {text}")))?;
    match answer.error {
        None => Ok(answer.text),
        Some(error) => Err(Error::malformed(place, format!("{error}: {}", answer.text))),
    }
}

/// Runs Python in a control pod and returns what it printed.
///
/// # Errors
/// When it ends with an error.
pub fn in_control(range: &Range, control: Control, code: &str) -> Result<String> {
    in_pod(range, control, &[], code)
}

fn in_pod(range: &Range, control: Control, env: &[(&str, &str)], code: &str) -> Result<String> {
    let mut file = tempfile::tempfile().map_err(Error::io("cannot make", "a file".as_ref()))?;
    let mut text = String::from("import os\n");
    for (name, value) in env {
        text += &format!("os.environ[{}] = {}\n", json!(name), json!(value));
    }
    text += code;
    file.write_all(text.as_bytes())
        .and_then(|()| std::io::Seek::rewind(&mut file))
        .map_err(Error::io("cannot write", "a file".as_ref()))?;
    let (namespace, pod) = control.place();
    kubectl(range)?
        .args(["exec", "--stdin", "--namespace", namespace, pod])
        .args(["--", "python3", "-"])
        .stdin(file)
        .what(format!("python in {namespace}/{pod}"))
        .limit(LIMIT)
        .text()
}

fn kubectl(range: &Range) -> Result<Run> {
    range.cluster().tool(Tool::Kubectl)
}

/// The lines of a script's answer.
///
/// # Errors
/// When one is no answer.
pub fn lines(text: &str) -> Result<Vec<Line>> {
    text.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| {
            serde_json::from_str(line).map_err(|error| {
                Error::malformed(std::path::Path::new("script"), format!("{error}: {line}"))
            })
        })
        .collect()
}

/// The lines by attack; what a side did not say at all has failed.
pub fn by_id(lines: Vec<Line>) -> BTreeMap<String, Told> {
    lines.into_iter().map(|line| (line.id, line.told)).collect()
}

/// What was said of an attack.
pub fn of(told: &BTreeMap<String, Told>, id: &str) -> Told {
    told.get(id)
        .cloned()
        .unwrap_or_else(|| Told::Failed("the script said nothing of it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_other_output_is_not() {
        let text = "a warning\n{\"id\": \"A\", \"outcome\": \"refused\", \"said\": \"EPERM\"}\n{\"id\": \"A\", \"side\": \"control\", \"outcome\": \"reached\", \"said\": \"ok\"}";
        let lines = lines(text).expect("both lines are answers");
        assert_eq!(lines[0].told, Told::Refused("EPERM".to_owned()));
        assert_eq!(lines[1].side, "control");
        assert!(matches!(of(&by_id(lines), "B"), Told::Failed(_)));
    }

    #[test]
    fn parameters_come_back_as_they_were() {
        let code = program("print(PARAMS)", &json!({"a": "b\"c\\d\n"}));
        assert!(code.contains(r#"json.loads("{\"a\":\"b\\\"c\\\\d\\n\"}")"#));
    }
}
