//! Text, read line by line: what it is, and every rule that looks at text.

mod blobs;
mod lines;
mod markup;
pub mod odd;
mod patterns;
mod secrets;
mod sequences;
mod style;
mod tokens;
mod utf16;
mod variants;

use blobs::Blobs;
use lines::Lines;
use odd::Odd;
use secrets::Secrets;
use sequences::Sequences;
use style::Style;
use tokens::Tokens;
use utf16::Utf16;
use variants::Variants;

pub use patterns::{allele_pair, email, genotype, is_variant_key, person_code, postcode};

use crate::kind::Kind;
use crate::limits::Thresholds;
use crate::recognise::text::UTF16;
use crate::report::Place;
use crate::rules;
use crate::table::{Json, Tables};
use crate::walk::Walk;

/// One text under way.
pub struct Text {
    kind: Kind,
    begun: bool,
    utf16: Option<Utf16>,
    lines: Lines,
    parts: Parts,
}

/// Everything that looks at lines.
struct Parts {
    number: u64,
    blobs: Blobs,
    odd: Odd,
    secrets: Secrets,
    sequences: Sequences,
    style: Style,
    tables: Tables,
    json: Option<Json>,
    tokens: Tokens,
    variants: Variants,
    markup: markup::Markup,
}

impl Text {
    /// A text of a kind that its beginning says.
    pub fn new(kind: Kind, thresholds: &Thresholds) -> Self {
        Self {
            kind,
            begun: false,
            utf16: None,
            lines: Lines::default(),
            parts: Parts {
                number: 0,
                blobs: Blobs::default(),
                odd: Odd::default(),
                secrets: Secrets::default(),
                sequences: Sequences::default(),
                style: Style::default(),
                tables: Tables::new(thresholds),
                json: (kind == Kind::Json).then(Json::default),
                tokens: Tokens::new(thresholds),
                variants: Variants::default(),
                markup: markup::Markup::default(),
            },
        }
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.begun {
            self.begun = true;
            if UTF16.iter().any(|bom| bytes.starts_with(bom)) {
                self.utf16 = Some(Utf16::new(bytes.starts_with(b"\xfe\xff")));
            }
        }
        let parts = &mut self.parts;
        let mut each = |line: &[u8], first: bool| parts.line(line, first);
        match self.utf16.as_mut() {
            Some(utf16) => self.lines.push(utf16.push(bytes).as_bytes(), &mut each),
            None => self.lines.push(bytes, &mut each),
        }
    }

    /// All is read: what it is, with findings.
    pub fn finish(mut self, walk: &mut Walk<'_>, place: &Place) -> Kind {
        let parts = &mut self.parts;
        self.lines.end(&mut |line, first| parts.line(line, first));
        self.parts.finish(self.kind, walk, place)
    }
}

impl Parts {
    /// One line, or a further piece of one that is too long to be kept.
    fn line(&mut self, line: &[u8], first: bool) {
        if first {
            self.number += 1;
            self.variants.line(line);
            self.sequences.line(line);
            self.style.line(line);
            if self.json.is_none() {
                self.tables.line(line, self.number);
            }
        }
        self.odd.line(line, self.number);
        self.secrets.line(line, self.number);
        self.blobs.line(line, self.number);
        self.tokens.line(line, self.number);
        self.markup.line(line, self.number);
        if let Some(json) = self.json.as_mut() {
            json.push(line, first);
        }
    }

    fn finish(mut self, kind: Kind, walk: &mut Walk<'_>, place: &Place) -> Kind {
        if let Some(mut json) = self.json.take() {
            json.rows(|row, number| self.tables.row(row, number));
            if let Some(why) = json.unread() {
                walk.findings.unread(place, why);
            }
            if let Some(acro) = json.acro {
                acro.judge(walk, place);
            }
        }
        if kind != Kind::Unknown {
            self.odd.finish(walk, place);
        }
        self.secrets.finish(walk, place);
        self.markup.finish(kind, walk, place);
        let genomic = self.variants.finish().or_else(|| self.sequences.kind());
        let described = match kind {
            Kind::Text => self.style.kind(),
            other => other,
        };
        let table = self
            .tables
            .finish(described, genomic.is_none(), walk, place);
        let kind = genomic.or(table).unwrap_or(described);
        if let Some(rule) = kind.rule().filter(|_| kind != Kind::Unknown) {
            walk.findings.add(rule, &place.offset(0), kind.name());
        }
        self.tokens.finish(kind, walk, place);
        let bases = self.sequences.bases().max(self.tokens.bases());
        if bases > sequences::LONG && kind != Kind::Sam && kind != Kind::Fastq {
            let what = format!("{bases} bases");
            walk.findings.add(&rules::I011, place, what);
        }
        self.blobs.finish(walk, place);
        kind
    }
}
