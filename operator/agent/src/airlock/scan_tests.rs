//! Scanning real chambers.

use std::fs;

use sde_core::airlock::JobKind;
use sde_core::airlock::malware::MalwareTask;
use sde_core::airlock::report::Matched;
use sde_core::airlock::task::DeclaredFile;
use sde_crds::airlock_request;
use sde_crds::airlock_status::Severity;
use serde_json::Value;

use super::*;
use crate::airlock::encrypt::reader::Environment;
use crate::airlock::fixture::{COUNTS, Site, UID, VCF, put, task, transfer_to};
use crate::airlock::seal::seal;

const SMALL: &[u8] = b"group,cases,controls\na,7,135\nb,140,155\n";

fn site(files: &[(&str, &[u8])]) -> (Site, String) {
    let site = Site::new();
    for (path, bytes) in files {
        site.put(path, bytes);
    }
    let sealed = seal(
        &task(JobKind::Seal),
        &site.source(),
        &site.chamber(),
        &mut |_| {},
    );
    let digest = sealed.expect("sealed").digest;
    (site, digest)
}

fn scan_quietly(site: &Site, task: &Task) -> Scanned {
    scan(task, &site.chamber(), Timestamp::now(), &mut |_| {}).expect("scanned")
}

fn whole(site: &Site) -> Vec<u8> {
    fs::read(site.root().join("report/findings.json")).expect("the whole report")
}

fn held(rules: &[Matched]) -> Vec<(&str, u64, bool)> {
    let held = rules.iter().filter(|r| r.severity >= Severity::Hold);
    held.map(|r| (r.rule.as_str(), r.files, r.certain))
        .collect()
}

#[test]
fn honest_work_is_not_held_and_the_report_is_bound() {
    let (site, digest) = site(&[
        ("table.csv", COUNTS),
        ("notes.md", b"# Notes\n\nNothing.\n"),
    ]);
    let task = task(JobKind::Scan);
    let said = scan_quietly(&site, &task);
    assert_eq!(held(&said.rules), []);
    assert_eq!(said.content_digest, digest);
    assert_eq!(said.policy_digest, task.policy_digest);
    assert_eq!(said.digest, salted_digest(UID, &whole(&site)));
    assert_eq!(scan_quietly(&site, &task), said, "a repeat says the same");
    let report: Value = serde_json::from_slice(&whole(&site)).expect("JSON");
    assert_eq!(report["contentDigest"], digest);
    assert_eq!(report["thresholds"]["smallCount"], 10);
    assert_eq!(report["files"][1]["number"], 1);
    assert_eq!(report["files"][1]["kind"], "Table");
}

#[test]
fn genotypes_are_blocked_for_certain_and_never_shown() {
    let (site, _) = site(&[("participant-17.txt", VCF), ("table.csv", COUNTS)]);
    let said = scan_quietly(&site, &task(JobKind::Scan));
    assert_eq!(said.rules[0].severity, Severity::Block);
    assert_eq!(held(&said.rules)[0], ("AL-I002", 1, true));
    let report = String::from_utf8(whole(&site)).expect("text");
    assert!(report.contains("AL-I002"));
    for secret in ["participant", "HG00096", "rs1"] {
        assert!(!report.contains(secret), "{secret}");
    }
}

#[test]
fn the_policy_says_what_a_small_count_is() {
    let (site, _) = site(&[("a.csv", SMALL), ("b.csv", SMALL)]);
    let with = |minimum_count| {
        let mut task = task(JobKind::Scan);
        task.thresholds.minimum_count = minimum_count;
        scan_quietly(&site, &task)
    };
    assert_eq!(held(&with(10).rules), [("AL-S001", 2, false)]);
    assert_eq!(held(&with(7).rules), []);
    assert_eq!(held(&with(8).rules), [("AL-S001", 2, false)]);
    assert_ne!(
        with(7).digest,
        with(8).digest,
        "thresholds are in the report"
    );
    let (site, _) = site_of_four();
    let mut floor = task(JobKind::Scan);
    floor.thresholds.minimum_count = 0;
    assert_eq!(
        held(&scan_quietly(&site, &floor).rules),
        [("AL-S001", 1, false)]
    );
}

