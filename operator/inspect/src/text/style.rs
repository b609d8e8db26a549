//! Markdown, source code or neither, by how lines begin and end. Only names the kind: the rules are the same for all.

use crate::kind::Kind;

/// Lines that look like either.
#[derive(Default)]
pub struct Style {
    lines: u64,
    markdown: u64,
    code: u64,
    shebang: bool,
}

/// Beginnings of lines of code in the languages of research.
const CODE: [&[u8]; 32] = [
    b"import ",
    b"from ",
    b"def ",
    b"class ",
    b"return",
    b"library(",
    b"require(",
    b"#include",
    b"fn ",
    b"let ",
    b"const ",
    b"var ",
    b"for ",
    b"for(",
    b"if ",
    b"if(",
    b"else",
    b"while ",
    b"SELECT ",
    b"select ",
    b"FROM ",
    b"WHERE ",
    b"use ",
    b"pub ",
    b"print(",
    b"with ",
    b"try",
    b"except",
    b"function",
    b"end",
    b"//",
    b"}",
];

/// Beginnings of lines of Markdown.
const MARKDOWN: [&[u8]; 12] = [
    b"# ", b"## ", b"### ", b"#### ", b"- ", b"* ", b"> ", b"```", b"| ", b"|-", b"1. ", b"![",
];

impl Style {
    /// One line.
    pub fn line(&mut self, line: &[u8]) {
        self.shebang |= self.lines == 0 && line.starts_with(b"#!");
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        self.lines += 1;
        self.markdown += u64::from(MARKDOWN.iter().any(|m| line.starts_with(m)));
        let ends = matches!(line.last(), Some(b';' | b'{' | b'}' | b')' | b':'));
        let assigns = crate::bytes::find(line, b" <- ").is_some()
            || crate::bytes::find(line, b" = ").is_some()
            || crate::bytes::find(line, b" %>% ").is_some();
        let begins = CODE.iter().any(|c| line.starts_with(c));
        self.code += u64::from(begins || ends && assigns || assigns && !line.ends_with(b"."));
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        if self.shebang || (self.code * 4 > self.lines && self.code > self.markdown) {
            Kind::Code
        } else if self.markdown * 20 > self.lines && self.markdown > 0 {
            Kind::Markdown
        } else {
            Kind::Text
        }
    }
}
