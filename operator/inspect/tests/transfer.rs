//! What goes to another environment: genomic formats are known by their content, and what is not encrypted is blocked.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::io::Cursor;

use common::{Dice, binary, people, results, wrap};
use sde_inspect::{
    DeclaredFile, Direction, Folder, Kind, Limits, Report, Severity, Thresholds, genomic,
};

fn is_genomic(bytes: &[u8]) -> bool {
    genomic(&mut Cursor::new(bytes))
}

fn genomic_files() -> Vec<(&'static str, Vec<u8>)> {
    let sites = people::vcf_header(false) + &people::vcf_body(false);
    let fasta = format!(">chr2\n{}\n", "ACGTTACGAT".repeat(10));
    let text = |t: String| t.into_bytes();
    vec![
        ("BAM", binary::bam()),
        ("CRAM", binary::cram()),
        ("SAM", text(people::sam())),
        ("FASTQ", text(people::fastq())),
        ("VCF", text(people::vcf())),
        ("VCF without samples", text(sites)),
        ("BCF", binary::bcf()),
        ("bed", binary::bed()),
        ("bim", text(people::bim())),
        ("fam", text(people::fam())),
        ("pgen", binary::pgen()),
        ("ped", text(people::ped())),
        ("raw", text(people::raw())),
        ("BGEN", binary::bgen()),
        ("GEN", text(people::gen_file())),
        ("haps", text(people::haps())),
        ("sample", text(people::oxford_sample())),
        ("tabix", binary::bgzf(b"TBI\x01\x02\0\0\0")),
        ("FASTA", text(fasta)),
    ]
}

#[test]
fn genomic_formats_are_known_by_their_content_compressed_or_not() {
    for (what, bytes) in genomic_files() {
        assert!(is_genomic(&bytes), "{what}");
        assert!(is_genomic(&wrap::gzip(&bytes)), "{what} in gzip");
        assert!(is_genomic(&binary::bgzf(&bytes)), "{what} in BGZF");
    }
}

#[test]
fn what_real_tools_write_is_known() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/");
    let is = |name: &str| is_genomic(&std::fs::read(format!("{corpus}{name}")).unwrap());
    for name in [
        "cohort.bcf",
        "cohort.bed",
        "cohort.bgen",
        "cohort.fam",
        "cohort.haps",
        "cohort.pgen",
        "cohort.raw",
        "cohort.vcf.gz",
        "reads.bam",
        "reads.cram",
        "reads.fastq",
        "reads.sam",
    ] {
        assert!(is(name), "{name}");
    }
    for name in [
        "cohort.vcf.c4gh",
        "cohort.json",
        "cohort.parquet",
        "counts.csv",
        "counts.csv.bz2",
        "counts.csv.xz",
        "counts.csv.zst",
        "counts.tar",
        "gwas.tsv",
        "plot.png",
        "report.md",
        "README.md",
    ] {
        assert!(!is(name), "{name}");
    }
}

#[test]
fn long_files_are_known_by_their_beginning() {
    let vcf = people::vcf();
    let header = "##contig=<ID=x>\n".repeat(100_000);
    let (first, rest) = vcf.split_once('\n').unwrap();
    let long = format!("{first}\n{header}{rest}");
    assert!(is_genomic(long.as_bytes()));
    assert!(is_genomic(&wrap::gzip(long.as_bytes())));
    let many = people::fam().repeat(3_000);
    assert!(header.len() > 1 << 20 && many.len() > 1 << 20);
    assert!(is_genomic(many.as_bytes()));
    // What came before the end of a broken stream tells.
    let mut cut = wrap::gzip(people::vcf().as_bytes());
    cut.truncate(cut.len() - 9);
    assert!(is_genomic(&cut));
}

#[test]
fn all_else_is_not_genomic() {
    let mut dice = Dice(3);
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("counts", b"group,n\na,120\nb,140\n".to_vec()),
        ("prose", b"We looked at it.\n".to_vec()),
        ("kinship", people::kinship().into_bytes()),
        ("random", dice.bytes(100_000)),
        ("Crypt4GH", binary::crypt4gh()),
        ("age", binary::age()),
        ("broken gzip", b"\x1f\x8b\x08\x04\0\0\0".to_vec()),
        ("zeros", wrap::gzip(&vec![0; 20 << 20])),
        ("archive", wrap::tar(people::vcf().as_bytes())),
        ("statistics", results::gwas(20).into_bytes()),
    ] {
        assert!(!is_genomic(&bytes), "{what}");
    }
}

