//! A form with files (RFC 7578), taken as it arrives. Each file stands for itself: one that is refused is read to its end and thrown
//! away, since a browser shows no answer to a form that it could not send whole, and the others are kept.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::airlock::folder::PATH_MAX;
use crate::airlock::receive::FORM_MAX;
use crate::airlock::receive::arriving::Arriving;
use crate::airlock::receive::paced::{Ahead, Paced};
use crate::airlock::receive::path::target;
use crate::airlock::receive::patience::Activity;
use crate::airlock::receive::store::{Refused, Store};

/// A door that gives nothing for so long is gone: it gives up on its browser sooner.
const SILENCE: Duration = Duration::from_secs(120);
/// Pieces between the connection and the disk.
const UNDER_WAY: usize = 4;

/// What came of a form.
#[derive(Debug, Default)]
pub struct Came {
    /// Files that are there.
    pub kept: u64,
    /// Files that are not, by what they are called in the form.
    pub refused: Vec<(String, Refused)>,
}

/// Why a form has no end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Not such a form, or it breaks off.
    #[error("{0}")]
    Form(#[from] MultipartError),
    /// Not such a form at all.
    #[error("no form with files")]
    None,
    /// Nothing came any more.
    #[error("it came to a stop")]
    Silent(#[from] tokio::time::error::Elapsed),
    /// The thread that writes is gone.
    #[error("nobody writes")]
    Writer,
}

/// What is said to the thread that writes a file.
enum Part {
    Bytes(Bytes),
    /// That was all: without it, what was written is thrown away.
    Whole,
}

/// Takes all files of a form into the store.
///
/// # Errors
/// [`Broken`]; the files before are kept.
pub async fn take(
    request: Request,
    store: &Arc<Store>,
    activity: &Activity,
) -> Result<Came, Broken> {
    let ahead = Ahead::default();
    let paced = request.map(|body| Body::from_stream(Paced::new(body, FORM_MAX, ahead.clone())));
    let mut form = Multipart::from_request(paced, &())
        .await
        .map_err(|_| Broken::None)?;
    let mut came = Came::default();
    let mut folder = Some(String::new());
    while let Some(field) = timeout(SILENCE, form.next_field()).await?? {
        ahead.none();
        let mut reading = Reading {
            field,
            ahead: &ahead,
            activity,
        };
        match reading.field.name() {
            Some("folder") => folder = reading.text().await?,
            Some("file") => reading.file(folder.as_deref(), store, &mut came).await?,
            _ => drop(reading.first(0).await?),
        }
    }
    Ok(came)
}

/// A part of the form.
struct Reading<'a> {
    field: Field<'a>,
    ahead: &'a Ahead,
    activity: &'a Activity,
}

impl Reading<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        let chunk = timeout(SILENCE, self.field.chunk()).await??;
        self.ahead.none();
        self.activity.touch();
        Ok(chunk)
    }

    /// Its first bytes; nothing when there are more. It is read to its end.
    async fn first(&mut self, most: usize) -> Result<Option<Vec<u8>>, Broken> {
        let mut bytes = Some(Vec::new());
        while let Some(chunk) = self.chunk().await? {
            bytes = bytes.filter(|b| b.len() + chunk.len() <= most);
            if let Some(bytes) = &mut bytes {
                bytes.extend_from_slice(&chunk);
            }
        }
        Ok(bytes)
    }

    /// It as text; nothing when it is none, or no path is so long.
    async fn text(&mut self) -> Result<Option<String>, Broken> {
        let bytes = self.first(PATH_MAX).await?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    async fn file(
        &mut self,
        folder: Option<&str>,
        store: &Arc<Store>,
        came: &mut Came,
    ) -> Result<(), Broken> {
        let name = self.field.file_name().unwrap_or_default().to_owned();
        let Some(path) = folder.and_then(|folder| target(folder, &name)) else {
            // So a browser says that no file was chosen.
            let chosen = !name.is_empty() || self.first(0).await? != Some(Vec::new());
            if chosen {
                self.first(0).await?;
                came.refused.push((name, Refused::Name));
            }
            return Ok(());
        };
        let (to, from) = mpsc::channel(UNDER_WAY);
        let store = Arc::clone(store);
        let writer = tokio::task::spawn_blocking(move || write(&store, &path, from));
        while let Some(chunk) = self.chunk().await? {
            // Who does not listen any more has refused it, and will say why.
            let _ = to.send(Part::Bytes(chunk)).await;
        }
        let _ = to.send(Part::Whole).await;
        match writer.await.map_err(|_| Broken::Writer)? {
            Ok(()) => came.kept += 1,
            Err(why) => {
                if let Refused::Io(error) = &why {
                    tracing::error!(%error, "a file cannot be written");
                }
                came.refused.push((name, why));
            }
        }
        Ok(())
    }
}

/// Writes a file. When nobody says that it was whole, it is thrown away, and nobody asks why.
fn write(store: &Arc<Store>, path: &str, mut from: mpsc::Receiver<Part>) -> Result<(), Refused> {
    let mut arriving = Arriving::begin(store, path)?;
    loop {
        match from.blocking_recv() {
            Some(Part::Bytes(bytes)) => arriving.write(&bytes)?,
            Some(Part::Whole) => return arriving.keep(),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
