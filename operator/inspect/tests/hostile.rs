//! Archives made to exhaust or escape, and bytes of any sort: held, never a crash, never much memory.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::LazyLock;

use common::{binary, breaks, has, look, passes, people, results, wrap};
use proptest::prelude::*;
use sde_inspect::{Declared, Limits, Thresholds, inspect};
use zip::write::SimpleFileOptions;

#[test]
fn bombs_are_blocked() {
    let zeros = vec![0; 32 << 20];
    for (what, bytes) in [("gzip", wrap::gzip(&zeros)), ("zip", wrap::zip(&zeros))] {
        breaks(what, &bytes, "AL-G023");
    }
    let mut nested = results::COUNTS.as_bytes().to_vec();
    for _ in 0..8 {
        nested = wrap::zip_stored(&nested);
    }
    breaks("nested", &nested, "AL-G023");
    let mut many = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for n in 0..10_001 {
        many.start_file(format!("{n}"), SimpleFileOptions::default())
            .unwrap();
    }
    breaks(
        "many entries",
        &many.finish().unwrap().into_inner(),
        "AL-G023",
    );
    let limits = Limits {
        work_bytes: 1000,
        ..Limits::default()
    };
    let mut long = Cursor::new(vec![b'a'; 5000]);
    let report = inspect(
        &mut long,
        &limits,
        &Thresholds::default(),
        &Declared::default(),
    )
    .unwrap();
    assert!(has(&report, "AL-G019"));
}

#[test]
fn archives_are_held_and_their_tricks_blocked() {
    let counts = results::COUNTS.as_bytes();
    for (what, bytes) in [
        ("zip", wrap::zip(counts)),
        ("tar", wrap::tar(counts)),
        ("7z", wrap::seven(counts)),
    ] {
        let report = look(&bytes);
        assert_eq!(common::held(&report), ["AL-G015"], "{what}: {report:#?}");
    }
    let gzip = look(&wrap::gzip(counts));
    assert!(has(&gzip, "AL-G024") && !gzip.held());
    let up = wrap::zip_named("../../etc/passwd", counts, SimpleFileOptions::default());
    breaks("a path out", &up, "AL-G023");
    let mut writer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    writer
        .append_link(&mut header, "table.csv", "/data/cohort/x.vcf")
        .unwrap();
    breaks("a link", &writer.into_inner().unwrap(), "AL-G009");
    let mut secret = wrap::zip_stored(counts);
    for at in [
        6,
        secret.windows(4).position(|w| w == b"PK\x01\x02").unwrap() + 8,
    ] {
        secret[at] |= 1;
    }
    breaks("encrypted", &secret, "AL-G014");
    breaks("bzip2, cut", b"BZh91AY&SY\x12\x34\x56\x78", "AL-G019");
    breaks("zstd, cut", b"\x28\xb5\x2f\xfd\x04\x58\x19\0\0", "AL-G019");
    let wide = b"\x28\xb5\x2f\xfd\x00\xf8\x01\0\0";
    breaks("zstd, of a window of 2 TiB", wide, "AL-G014");
    let named = b"\x28\xb5\x2f\xfd\x01\x58\x07\x01\0\0";
    breaks("zstd, with a dictionary", named, "AL-G014");
    breaks("RAR", b"Rar!\x1a\x07\x01\0\x33", "AL-G014");
}

/// A zip of one stored file whose directory gives 64-bit sizes: what `field` says, after an extra field of somebody else's
/// that holds the bytes of the zip64 id.
fn zip64(compressed: u64, header: u64) -> Vec<u8> {
    let content = results::COUNTS.as_bytes();
    let mut zip = wrap::zip_stored(content);
    let entry = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let end = zip.windows(4).position(|w| w == b"PK\x05\x06").unwrap();
    let name = usize::from(zip[entry + 28]);
    let mut field = b"\x99\x99\x04\0\x01\0\x18\0".to_vec();
    field.extend(b"\x01\0\x18\0");
    for n in [content.len() as u64, compressed, header] {
        field.extend(n.to_le_bytes());
    }
    for at in [20, 24, 42] {
        zip[entry + at..entry + at + 4].fill(0xff);
    }
    zip[entry + 30] = field.len() as u8;
    zip[end + 12] += field.len() as u8;
    zip.splice(entry + 46 + name..entry + 46 + name, field);
    zip
}

#[test]
fn sizes_that_no_file_has() {
    let length = results::COUNTS.len() as u64;
    let honest = look(&zip64(length, 0));
    assert_eq!(common::held(&honest), ["AL-G015"], "{honest:#?}");
    for (compressed, header) in [(u64::MAX, 0), (length, u64::MAX), (u64::MAX - 20, 1 << 63)] {
        let bytes = zip64(compressed, header);
        assert!(look(&bytes).held());
        // A file refuses offsets that memory takes.
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zip64");
        std::fs::write(&path, &bytes).unwrap();
        let mut file = std::fs::File::open(&path).unwrap();
        let (limits, thresholds) = (Limits::default(), Thresholds::default());
        let report = inspect(&mut file, &limits, &thresholds, &Declared::default()).unwrap();
        assert!(report.held());
    }
}

