//! Magics that are long enough to be looked for at any offset: what begins there is tried, and counts only when it holds.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::kind::Kind;

/// Magic, what it may begin, and how many bytes before it that begins.
const MAGICS: [(&[u8], Kind, u64); 26] = [
    (b"BAM\x01", Kind::Bam, 0),
    (b"CRAM\x02", Kind::Cram, 0),
    (b"CRAM\x03", Kind::Cram, 0),
    (b"BCF\x02\x01", Kind::Bcf, 0),
    (b"BCF\x02\x02", Kind::Bcf, 0),
    (b"##fileformat=VCF", Kind::Vcf, 0),
    (b"crypt4gh\x01\0\0\0", Kind::Crypt4gh, 0),
    (b"age-encryption.org/v1\n-> ", Kind::Age, 0),
    (b"LUKS\xba\xbe\0", Kind::Luks, 0),
    (b"Salted__", Kind::OpensslSalted, 0),
    (b"\x1f\x8b\x08\x04", Kind::Bgzf, 0),
    (b"\x1f\x8b\x08\x00", Kind::Gzip, 0),
    (b"\x1f\x8b\x08\x08", Kind::Gzip, 0),
    (b"PK\x03\x04", Kind::Zip, 0),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip, 0),
    (b"\xfd7zXZ\0", Kind::Xz, 0),
    (b"1AY&SY", Kind::Bzip2, 4),
    (b"\x28\xb5\x2f\xfd", Kind::Zstd, 0),
    (b"Rar!\x1a\x07", Kind::OtherCompressed, 0),
    (b"ustar\x0000", Kind::Tar, 257),
    (b"ustar  \0", Kind::Tar, 257),
    (b"\x89HDF\r\n\x1a\n", Kind::Hdf5, 0),
    (b"SQLite format 3\0", Kind::Sqlite, 0),
    (b"\x93NUMPY", Kind::Numpy, 0),
    (b"\x89PNG\r\n\x1a\n", Kind::Png, 0),
    (b"%PDF-1.", Kind::Pdf, 0),
];

/// The longest magic and how far it can begin before where it is seen, so that windows can overlap.
pub const OVERLAP: usize = 512;

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .build(MAGICS.iter().map(|(magic, _, _)| magic))
        .ok()
});

/// Every magic in `window`: what may begin, where its magic ends in the window, and how far before that end it begins.
pub fn find(window: &[u8]) -> impl Iterator<Item = (Kind, usize, u64)> + '_ {
    let finder = FINDER.as_ref();
    finder
        .into_iter()
        .flat_map(move |f| f.find_iter(window))
        .filter_map(|hit| {
            let (magic, kind, before) = MAGICS.get(hit.pattern().as_usize())?;
            Some((*kind, hit.end(), before + magic.len() as u64))
        })
}

/// Whether the magics could be compiled; a test keeps this true, so that a silent `None` cannot be.
#[cfg(test)]
pub fn ready() -> bool {
    FINDER.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magics_are_found_where_they_begin() {
        assert!(ready());
        let found: Vec<_> = find(b"xxBAM\x01yyyyBZh91AY&SY").collect();
        assert_eq!(found, [(Kind::Bam, 6, 4), (Kind::Bzip2, 20, 10)]);
        assert!(
            MAGICS
                .iter()
                .all(|(m, _, before)| m.len() + *before as usize <= OVERLAP)
        );
    }
}
