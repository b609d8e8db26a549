//! A browser that people use: Chromium without JavaScript in its pages, told what to do one step at a time (`e2e/portal/browse.mjs`).

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use super::modules::Modules;
use super::tls::Tls;
use crate::controlplane::error::{ControlPlaneError, Result, io, malformed};
use crate::controlplane::process::{Process, ProcessSpec};

/// How long a step may take on a busy machine; the script's own limits are shorter.
const LIMIT: Duration = Duration::from_secs(90);
/// How long Chromium may take to close.
const FAREWELL: Duration = Duration::from_secs(10);

/// A running browser. It ends when this is dropped.
pub struct Browser {
    stream: Mutex<Option<BufReader<UnixStream>>>,
    process: Process,
}

impl Drop for Browser {
    /// Hangs up, upon which Chromium is closed, and waits for that: what it still writes would outlive its folder.
    fn drop(&mut self) {
        drop(self.stream.get_mut().take());
        let end = Instant::now() + FAREWELL;
        while self.process.exited().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A page as a person sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// The HTTP status it came with.
    pub status: Option<u16>,
    /// What the tab says.
    pub title: String,
    /// All its text.
    pub text: String,
    /// Its links.
    pub links: Vec<Link>,
    /// Its forms.
    pub forms: Vec<Form>,
}

/// A link.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    /// Its words.
    pub text: String,
    /// Where it leads.
    pub href: String,
}

/// A form.
#[derive(Debug, Clone, Deserialize)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Its buttons' words.
    pub buttons: Vec<String>,
    /// Names of its fields.
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its kind, as HTML has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The words beside it.
    pub label: String,
    /// What is in it.
    pub value: String,
}

/// What pages loaded, and what the browser complained of.
#[derive(Debug, Clone, Deserialize)]
pub struct Heard {
    /// Origins that were asked for anything.
    pub origins: Vec<String>,
    /// Refusals by a content security policy, failed loads, messages of scripts.
    pub complaints: Vec<String>,
}

/// What the keyboard reaches.
#[derive(Debug, Clone, Deserialize)]
pub struct Keyboard {
    /// How many places Tab comes to.
    pub reached: usize,
    /// Controls that it does not come to.
    pub unreached: Vec<String>,
    /// Controls that do not show that they have the focus.
    pub unmarked: Vec<String>,
}

impl Browser {
    /// Starts Chromium and waits until it takes steps.
    ///
    /// # Errors
    /// When it ends or does not start in time.
    pub async fn start(modules: &Modules, folder: &Path, tls: &Tls) -> Result<Self> {
        let script = modules.script("browse.mjs", folder)?;
        let socket = folder.join("browser.sock");
        let process = Process::start(ProcessSpec {
            name: "browser".to_owned(),
            program: "node".into(),
            args: vec![
                script.into(),
                socket.clone().into(),
                tls.certificate.clone().into(),
                folder.join("profile").into(),
            ],
            // Chromium writes beside its profile too: nothing of it is to stay in anybody's home.
            env: vec![("HOME".to_owned(), folder.display().to_string())],
            log: folder.join("browser.log"),
        })?;
        let connecting = async {
            loop {
                if let Ok(stream) = UnixStream::connect(&socket).await {
                    return Ok(stream);
                }
                if let Some(status) = process.exited() {
                    return Err(process.ended_error(status));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let stream = in_time("the browser to start", connecting).await?;
        Ok(Self {
            stream: Mutex::new(Some(BufReader::new(stream))),
            process,
        })
    }

    /// Does one step as somebody and returns what the script says of it.
    ///
    /// # Errors
    /// [`ControlPlaneError::Malformed`] with the script's words when it cannot be done.
    pub async fn act(&self, person: &str, act: &str, given: Value) -> Result<Value> {
        let mut step = given;
        step["as"] = json!(person);
        step["act"] = json!(act);
        let what = format!("{person}: {act} {step}");
        let line = format!("{step}\n");
        let exchange = async {
            let mut stream = self.stream.lock().await;
            let Some(stream) = stream.as_mut() else {
                return Err(malformed(&what)("the browser was hung up on"));
            };
            stream
                .get_mut()
                .write_all(line.as_bytes())
                .await
                .map_err(io(&what))?;
            let mut answer = String::new();
            stream.read_line(&mut answer).await.map_err(io(&what))?;
            if let Some(status) = self.process.exited() {
                return Err(self.process.ended_error(status));
            }
            let answer: Value = serde_json::from_str(&answer).map_err(malformed(&what))?;
            match answer["error"].as_str() {
                Some(error) => Err(malformed(&what)(error)),
                None => Ok(answer["done"].clone()),
            }
        };
        in_time(&what, exchange).await
    }

    /// As [`act`](Self::act), for what ends on a page.
    ///
    /// # Errors
    /// As there.
    pub async fn page(&self, person: &str, act: &str, given: Value) -> Result<Page> {
        said(self.act(person, act, given).await?)
    }

    /// Opens an address.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub async fn visit(&self, person: &str, url: &str) -> Result<Page> {
        self.page(person, "visit", json!({"url": url})).await
    }

    /// Follows the link with these words, by keyboard.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub async fn follow(&self, person: &str, text: &str) -> Result<Page> {
        self.page(person, "follow", json!({"text": text})).await
    }

    /// Fills fields and presses a button, by keyboard.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub async fn submit(&self, person: &str, button: &str, fields: Value) -> Result<Page> {
        self.page(
            person,
            "submit",
            json!({"button": button, "fields": fields}),
        )
        .await
    }

    /// What pages of this person loaded and complained of since the last time.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub async fn heard(&self, person: &str) -> Result<Heard> {
        said(self.act(person, "heard", json!({})).await?)
    }

    /// What the keyboard reaches on the page a person is on.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub async fn keyboard(&self, person: &str) -> Result<Keyboard> {
        said(self.act(person, "keyboard", json!({})).await?)
    }

    /// What axe-core finds against WCAG 2.2 A and AA on the page a person is on, one line a rule.
    ///
    /// # Errors
    /// As [`act`](Self::act).
    pub async fn axe(&self, person: &str) -> Result<Vec<String>> {
        let found = self.act(person, "axe", json!({})).await?;
        said(found["violations"].clone())
    }
}

fn said<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(malformed("what the browser said"))
}

async fn in_time<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let timed_out = |_| ControlPlaneError::TimedOut {
        what: what.to_owned(),
        limit: LIMIT,
    };
    tokio::time::timeout(LIMIT, work).await.map_err(timed_out)?
}