fn look(bytes: &[u8]) -> Report {
    let mut folder = Folder::new(
        &Limits::default(),
        &Thresholds::default(),
        Direction::Transfer,
    );
    folder.file(Ok(Cursor::new(bytes)), ".x", DeclaredFile::default());
    let (mut reports, together) = folder.finish();
    assert_eq!(together, []);
    reports.remove(0)
}

/// A header of so many packets, each of a length that it says itself, and a body.
fn crypt4gh(packets: u32, lengths: &[u32], body: usize) -> Vec<u8> {
    let mut bytes = b"crypt4gh\x01\0\0\0".to_vec();
    bytes.extend(packets.to_le_bytes());
    for length in lengths {
        bytes.extend(length.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(vec![7; length.saturating_sub(8) as usize]);
    }
    bytes.extend(vec![9; body]);
    bytes
}

fn age(mac: &str, body: usize) -> Vec<u8> {
    let header = format!("age-encryption.org/v1\n-> X25519 abc\nabcd\n--- {mac}\n");
    let mut bytes = header.into_bytes();
    bytes.extend(vec![9; body]);
    bytes
}

#[test]
fn what_is_encrypted_is_as_it_must_be() {
    let real = include_bytes!("corpus/cohort.vcf.c4gh");
    let mac = "A".repeat(43);
    for (what, bytes, kind) in [
        ("real", real.to_vec(), Kind::Crypt4gh),
        ("empty", crypt4gh(1, &[108], 0), Kind::Crypt4gh),
        ("one byte", crypt4gh(1, &[108], 29), Kind::Crypt4gh),
        (
            "two packets",
            crypt4gh(2, &[108, 92], 65_564),
            Kind::Crypt4gh,
        ),
        (
            "large",
            crypt4gh(1, &[108], 65_564 * 400 + 99),
            Kind::Crypt4gh,
        ),
        ("age", age(&mac, 32), Kind::Age),
    ] {
        let report = look(&bytes);
        assert_eq!((report.kind, report.findings), (kind, Vec::new()), "{what}");
    }
}

#[test]
fn all_else_is_blocked() {
    let mac = "A".repeat(43);
    let mut version = crypt4gh(1, &[108], 0);
    version[8] = 2;
    for (what, bytes) in [
        ("no packet", crypt4gh(0, &[], 65_564)),
        ("a packet too short", crypt4gh(1, &[40], 65_564)),
        ("packets that are not there", crypt4gh(3, &[108], 0)),
        ("a segment without anything in it", crypt4gh(1, &[108], 28)),
        ("another version", version),
        ("a short MAC", age(&mac[1..], 32)),
        ("no payload", age(&mac, 31)),
        (
            "armoured age",
            b"-----BEGIN AGE ENCRYPTED FILE-----\n".to_vec(),
        ),
        ("the magic alone", b"crypt4gh".to_vec()),
        ("nothing", Vec::new()),
        ("a table", b"group,n\na,120\nb,140\n".to_vec()),
        ("random", Dice(3).bytes(70_000)),
        ("compressed", wrap::gzip(&crypt4gh(1, &[108], 0))),
        ("genotypes", people::vcf().into_bytes()),
    ] {
        let findings = look(&bytes).findings;
        let blocked = findings
            .iter()
            .any(|f| f.rule == "AL-G005" && f.severity == Severity::Block);
        assert!(blocked, "{what}: {findings:?}");
    }
    let genotypes = look(people::vcf().as_bytes()).findings;
    assert!(genotypes.iter().any(|f| f.rule == "AL-I002"));
    // A file that cannot be read is not known to be encrypted.
    let mut folder = Folder::new(
        &Limits::default(),
        &Thresholds::default(),
        Direction::Transfer,
    );
    let absent: std::io::Result<Cursor<&[u8]>> = Err(std::io::ErrorKind::NotFound.into());
    folder.file(absent, "x.age", DeclaredFile::default());
    let rules: Vec<_> = folder.finish().0[0]
        .findings
        .iter()
        .map(|f| f.rule)
        .collect();
    assert_eq!(rules, ["AL-G005", "AL-G019"]);
}
