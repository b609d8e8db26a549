//! Of an Import the same bytes mean something else. Each mapping beside its control: the same file as an Export, or an honest one.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::io::Cursor;

use common::{binary, people, results, wrap};
use sde_inspect::{
    DeclaredFile, Direction, Folder, Limits, Malware, OnImport, Report, Severity, Thresholds,
    on_import, only_imports, rules,
};
use zip::write::SimpleFileOptions;

/// Said of a file in which the malware scanner found nothing.
fn clean() -> DeclaredFile {
    DeclaredFile {
        malware: Malware::NotFound,
        ..DeclaredFile::default()
    }
}

fn of(direction: Direction, path: &str, bytes: &[u8]) -> Report {
    let mut folder = Folder::new(&Limits::default(), &Thresholds::default(), direction);
    folder.file(Ok(Cursor::new(bytes)), path, DeclaredFile::default());
    folder.finish().0.remove(0)
}

/// Rule and severity of what holds or blocks.
fn held(direction: Direction, path: &str, bytes: &[u8]) -> Vec<(&'static str, Severity)> {
    let report = of(direction, path, bytes);
    let mut held: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::Hold)
        .map(|f| (f.rule, f.severity))
        .collect();
    held.dedup();
    held
}

/// Fails unless an Import of it breaks `rule` so gravely, and the gravest is that.
#[track_caller]
fn imports(what: &str, bytes: &[u8], rule: &str, severity: Severity) {
    let held = held(Direction::Import, what, bytes);
    assert_eq!(
        held.first().map(|h| h.1),
        Some(severity),
        "{what}: {held:?}"
    );
    assert!(held.contains(&(rule, severity)), "{what}: {held:?}");
}

/// Fails unless it is held or blocked by `rule` as an Export, and not at all as an Import.
#[track_caller]
fn only_leaving(what: &str, bytes: &[u8], rule: &str) {
    let leaving = held(Direction::Export, what, bytes);
    assert!(leaving.iter().any(|h| h.0 == rule), "{what}: {leaving:?}");
    assert_eq!(held(Direction::Import, what, bytes), [], "{what}");
}

fn table(header: &str, row: impl Fn(usize) -> String, rows: usize) -> Vec<u8> {
    let rows = (0..rows).map(|n| format!("{}\n", row(n)));
    format!("{header}\n{}", rows.collect::<String>()).into_bytes()
}

#[test]
fn what_cannot_be_opened_does_not_come_in() {
    for (what, bytes) in [
        ("data.c4gh", binary::crypt4gh()),
        ("data.age", binary::age()),
    ] {
        imports(what, &bytes, "AL-N001", Severity::Block);
    }
    let bomb = wrap::gzip(&vec![0; 32 << 20]);
    imports("bomb.gz", &bomb, "AL-N001", Severity::Block);
    let escapes = wrap::zip_named("../../etc/cron.d/x", b"x", SimpleFileOptions::default());
    imports("escape.zip", &escapes, "AL-N001", Severity::Block);
    // The control: compressed and opened.
    let counts = wrap::gzip(b"group,n\na,120\nb,140\n");
    assert_eq!(held(Direction::Import, "counts.csv.gz", &counts), []);
}

#[test]
fn what_runs_as_it_is_is_held() {
    let mach: &[u8] = b"\xfe\xed\xfa\xcf\0\0\0\x01\0\0\0\0\0\0\0\0";
    for (what, bytes) in [
        ("tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0".to_vec()),
        ("tool-mac", mach.to_vec()),
        ("weights.pkl", binary::pickle()),
    ] {
        imports(what, &bytes, "AL-N002", Severity::Hold);
    }
    for (what, name) in [
        ("tool-1.0-py3-none-any.whl", "tool-1.0.dist-info/WHEEL"),
        ("tool.jar", "META-INF/MANIFEST.MF"),
    ] {
        let package = wrap::zip_named(name, b"Version: 1.0\n", SimpleFileOptions::default());
        imports(what, &package, "AL-N002", Severity::Hold);
        let other = wrap::zip_named("notes.txt", b"Notes.\n", SimpleFileOptions::default());
        let other = held(Direction::Import, "notes.zip", &other);
        assert_eq!(other, [("AL-G015", Severity::Hold)]);
    }
    let mut image = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_cksum();
    image
        .append_data(&mut header, "oci-layout", &b"{}"[..])
        .unwrap();
    let image = image.into_inner().unwrap();
    imports("image.tar", &image, "AL-N002", Severity::Hold);
    // Source is not: a reviewer reads it.
    let script = b"#!/bin/sh\nset -e\nfor f in *.csv; do wc -l \"$f\"; done\n";
    assert_eq!(held(Direction::Import, "count.sh", script), []);
    // A pickle that leaves is a block.
    let leaving = held(Direction::Export, "weights.pkl", &binary::pickle());
    assert!(
        leaving.contains(&("AL-M001", Severity::Block)),
        "{leaving:?}"
    );
    imports(
        "m.safetensors",
        &binary::safetensors(),
        "AL-M002",
        Severity::HoldSenior,
    );
}