fn site_of_four() -> (Site, String) {
    site(&[("a.csv", b"group,cases,controls\na,4,135\nb,140,155\n")])
}

#[test]
fn what_is_declared_takes_part() {
    let gwas = b"rsid\tchromosome\tposition\teffect_allele\tother_allele\teffect_allele_frequency\tbeta\tstandard_error\tp_value\nrs1\t1\t100\tA\tG\t0.31\t0.1\t0.02\t1e-6\nrs2\t1\t200\tC\tT\t0.22\t0.2\t0.03\t1e-7\n";
    let (site, _) = site(&[("gwas.tsv", gwas)]);
    let with = |population: Option<u64>| {
        let mut task = task(JobKind::Scan);
        let said = DeclaredFile {
            population,
            figure: false,
            counts_file: None,
        };
        task.declaration.files.insert(0, said);
        let rules = scan_quietly(&site, &task).rules;
        rules.iter().any(|r| r.rule == "AL-I012")
    };
    assert!(with(None), "nobody says how many people");
    assert!(with(Some(150)), "too few");
    assert!(!with(Some(45_210)));

    let figure = |counts_file| {
        let (site, _) = site_with_counts();
        let mut task = task(JobKind::Scan);
        let said = DeclaredFile {
            population: None,
            figure: true,
            counts_file,
        };
        task.declaration.files.insert(1, said);
        let rules = scan_quietly(&site, &task).rules;
        rules.iter().any(|r| r.rule == "AL-S012")
    };
    assert!(!figure(Some(0)));
    assert!(figure(None));
    assert!(figure(Some(1)));
}

fn site_with_counts() -> (Site, String) {
    site(&[("counts.csv", COUNTS), ("figure.md", b"# A figure\n")])
}

#[test]
fn a_chamber_that_was_changed_is_scanned_as_what_it_is() {
    let (site, digest) = site(&[("table.csv", COUNTS), ("z.md", b"# Z\n")]);
    fs::remove_file(site.content("001")).expect("removed");
    let said = scan_quietly(&site, &task(JobKind::Scan));
    assert_ne!(said.content_digest, digest);
    assert_eq!(held(&said.rules), [("AL-G019", 1, false)]);

    let nothing = scan(
        &task(JobKind::Scan),
        &Site::new().chamber(),
        Timestamp::now(),
        &mut |_| {},
    );
    assert!(matches!(nothing, Err(JobError::Chamber(_))));
}

#[test]
fn an_import_is_looked_at_as_one() {
    let (site, _) = site(&[("a.csv", SMALL), ("cohort.vcf", VCF)]);
    let with = |direction, unlicensed: &[u64]| {
        let mut task = task(JobKind::Scan);
        task.direction = direction;
        task.declaration.unlicensed.extend(unlicensed);
        scan_quietly(&site, &task).rules
    };
    let leaving = with(airlock_request::Direction::Export, &[]);
    assert_eq!(
        held(&leaving)[..2],
        [("AL-I002", 1, true), ("AL-S001", 1, false)]
    );
    let coming = with(airlock_request::Direction::Import, &[1]);
    assert_eq!(held(&coming), [("AL-N003", 1, false)]);
    assert_eq!(coming[0].severity, Severity::HoldSenior);
    assert!(
        coming
            .iter()
            .any(|r| r.rule == "AL-N005" && r.severity == Severity::Warn)
    );
    let licensed = with(airlock_request::Direction::Import, &[]);
    assert!(licensed.iter().all(|r| r.rule != "AL-N005"));
}

