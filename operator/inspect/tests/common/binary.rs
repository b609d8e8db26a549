//! Binary formats as their specifications lay them out. Real tools' output is the end-to-end suite's.

use super::people;

/// Blocks of at most 64 KiB, each a gzip member with its size in a field `BC`, and the empty block at the end (SAMv1 §4.1).
pub fn bgzf(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in content.chunks(0xff00).chain(std::iter::once(&[][..])) {
        let plain = super::wrap::gzip(block);
        let deflated = &plain[10..];
        let mut member = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0".to_vec();
        member.extend(((18 + deflated.len() - 1) as u16).to_le_bytes());
        member.extend(deflated);
        bytes.extend(member);
    }
    bytes
}

/// A header and one alignment (SAMv1 §4.2).
pub fn bam() -> Vec<u8> {
    let header = b"@HD\tVN:1.6\n@SQ\tSN:chr2\tLN:1000\n";
    let mut bytes = b"BAM\x01".to_vec();
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header);
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(5_u32.to_le_bytes());
    bytes.extend(b"chr2\0");
    bytes.extend(1000_u32.to_le_bytes());
    bytes.extend(super::Dice(9).bytes(600));
    bgzf(&bytes)
}

/// A header and records (BCFv2.2).
pub fn bcf() -> Vec<u8> {
    let header = people::vcf_header(true);
    let mut bytes = b"BCF\x02\x02".to_vec();
    bytes.extend((header.len() as u32 + 1).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.push(0);
    bytes.extend(super::Dice(10).bytes(600));
    bgzf(&bytes)
}

pub fn cram() -> Vec<u8> {
    let mut bytes = b"CRAM\x03\x00".to_vec();
    bytes.extend([0; 20]);
    bytes.extend(super::Dice(1).bytes(2000));
    bytes
}

pub fn bed() -> Vec<u8> {
    let mut bytes = b"\x6c\x1b\x01".to_vec();
    bytes.extend(super::Dice(2).bytes(500));
    bytes
}

pub fn pgen() -> Vec<u8> {
    let mut bytes = b"\x6c\x1b\x10\x28\0\0\0\x1e\0\0\0\x44".to_vec();
    bytes.extend(super::Dice(2).bytes(500));
    bytes
}

pub fn bgen() -> Vec<u8> {
    let mut bytes = Vec::new();
    for n in [20_u32, 20, 40, 30] {
        bytes.extend(n.to_le_bytes());
    }
    bytes.extend(b"bgen");
    bytes.extend(0b1001_u32.to_le_bytes());
    bytes.extend(super::Dice(4).bytes(800));
    bytes
}

pub fn crypt4gh() -> Vec<u8> {
    let mut bytes = b"crypt4gh\x01\0\0\0\x01\0\0\0".to_vec();
    bytes.extend(super::Dice(5).bytes(900));
    bytes
}

pub fn age() -> Vec<u8> {
    let mut bytes =
        b"age-encryption.org/v1\n-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n".to_vec();
    bytes.extend(super::Dice(6).bytes(900));
    bytes
}

pub fn hdf5(names: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0".to_vec();
    bytes.extend([0; 60]);
    bytes.extend(names);
    bytes.extend([0; 900]);
    bytes
}

pub fn pickle() -> Vec<u8> {
    let mut bytes = b"\x80\x04\x95\x2e\0\0\0\0\0\0\0\x8c\x15sklearn.linear_model".to_vec();
    bytes.extend(super::Dice(8).bytes(300));
    bytes.push(b'.');
    bytes
}

pub fn safetensors() -> Vec<u8> {
    let header = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend([0, 0, 128, 63, 0, 0, 0, 64]);
    bytes
}
