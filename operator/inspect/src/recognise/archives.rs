//! Compressed, encrypted and archived bytes. Sources: RFC 1952, RFC 1950, BGZF in SAMv1, APPNOTE 6.3, POSIX ustar, 7zFormat,
//! the age and Crypt4GH specifications, RFC 9580.

use crate::bytes::{find, u16_be, u32_le};
use crate::kind::Kind;

/// Where a tar header has its magic.
const USTAR: usize = 257;

/// Compressed, encrypted, archived.
pub fn recognise(head: &[u8]) -> Option<Kind> {
    encrypted(head)
        .or_else(|| opened(head))
        .or_else(|| other(head).then_some(Kind::OtherCompressed))
}

fn encrypted(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"crypt4gh") {
        return Some(Kind::Crypt4gh);
    }
    if starts(b"age-encryption.org/v1") || starts(b"-----BEGIN AGE ENCRYPTED FILE-----") {
        return Some(Kind::Age);
    }
    if starts(b"-----BEGIN PGP MESSAGE-----") || pgp(head) {
        return Some(Kind::Pgp);
    }
    if starts(b"LUKS\xba\xbe") {
        return Some(Kind::Luks);
    }
    starts(b"Salted__").then_some(Kind::OpensslSalted)
}

/// A binary OpenPGP message that begins with a session key packet (types 1 and 3) of version 3 to 6.
fn pgp(head: &[u8]) -> bool {
    let (Some(tag), Some(one), Some(two)) = (head.first(), head.get(1), head.get(2)) else {
        return false;
    };
    match tag {
        // New format, one-octet length.
        0xc1 | 0xc3 => *one < 192 && *one > 8 && (3..=6).contains(two),
        // Old format: one-octet length, then two octets.
        0x84 | 0x8c => *one > 8 && (3..=6).contains(two),
        0x85 => u16_be(head, 1).is_some_and(|n| (64..2048).contains(&n)) && head.get(3) == Some(&3),
        _ => false,
    }
}

fn opened(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"\x1f\x8b\x08") {
        return Some(if bgzf(head) { Kind::Bgzf } else { Kind::Gzip });
    }
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") || starts(b"PK\x07\x08PK") {
        return Some(zip(head));
    }
    if starts(b"7z\xbc\xaf\x27\x1c") {
        return Some(Kind::SevenZip);
    }
    if starts(b"\xfd7zXZ\x00") {
        return Some(Kind::Xz);
    }
    if starts(b"BZh") && head.get(4..10) == Some(b"1AY&SY") {
        return Some(Kind::Bzip2);
    }
    // A frame, or one that decoders skip.
    let skippable = u32_le(head, 0).is_some_and(|m| (0x184d_2a50..=0x184d_2a5f).contains(&m));
    if starts(b"\x28\xb5\x2f\xfd") || skippable {
        return Some(Kind::Zstd);
    }
    if tar(head) {
        return Some(Kind::Tar);
    }
    // The usual levels of a 32 KiB window; the checksum of the two bytes is a multiple of 31.
    let zlib = [b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"];
    zlib.iter().any(|m| starts(*m)).then_some(Kind::Zlib)
}

/// gzip with an extra field `BC` of two bytes.
fn bgzf(head: &[u8]) -> bool {
    head.get(3).is_some_and(|flags| flags & 4 != 0) && head.get(12..16) == Some(b"BC\x02\x00")
}

/// A header block whose checksum is right: with the magic of ustar, or of before it.
pub fn tar(head: &[u8]) -> bool {
    let Some(block) = head.get(..512) else {
        return false;
    };
    let magic = block.get(USTAR..USTAR + 5) == Some(b"ustar");
    let stored = block.get(148..156).and_then(octal);
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(i, b)| u64::from(if (148..156).contains(&i) { b' ' } else { *b }))
        .sum();
    block.first() != Some(&0) && (stored == Some(sum) || magic)
}

/// A number in octal digits.
pub fn octal(field: &[u8]) -> Option<u64> {
    let digits: Vec<u8> = field
        .iter()
        .copied()
        .skip_while(|b| *b == b' ')
        .take_while(|b| (b'0'..=b'7').contains(b))
        .collect();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, d| {
        n.checked_mul(8)?.checked_add(u64::from(d - b'0'))
    })
}

/// A zip by what its first entries are called.
fn zip(head: &[u8]) -> Kind {
    let has = |name: &[u8]| find(head, name).is_some();
    if has(b"[Content_Types].xml") || has(b"mimetypeapplication/vnd.oasis.opendocument") {
        Kind::Office
    } else if has(b"/data.pkl") {
        Kind::TorchZip
    } else {
        Kind::Zip
    }
}

/// lz4, RAR, compress, ar, cpio, cabinet, squashfs, zpaq, lzip, LZMA alone, lrzip.
fn other(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 12] = [
        b"\x04\x22\x4d\x18",
        b"\x02\x21\x4c\x18",
        b"Rar!\x1a\x07",
        b"\x1f\x9d",
        b"!<arch>\n",
        b"070701",
        b"MSCF\0\0\0\0",
        b"hsqs",
        b"7kSt",
        b"LZIP\x01",
        b"\x5d\x00\x00\x80\x00",
        b"LRZI",
    ];
    MAGICS.iter().any(|m| head.starts_with(m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_numbers_are_bounded() {
        assert_eq!(octal(b" 0001750\0"), Some(0o1750));
        assert_eq!(octal(b"\0\0"), None);
        assert_eq!(octal(&[b'7'; 30]), None);
    }

    #[test]
    fn encryption_is_seen() {
        assert_eq!(recognise(b"crypt4gh\x01\0\0\0"), Some(Kind::Crypt4gh));
        assert_eq!(
            recognise(b"age-encryption.org/v1\n-> X25519"),
            Some(Kind::Age)
        );
        assert_eq!(recognise(b"\x85\x01\x0c\x03abc"), Some(Kind::Pgp));
        assert_eq!(recognise(b"Salted__12345678"), Some(Kind::OpensslSalted));
        assert_eq!(recognise(b"Salted peanuts"), None);
    }
}