#[test]
fn people_are_held_for_a_senior_and_not_blocked() {
    let nhs = people::nhs_numbers(30);
    let nhs = table("nhs_number,group", |n| format!("{},a", nhs[n]), 30);
    let mail = table("email,group", |n| format!("someone{n}@example.org,a"), 30);
    let born = table(
        "date_of_birth,group",
        |n| format!("19{}-0{}-1{},a", 40 + n % 50, 1 + n % 9, n % 9),
        30,
    );
    let files: [(&str, Vec<u8>); 9] = [
        ("cohort.vcf", people::vcf().into()),
        ("reads.bam", binary::bam()),
        ("reads.fastq", people::fastq().into()),
        ("cohort.bed", binary::bed()),
        ("cohort.bgen", binary::bgen()),
        ("kinship.tsv", people::kinship().into()),
        ("numbers.csv", nhs),
        ("mail.csv", mail),
        ("born.csv", born),
    ];
    for (what, bytes) in files {
        imports(what, &bytes, "AL-N003", Severity::HoldSenior);
    }
    // The control: the same leaves never, and counts come in.
    let leaving = held(Direction::Export, "cohort.vcf", people::vcf().as_bytes());
    assert_eq!(leaving.first(), Some(&("AL-I002", Severity::Block)));
    assert_eq!(
        held(Direction::Import, "n.csv", b"group,n\na,120\nb,140\n"),
        []
    );
}

#[test]
fn what_is_asked_of_results_is_not_asked_of_imports() {
    only_leaving(
        "n.csv",
        b"group,cases,controls\na,7,135\nb,140,155\n",
        "AL-S001",
    );
    only_leaving(
        "plot.svg",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0\"/></svg>",
        "AL-G006",
    );
    only_leaving(".config", b"Plain words.\n", "AL-G008");
    only_leaving("sites.vcf", people::vcf_body(false).as_bytes(), "AL-I003");
    let long = format!(">chr1\n{}\n", "ACGTTGCAGT".repeat(2000));
    only_leaving("reference.fa", long.as_bytes(), "AL-I011");
    let small = Thresholds {
        file_bytes: 8,
        block_bytes: 9,
        request_files: 0,
        request_bytes: 1,
        ..Thresholds::default()
    };
    for (direction, wanted) in [(Direction::Export, true), (Direction::Import, false)] {
        let mut folder = Folder::new(&Limits::default(), &small, direction);
        let text = Cursor::new(b"Words that are longer.\n");
        folder.file(Ok(text), "a.md", clean());
        folder.file(Ok(Cursor::new(results::plot())), "a.png", clean());
        let (reports, together) = folder.finish();
        let sized = reports[0].findings.iter().any(|f| f.rule == "AL-G025");
        let rules: Vec<&str> = together.iter().map(|f| f.rule).collect();
        assert_eq!(sized, wanted);
        let all = ["AL-G002", "AL-G004", "AL-S012"];
        assert_eq!(rules, if wanted { &all[..] } else { &[] });
    }
}

