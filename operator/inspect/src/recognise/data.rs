//! Containers of tables and arrays, and programs.

use crate::bytes::find;
use crate::kind::Kind;

/// HDF5's signature.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Containers of tables and arrays; programs.
pub fn recognise(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if hdf5(head) {
        let anndata = find(head, b"anndata").is_some() || find(head, b"encoding-type").is_some();
        return Some(if anndata { Kind::AnnData } else { Kind::Hdf5 });
    }
    if starts(b"PAR1") || starts(b"PARE") {
        return Some(Kind::Parquet);
    }
    if starts(b"ARROW1\0\0") || starts(b"FEA1") || starts(b"\xff\xff\xff\xff\x10\x01\0\0") {
        return Some(Kind::Arrow);
    }
    if starts(b"\x93NUMPY") {
        return Some(Kind::Numpy);
    }
    if starts(b"SQLite format 3\0") {
        return Some(Kind::Sqlite);
    }
    if head.get(8..12) == Some(b"DUCK") {
        return Some(Kind::DuckDb);
    }
    // R's serialisation (binary XDR, ascii), and the same inside RData.
    if starts(b"X\n\0\0\0") || starts(b"RDX2\n") || starts(b"RDX3\n") || starts(b"A\n2\n") {
        return Some(Kind::RData);
    }
    if statistics(head) {
        return Some(Kind::StatisticsPackage);
    }
    program(head).then_some(Kind::Executable)
}

/// The signature is at 0, 512, 1024, 2048, and so on: a user block may come first.
fn hdf5(head: &[u8]) -> bool {
    let at = |offset: usize| head.get(offset..).is_some_and(|h| h.starts_with(HDF5));
    at(0)
        || std::iter::successors(Some(512_usize), |o| o.checked_mul(2))
            .take_while(|o| *o < head.len())
            .any(at)
}

/// Stata (new and old), SAS, SPSS, MATLAB 5, MATLAB 7.3 (HDF5 behind a user block).
fn statistics(head: &[u8]) -> bool {
    const SAS: &[u8] = b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60";
    head.starts_with(b"<stata_dta>")
        || head.starts_with(SAS)
        || head.starts_with(b"HEADER RECORD*******LIBRARY")
        || head.starts_with(b"$FL2")
        || head.starts_with(b"$FL3")
        || head.starts_with(b"MATLAB 5.0 MAT-file")
        || stata_old(head)
}

/// Stata 8 to 12: release, byte order, file type, unused.
fn stata_old(head: &[u8]) -> bool {
    matches!(head.get(..4), Some([0x71..=0x73, 1 | 2, 1, 0]))
}

/// ELF, Mach-O, PE, WebAssembly, Java, Python bytecode.
fn program(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 8] = [
        b"\x7fELF",
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xcf",
        b"\xfe\xed\xfa\xce",
        b"\xca\xfe\xba\xbe",
        b"\0asm\x01",
        b"dex\n03",
    ];
    let pe = head.starts_with(b"MZ") && find(head, b"PE\0\0").is_some();
    // Python 3: a magic number and CR LF, then flags.
    let pyc = head.get(2..4) == Some(b"\r\n") && head.get(5..8) == Some(b"\0\0\0");
    pe || pyc || MAGICS.iter().any(|m| head.starts_with(m))
}
