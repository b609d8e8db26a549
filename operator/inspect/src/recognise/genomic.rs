//! Binary genomic formats, by magic and by what must follow it. Sources: hts-specs (SAM, CRAM, VCF, tabix, CSI), PLINK 1.9
//! and 2 file formats, the BGEN specification.

use crate::bytes::{u16_le, u32_le};
use crate::kind::Kind;

/// PLINK 1 bed: magic and mode (01 variant-major, 00 sample-major).
const PLINK_BED: [&[u8]; 2] = [b"\x6c\x1b\x01", b"\x6c\x1b\x00"];

/// Genomic kinds.
pub fn recognise(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"BAM\x01") {
        return Some(Kind::Bam);
    }
    if starts(b"CRAM") && head.get(4).is_some_and(|major| (1..=4).contains(major)) {
        return Some(Kind::Cram);
    }
    // BCF1 was `BCF\4`.
    if starts(b"BCF\x02") || starts(b"BCF\x04") {
        return Some(Kind::Bcf);
    }
    if starts(b"TBI\x01") {
        return Some(Kind::Tabix);
    }
    if starts(b"CSI\x01") || starts(b"CSI\x02") || starts(b"BAI\x01") {
        return Some(Kind::GenomicIndex);
    }
    if PLINK_BED.iter().any(|m| starts(m)) {
        return Some(Kind::PlinkBed);
    }
    if pgen(head) {
        return Some(Kind::PlinkPgen);
    }
    bgen(head).then_some(Kind::Bgen)
}

/// PLINK 2 pgen: magic, then a storage mode (01 and 00 are PLINK 1's).
fn pgen(head: &[u8]) -> bool {
    const MODES: [u8; 8] = [0x02, 0x03, 0x04, 0x10, 0x11, 0x20, 0x21, 0x30];
    head.starts_with(b"\x6c\x1b") && head.get(2).is_some_and(|mode| MODES.contains(mode))
}

/// BGEN: offset of the first variant, header length, variants, samples, magic (`bgen`, or zeros in old files), flags.
fn bgen(head: &[u8]) -> bool {
    let (Some(offset), Some(length)) = (u32_le(head, 0), u32_le(head, 4)) else {
        return false;
    };
    let magic = head.get(16..20);
    let zero = u32_le(head, 16) == Some(0);
    if length < 20 || length > offset || length > (1 << 20) {
        return false;
    }
    let flags = u32_le(head, length as usize);
    // Compression 0..2 in bits 0-1, layout 1..2 in bits 2-5.
    let sensible = flags.is_some_and(|f| f & 0b11 <= 2 && matches!((f >> 2) & 0b1111, 1 | 2));
    magic == Some(b"bgen") || (zero && sensible && plausible_old(head, offset))
}

/// An old BGEN file without its magic: counts that are not empty, and a first variant that could be one.
fn plausible_old(head: &[u8], offset: u32) -> bool {
    let at = (offset as usize).saturating_add(4);
    let (variants, samples) = (u32_le(head, 8), u32_le(head, 12));
    let counted = variants.is_some_and(|n| n > 0) && samples.is_some_and(|n| n > 0);
    let id = u16_le(head, at).map_or(usize::MAX, usize::from);
    let start = at.saturating_add(2);
    let text = head.get(start..start.saturating_add(id.min(64)));
    counted && id < 4096 && text.is_some_and(|t| t.iter().all(|b| (32..127).contains(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plink_and_bgen_need_more_than_luck() {
        assert_eq!(recognise(b"\x6c\x1b\x01\xdc"), Some(Kind::PlinkBed));
        assert_eq!(recognise(b"\x6c\x1b\x00\xdc"), Some(Kind::PlinkBed));
        assert_eq!(recognise(b"\x6c\x1b\x10\x01\0\0\0"), Some(Kind::PlinkPgen));
        assert_eq!(recognise(b"\x6c\x1b\x77"), None);
        let mut bgen = Vec::new();
        for n in [20_u32, 20, 7, 9] {
            bgen.extend(n.to_le_bytes());
        }
        let mut old = bgen.clone();
        bgen.extend(b"bgen");
        bgen.extend(0b1001_u32.to_le_bytes());
        assert_eq!(recognise(&bgen), Some(Kind::Bgen));
        old.extend([0; 4]);
        old.extend(0b1001_u32.to_le_bytes());
        old.extend(3_u16.to_le_bytes());
        old.extend(b"rs1");
        assert_eq!(recognise(&old), Some(Kind::Bgen));
        assert_eq!(recognise(&[0; 64]), None);
        assert_eq!(recognise(&[20; 64]), None);
    }
}