#[test]
fn what_a_reviewer_can_judge_is_held_and_not_blocked() {
    let secret = b"key = AKIAQ3EGRXN7V2K4JZ5T\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----\n";
    for (direction, severity) in [
        (Direction::Export, Severity::Block),
        (Direction::Import, Severity::Hold),
    ] {
        let held = held(direction, "notes.txt", secret);
        assert!(held.contains(&("AL-G022", severity)), "{held:?}");
    }
    // What holds either way: hidden characters, and what cannot be read to its end.
    let bidi = "a = 1 \u{202e}# b\n".as_bytes();
    imports("a.py", bidi, "AL-G010", Severity::Hold);
    let mut folder = Folder::new(
        &Limits::default(),
        &Thresholds::default(),
        Direction::Import,
    );
    let absent: std::io::Result<Cursor<&[u8]>> = Err(std::io::ErrorKind::NotFound.into());
    folder.file(absent, "a.csv", DeclaredFile::default());
    assert_eq!(folder.finish().0[0].findings[0].rule, "AL-G019");
}

#[test]
fn a_licence_is_asked_for() {
    let together = |direction, unlicensed| {
        let mut folder = Folder::new(&Limits::default(), &Thresholds::default(), direction);
        for unlicensed in [unlicensed, false] {
            let said = DeclaredFile {
                unlicensed,
                ..clean()
            };
            folder.file(Ok(Cursor::new(b"Words.\n")), "a.md", said);
        }
        let together = folder.finish().1;
        let said = together.iter().map(|f| (f.rule, f.severity, f.count));
        said.collect::<Vec<_>>()
    };
    assert_eq!(
        together(Direction::Import, true),
        [("AL-N005", Severity::Warn, 1)]
    );
    assert_eq!(together(Direction::Import, false), []);
    assert_eq!(together(Direction::Export, true), []);
}

#[test]
fn malware_does_not_cross_and_who_reviews_knows_whether_it_was_looked_for() {
    let said = |direction, malware: Malware| {
        let mut folder = Folder::new(&Limits::default(), &Thresholds::default(), direction);
        let of_file = DeclaredFile {
            malware,
            ..DeclaredFile::default()
        };
        folder.file(Ok(Cursor::new(b"Words.\n")), "a.md", of_file);
        let (reports, together) = folder.finish();
        let all = reports[0].findings.iter().chain(&together);
        all.map(|f| (f.rule, f.severity)).collect::<Vec<_>>()
    };
    let (export, import) = (Direction::Export, Direction::Import);
    let eicar = || Malware::Found("Win.Test.EICAR_HDB-1".to_owned());
    assert_eq!(said(export, eicar()), [("AL-G016", Severity::Block)]);
    assert_eq!(said(import, eicar()), [("AL-N001", Severity::Block)]);
    for direction in [export, import] {
        let too_much = said(direction, Malware::TooMuch);
        assert_eq!(too_much, [("AL-G019", Severity::Hold)]);
        assert_eq!(said(direction, Malware::NotFound), []);
    }
    assert_eq!(said(export, Malware::NotScanned), []);
    let unscanned = [("AL-N006", Severity::Warn)];
    assert_eq!(said(import, Malware::NotScanned), unscanned);
    // A file that nobody could read is malware all the same.
    let mut folder = Folder::new(&Limits::default(), &Thresholds::default(), import);
    let absent: std::io::Result<Cursor<&[u8]>> = Err(std::io::ErrorKind::NotFound.into());
    let of_file = DeclaredFile {
        malware: eicar(),
        ..DeclaredFile::default()
    };
    folder.file(absent, "a.md", of_file);
    let found = &folder.finish().0[0].findings;
    let rules: Vec<&str> = found.iter().map(|f| f.rule).collect();
    assert_eq!(rules, ["AL-N001", "AL-G019"]);
}

/// What is individual-level is never let in without a senior, and nothing gets graver than the rule it is then of.
#[test]
fn every_rule_means_something_of_imports() {
    for rule in rules() {
        match on_import(rule.id) {
            OnImport::Is(other) => assert!(only_imports(other.id) || other.id == "AL-N002"),
            OnImport::As(severity) => assert!(severity < rule.severity, "{}", rule.id),
            OnImport::Nothing => assert!(!only_imports(rule.id), "{}", rule.id),
            OnImport::Same => {}
        }
        let blocks = rule.severity == Severity::Block && rule.id.starts_with("AL-I");
        if blocks {
            let is = on_import(rule.id);
            assert!(
                matches!(is, OnImport::Is(r) if r.id == "AL-N003"),
                "{}",
                rule.id
            );
        }
    }
}