#[test]
fn malware_is_blocked_on_either_way() {
    let found = "/chamber/content/000: Win.Test.EICAR_HDB-1 FOUND\n";
    let made = Timestamp::now().strftime("%d %b %Y %H-%M +0000");
    let header = format!("{:<512}", format!("ClamAV-VDB:{made}:27824:1:90:a:b:c:1"));
    let with = |direction, named: bool| {
        let (site, _) = site(&[("a.csv", COUNTS), ("b.md", b"# B\n")]);
        let said = [
            ("version", "ClamAV 1.4.6/27824/today\n"),
            ("signatures", header.as_str()),
            ("found", found),
            ("code", "1\n"),
        ];
        for (name, text) in said {
            put(&site.root().join("malware"), name, text.as_bytes());
        }
        let image = "clamav.example/clamav@sha256:0".to_owned();
        let malware = named.then_some(MalwareTask {
            image,
            max_age_days: 7,
        });
        let mut task = task(JobKind::Scan);
        (task.direction, task.malware) = (direction, malware);
        let rules = scan_quietly(&site, &task).rules;
        let report: Value = serde_json::from_slice(&whole(&site)).expect("JSON");
        (rules, report)
    };
    let leaving = airlock_request::Direction::Export;
    let (rules, report) = with(leaving, true);
    assert_eq!(held(&rules), [("AL-G016", 1, false)]);
    assert_eq!(rules[0].severity, Severity::Block);
    assert_eq!(report["malwareScanner"]["engine"], "ClamAV 1.4.6");
    let (rules, report) = with(leaving, false);
    assert_eq!(
        (held(&rules), &report["malwareScanner"]),
        (vec![], &Value::Null)
    );
    let coming = airlock_request::Direction::Import;
    let (rules, _) = with(coming, true);
    assert_eq!(held(&rules), [("AL-N001", 1, false)]);
    assert!(rules.iter().all(|r| r.rule != "AL-N006"));
    let (rules, _) = with(coming, false);
    let unscanned = rules
        .iter()
        .find(|r| r.rule == "AL-N006")
        .map(|r| r.severity);
    assert_eq!((held(&rules), unscanned), (vec![], Some(Severity::Warn)));
}

#[test]
fn what_goes_to_another_environment_must_be_encrypted() {
    let environment = Environment::new();
    let site = Site::new();
    for (path, bytes) in [("cohort.vcf", VCF), ("a.csv", SMALL), ("empty", b"")] {
        site.put(path, bytes);
    }
    let sealing = transfer_to(&environment, None);
    let chamber = site.chamber();
    let sealed = seal(&sealing, &site.source(), &chamber, &mut |_| {}).expect("sealed");
    let scanning = Task {
        kind: JobKind::Scan,
        transfer: None,
        ..sealing
    };
    let said = scan_quietly(&site, &scanning);
    assert_eq!(said.rules, []);
    assert_eq!(said.content_digest, sealed.digest);
    let report: Value = serde_json::from_slice(&whole(&site)).expect("JSON");
    let kinds = [0, 1, 2].map(|n| report["files"][n]["kind"].clone());
    assert_eq!(kinds, ["Age", "Crypt4gh", "Age"]);

    // The same as an Export, and what was never encrypted as a transfer.
    let exported = scan_quietly(&site, &task(JobKind::Scan));
    assert_eq!(held(&exported.rules)[0].0, "AL-G014");
    let plain = |files: &[(&str, &[u8])]| {
        let (site, _) = self::site(files);
        scan_quietly(&site, &scanning).rules
    };
    let table = plain(&[("a.csv.age", COUNTS)]);
    assert_eq!(held(&table), [("AL-G005", 1, true)]);
    assert_eq!(table[0].severity, Severity::Block);
    let genotypes = plain(&[("cohort.vcf.c4gh", VCF), ("a.csv.age", COUNTS)]);
    assert_eq!(
        held(&genotypes)[..2],
        [("AL-G005", 2, true), ("AL-I002", 1, true)]
    );
}