#[test]
fn bzip2_and_zstd_are_opened() {
    let bzip2 = include_bytes!("corpus/counts.csv.bz2");
    let zstd = include_bytes!("corpus/counts.csv.zst");
    for (what, bytes) in [("bzip2", &bzip2[..]), ("zstd", &zstd[..])] {
        let report = passes(what, bytes);
        assert!(
            has(&report, "AL-G024") && report.facts.rows == 10,
            "{what}: {report:#?}"
        );
        let twice = [bytes, bytes].concat();
        assert_eq!(passes(what, &twice).facts.rows, 21, "{what} after {what}");
        breaks(what, &bytes[..bytes.len() - 30], "AL-G019");
        let vcf = people::vcf();
        breaks("behind it", &[bytes, vcf.as_bytes()].concat(), "AL-I002");
    }
    let long = include_bytes!("corpus/long.bz2");
    breaks("several blocks", long, "AL-I002");
    let offset = [b"xx\xff\xfe\0\0", &long[..]].concat();
    breaks("at an offset", &offset, "AL-I002");
    let skipped = [b"\x50\x2a\x4d\x18\x05\0\0\0hello", &zstd[..]].concat();
    breaks("a frame that is skipped", &skipped, "AL-G021");
}

#[test]
fn archives_by_7_zip_and_one_that_nobody_makes() {
    let plain = look(include_bytes!("corpus/7-zip.7z"));
    assert_eq!(common::held(&plain), ["AL-G015"], "{plain:#?}");
    let encrypted = include_bytes!("corpus/7-zip-encrypted.7z");
    breaks("encrypted", encrypted, "AL-G014");
    let names = include_bytes!("corpus/7-zip-names-encrypted.7z");
    breaks("with its names", names, "AL-G014");
    let bomb = look(include_bytes!("corpus/header-bomb.7z"));
    assert!(has(&bomb, "AL-G019"), "{bomb:#?}");
}

#[test]
fn what_a_directory_does_not_mention_is_seen() {
    let counts = results::COUNTS.as_bytes();
    let vcf = people::vcf();
    breaks(
        "before a zip",
        &[vcf.as_bytes(), &wrap::zip(counts)].concat(),
        "AL-I002",
    );
    breaks(
        "behind a zip",
        &[&wrap::zip(counts), vcf.as_bytes()].concat(),
        "AL-I002",
    );
    breaks(
        "behind a gzip",
        &[&wrap::gzip(counts), vcf.as_bytes()].concat(),
        "AL-I002",
    );
    breaks(
        "behind a tar",
        &[&wrap::tar(counts), vcf.as_bytes()].concat(),
        "AL-I002",
    );
    let mut padded = wrap::tar(b"x,1\n");
    padded[600..700].fill(7);
    breaks("in the padding", &padded, "AL-G021");
    // Two archives, of which the last directory hides the first.
    let hidden = [wrap::zip(&binary::bed()), wrap::zip(counts)].concat();
    breaks("a hidden archive", &hidden, "AL-I004");
}

#[test]
fn something_at_any_offset() {
    let noise = |n: usize| {
        common::Dice(31)
            .bytes(n)
            .iter()
            .map(|b| b | 0x80)
            .collect::<Vec<u8>>()
    };
    for (what, bytes, rule) in [
        ("BAM", binary::bam(), "AL-I001"),
        (
            "VCF in BGZF",
            binary::bgzf(people::vcf().as_bytes()),
            "AL-I002",
        ),
        ("CRAM", binary::cram(), "AL-I001"),
        ("zip", wrap::zip(people::vcf().as_bytes()), "AL-I002"),
        ("7z", wrap::seven(people::vcf().as_bytes()), "AL-I002"),
        ("tar", wrap::tar(people::vcf().as_bytes()), "AL-I002"),
        ("Crypt4GH", binary::crypt4gh(), "AL-G014"),
    ] {
        for before in [1, 262_140] {
            let all = [noise(before), bytes.clone()].concat();
            breaks(&format!("{what} after {before} bytes"), &all, rule);
        }
    }
}

/// Files that are broken in the test below.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut seeds: Vec<Vec<u8>> = vec![
        binary::bam(),
        binary::bcf(),
        binary::bgen(),
        binary::pickle(),
        binary::safetensors(),
        people::vcf().into_bytes(),
        people::sam().into_bytes(),
        people::ped().into_bytes(),
        results::gwas(20).into_bytes(),
        results::COUNTS.into(),
        results::JSON.into(),
        results::plot(),
        wrap::pdf(),
    ];
    let inner = results::COUNTS.as_bytes();
    seeds.extend(wrap::WRAPS.iter().map(|(_, wrap)| wrap(inner)));
    seeds
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        look(&bytes);
    }

    #[test]
    fn any_text(text in "[ -~\t\n,;|0-2A-Z\"]{0,2000}") {
        look(text.as_bytes());
    }

    #[test]
    fn broken_files(
        seed in 0..27_usize,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut bytes = SEEDS[seed % SEEDS.len()].clone();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        look(&bytes);
        bytes.truncate(keep.index(bytes.len()));
        look(&bytes);
    }
}

#[test]
fn a_large_honest_file_is_read_in_bounded_memory() {
    let line = "gene,1.25,0.5\n".repeat(1000);
    let mut file = Vec::with_capacity(line.len() * 60);
    file.write_all(b"name,beta,se\n").unwrap();
    for _ in 0..60 {
        file.write_all(line.as_bytes()).unwrap();
    }
    let report = look(&file);
    assert_eq!(report.facts.rows, 60_000);
    assert!(has(&report, "AL-S011"));
    passes("and a small one", &file[..1400]);
}
