//! What researchers, and others, put round a file. The writers are other people's.

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use zip::write::SimpleFileOptions;

use super::results;

/// A wrapper and its name.
pub type Wrap = (&'static str, fn(&[u8]) -> Vec<u8>);

/// All of them.
pub const WRAPS: [Wrap; 13] = [
    ("gzip", gzip),
    ("gzip twice", |b| gzip(&gzip(b))),
    ("bgzf", super::binary::bgzf),
    ("zlib", zlib),
    ("zip", zip),
    ("zip, stored", zip_stored),
    ("tar", tar),
    ("tar.gz", |b| gzip(&tar(b))),
    ("zip in tar", |b| tar(&zip(b))),
    ("7z", seven),
    ("base64 in a text", base64),
    ("after a PNG", |b| [results::plot(), b.to_vec()].concat()),
    ("after a PDF", |b| [pdf(), b.to_vec()].concat()),
];

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

pub fn zlib(content: &[u8]) -> Vec<u8> {
    let mut writer = ZlibEncoder::new(Vec::new(), Compression::default());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

pub fn zip_named(name: &str, content: &[u8], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, options).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

pub fn zip(content: &[u8]) -> Vec<u8> {
    zip_named("table1.csv", content, SimpleFileOptions::default())
}

pub fn zip_stored(content: &[u8]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip_named("table1.csv", content, options)
}

pub fn tar(content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut writer = tar::Builder::new(Vec::new());
    writer
        .append_data(&mut header, "table1.csv", content)
        .unwrap();
    writer.into_inner().unwrap()
}

pub fn seven(content: &[u8]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let entry = ArchiveEntry::new_file("table1.csv");
    writer.push_archive_entry(entry, Some(content)).unwrap();
    writer.finish().unwrap().into_inner()
}

/// In lines of 76, under a sentence.
pub fn base64(content: &[u8]) -> Vec<u8> {
    let digits = STANDARD.encode(content);
    let mut text = String::from("The appendix follows.\n\n");
    for line in digits.as_bytes().chunks(76) {
        text.push_str(&format!("{}\n", String::from_utf8_lossy(line)));
    }
    text.into_bytes()
}

pub fn pdf() -> Vec<u8> {
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n".to_vec()
}
