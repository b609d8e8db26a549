//! One file of the chamber, open, and the page that shows a part of it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use axum::response::Html;
use maud::{Markup, html};
use sde_core::airlock::manifest::{SealedFile, file_name};
use sde_inspect::{Class, Delimiter, Kind, recognise};
use serde::Deserialize;

use crate::airlock::chamber::Chamber;
use crate::airlock::folder::Folder;
use crate::airlock::view::looked::FileReport;
use crate::airlock::view::picture::{self, NoPicture};
use crate::airlock::view::{bytes, findings, table, text};
use crate::page::page;

/// Bytes that a page shows.
pub const WINDOW: u64 = 32 << 10;
/// Bytes of a file's beginning from which it is recognised.
const HEAD: u64 = 64 << 10;

/// How a part of a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum As {
    /// Lines split into cells.
    Table,
    /// Lines.
    Text,
    /// Drawn anew.
    Image,
    /// The first bytes.
    Hex,
}

/// A file, and what it begins like.
pub struct Opened {
    sealed: SealedFile,
    file: File,
    head: Vec<u8>,
    kind: Kind,
    delimiter: Option<Delimiter>,
}

impl Opened {
    /// Opens a file as it was sealed: regular, of that size, with no name more.
    ///
    /// # Errors
    /// When it is not there like that.
    pub fn of(chamber: &Chamber, sealed: &SealedFile) -> io::Result<Self> {
        let content = Folder::open(&chamber.content())?;
        let mut file = content.file(&file_name(sealed.number))?;
        let what = file.metadata()?;
        if !what.is_file() || what.nlink() != chamber.links() || what.size() != sealed.size {
            return Err(io::Error::other("not what was sealed"));
        }
        let mut head = Vec::new();
        (&mut file).take(HEAD).read_to_end(&mut head)?;
        let kind = recognise(&head, head.len() as u64 == sealed.size);
        let delimiter = table::delimiter(&head);
        Ok(Self {
            sealed: sealed.clone(),
            file,
            head,
            kind,
            delimiter,
        })
    }

    /// The image, drawn anew.
    ///
    /// # Errors
    /// [`NoPicture`].
    pub fn picture(self) -> Result<Vec<u8>, NoPicture> {
        picture::redraw(self.file)
    }

    /// One page of it; none when there is no such page.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn page(
        &mut self,
        how: Option<As>,
        number: u64,
        files: usize,
        report: Option<&FileReport>,
    ) -> io::Result<Option<Html<String>>> {
        let ways = self.ways();
        let how = how.filter(|h| ways.contains(h)).unwrap_or(ways[0]);
        let pages = match how {
            As::Table | As::Text => self.sealed.size.div_ceil(WINDOW).max(1),
            As::Image | As::Hex => 1,
        };
        if number >= pages {
            return Ok(None);
        }
        let shown = match (how, self.delimiter) {
            (As::Table, Some(delimiter)) => {
                table::show(&table::part(&mut self.file, number * WINDOW)?, delimiter)
            }
            (As::Text | As::Table, _) => text::show(&text::part(&mut self.file, number * WINDOW)?),
            (As::Image, _) => picture::show(self.sealed.number),
            (As::Hex, _) => bytes::show(&self.head),
        };
        let this = self.sealed.number;
        let main = html! {
            nav aria-label="Files" { ul {
                li { a href="../../" { "All files" } }
                @if let Some(before) = this.checked_sub(1) {
                    li { a href={ "../" (before) "/" } { "File " (before) } }
                }
                @if this + 1 < files as u64 {
                    li { a href={ "../" (this + 1) "/" } { "File " (this + 1) } }
                }
            } }
            h1 { "File " (this) ": " (text::visible(self.sealed.path.as_bytes())) }
            (self.facts(report))
            @if let Some(report) = report {
                h2 { "What was found" }
                (findings::table(&report.findings))
            }
            h2 { "Content" }
            (ways_bar(&ways, how))
            (pages_bar(how, number, pages, "Pages, above"))
            (shown)
            (pages_bar(how, number, pages, "Pages, below"))
        };
        Ok(Some(page(&format!("File {this}"), &main)))
    }

    fn facts(&self, report: Option<&FileReport>) -> Markup {
        html! {
            dl {
                dt { "Size" } dd { (self.sealed.size) " bytes" }
                dt { "SHA-256" } dd { (self.sealed.sha256) }
                dt { "Begins like" } dd { (self.kind.name()) }
                dt { "Recognised as" }
                dd { @match report { Some(report) => (report.kind()), None => "not scanned" } }
            }
        }
    }

    /// The ways in which it can be shown, the best first.
    fn ways(&self) -> Vec<As> {
        if self.kind.class() == Class::Image {
            vec![As::Image, As::Hex, As::Text]
        } else if !text::is_text(&self.head) {
            // What is no text can hold some.
            vec![As::Hex, As::Text]
        } else if self.delimiter.is_some() {
            vec![As::Table, As::Text, As::Hex]
        } else {
            vec![As::Text, As::Hex]
        }
    }
}

impl As {
    fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Text => "text",
            Self::Image => "image",
            Self::Hex => "hex",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Table => "Table",
            Self::Text => "Text",
            Self::Image => "Image, drawn anew",
            Self::Hex => "First bytes",
        }
    }
}

fn ways_bar(ways: &[As], how: As) -> Markup {
    html! {
        nav aria-label="Ways to show it" { ul {
            @for way in ways {
                li {
                    @if *way == how { strong aria-current="true" { (way.label()) } }
                    @else { a href={ "?as=" (way.word()) } { (way.label()) } }
                }
            }
        } }
    }
}

fn pages_bar(how: As, number: u64, pages: u64, label: &str) -> Markup {
    let to = |page: u64, words: &str| {
        html! { li { a href={ "?as=" (how.word()) "&page=" (page) } { (words) } } }
    };
    html! {
        @if pages > 1 {
            nav aria-label=(label) { ul {
                @if number > 0 {
                    (to(0, "First page"))
                    (to(number - 1, "Page before"))
                }
                li { "Page " (number + 1) " of " (pages) }
                @if number + 1 < pages {
                    (to(number + 1, "Next page"))
                    (to(pages - 1, "Last page"))
                }
            } }
        }
    }
}

/// Up to `length` bytes from there.
pub fn read_at(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
