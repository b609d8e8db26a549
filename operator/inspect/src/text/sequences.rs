//! FASTQ and FASTA.

use crate::kind::Kind;

/// Bases above which sequence is held.
pub const LONG: u64 = 10_000;
/// Bases in a line that make it one of sequence.
const LINE: usize = 30;

/// Where in a FASTQ record the next line is.
#[derive(Default, Clone, Copy)]
enum Expect {
    #[default]
    Name,
    Bases,
    Plus(usize),
    Quality(usize),
}

/// What was seen.
#[derive(Default)]
pub struct Sequences {
    expect: Expect,
    records: u64,
    names: u64,
    bases: u64,
    lines: u64,
    base_lines: u64,
}

impl Sequences {
    /// One line.
    pub fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return;
        }
        self.lines += 1;
        self.names += u64::from(line.starts_with(b">"));
        let sequence = is_bases(line);
        if sequence && line.len() >= LINE {
            self.base_lines += 1;
            self.bases += line.len() as u64;
        }
        self.expect = match self.expect {
            Expect::Bases if sequence => Expect::Plus(line.len()),
            Expect::Plus(length) if line.starts_with(b"+") => Expect::Quality(length),
            Expect::Quality(length) if line.len() == length && length >= 10 => {
                self.records += 1;
                Expect::Name
            }
            // A record that went wrong may be the name of the next.
            _ if line.starts_with(b"@") && line.len() > 1 => Expect::Bases,
            _ => Expect::Name,
        };
    }

    /// FASTQ or FASTA.
    pub fn kind(&self) -> Option<Kind> {
        if self.records > 0 {
            return Some(Kind::Fastq);
        }
        let fasta = self.base_lines > 0 && self.base_lines + self.names == self.lines;
        (fasta && self.names > 0).then_some(Kind::Fasta)
    }

    /// Bases in lines of nothing else.
    pub fn bases(&self) -> u64 {
        self.bases
    }
}

/// Bases and what stands for some of them (IUPAC N only: words are made of the other letters).
pub fn is_bases(line: &[u8]) -> bool {
    !line.is_empty() && line.iter().all(|b| b"ACGTUNacgtun.".contains(b))
}
