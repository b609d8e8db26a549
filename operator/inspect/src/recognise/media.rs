//! Images and documents that are not text.

use crate::kind::Kind;

/// Images and documents.
pub fn recognise(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::Png);
    }
    if starts(b"\xff\xd8\xff") {
        return Some(Kind::Jpeg);
    }
    if starts(b"%PDF-") {
        return Some(Kind::Pdf);
    }
    // OLE2: Word, Excel and PowerPoint before 2007.
    if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(Kind::Office);
    }
    other(head).then_some(Kind::OtherMedia)
}

/// GIF, TIFF, WebP, WAV, AVI, BMP, ISO media (MP4, HEIF), Matroska, Ogg, FLAC, MP3, icons, Photoshop, PostScript.
fn other(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 13] = [
        b"GIF87a",
        b"GIF89a",
        b"II*\0",
        b"MM\0*",
        b"\x1a\x45\xdf\xa3",
        b"OggS",
        b"fLaC",
        b"ID3",
        b"\0\0\x01\0",
        b"8BPS",
        b"%!PS",
        b"II+\0",
        b"MM\0+",
    ];
    let riff =
        head.starts_with(b"RIFF") && matches!(head.get(8..12), Some(b"WEBP" | b"WAVE" | b"AVI "));
    // Length of the file, then four reserved zeros.
    let bmp = head.starts_with(b"BM") && head.get(6..10) == Some(b"\0\0\0\0");
    let iso = head.get(4..8) == Some(b"ftyp");
    riff || bmp || iso || MAGICS.iter().any(|m| head.starts_with(m))
}
