//! Every individual-level format is blocked, whatever is put round it and however it is written.

mod common;

use common::{binary, breaks, has, held, look, people, wrap};
use sde_inspect::Severity;

/// A file, what it is, and the rule that it breaks.
fn seeds() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |t: String| t.into_bytes();
    vec![
        ("BAM", binary::bam(), "AL-I001"),
        ("CRAM", binary::cram(), "AL-I001"),
        ("SAM", text(people::sam()), "AL-I001"),
        ("FASTQ", text(people::fastq()), "AL-I001"),
        ("VCF", text(people::vcf()), "AL-I002"),
        ("VCF body", text(people::vcf_body(true)), "AL-I002"),
        ("BCF", binary::bcf(), "AL-I002"),
        ("PLINK bed", binary::bed(), "AL-I004"),
        ("PLINK pgen", binary::pgen(), "AL-I004"),
        ("PLINK fam", text(people::fam()), "AL-I004"),
        ("PLINK ped", text(people::ped()), "AL-I004"),
        ("PLINK raw", text(people::raw()), "AL-I004"),
        ("BGEN", binary::bgen(), "AL-I005"),
        ("GEN", text(people::gen_file()), "AL-I005"),
        ("haps", text(people::haps()), "AL-I005"),
        ("sample", text(people::oxford_sample()), "AL-I005"),
        (
            "calls",
            text(people::matrix("\t", |d| people::call(d).into())),
            "AL-I006",
        ),
        (
            "doses",
            text(people::matrix(",", |d| d.to_string())),
            "AL-I006",
        ),
        ("kinship", text(people::kinship()), "AL-I007"),
        ("principal components", text(people::eigenvec()), "AL-I007"),
        ("relationship matrix", text(people::grm()), "AL-I007"),
        (
            "AnnData",
            binary::hdf5(b"encoding-type anndata obs var X"),
            "AL-I007",
        ),
        ("Crypt4GH", binary::crypt4gh(), "AL-G014"),
        ("age", binary::age(), "AL-G014"),
        ("pickle", binary::pickle(), "AL-M001"),
    ]
}

#[test]
fn each_is_blocked() {
    for (what, bytes, rule) in seeds() {
        breaks(what, &bytes, rule);
        assert_eq!(look(&bytes).worst(), Some(Severity::Block), "{what}");
    }
}

#[test]
fn each_is_blocked_in_every_container() {
    let mut passed = Vec::new();
    for (what, bytes, rule) in seeds() {
        for (how, wrap) in wrap::WRAPS {
            if !has(&look(&wrap(&bytes)), rule) {
                passed.push(format!("{what}, {how}"));
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn variants_without_people_are_held() {
    let pvar = String::from(
        "#CHROM\tPOS\tID\tREF\tALT\n2\t1000\trs1\tA\tG\n2\t1010\trs2\tC\tT\n2\t1020\trs3\tG\tT\n",
    );
    let sites = people::vcf_header(false) + &people::vcf_body(false);
    for (what, text) in [("sites", sites), ("bim", people::bim()), ("pvar", pvar)] {
        let report = look(text.as_bytes());
        assert!(has(&report, "AL-I003"), "{what}: {report:#?}");
        assert_eq!(report.worst(), Some(Severity::Hold), "{what}");
    }
    breaks("tabix", &binary::bgzf(b"TBI\x01\x02\0\0\0"), "AL-I003");
}

#[test]
fn genotypes_in_tables_however_they_are_written() {
    let calls = people::matrix("\t", |d| people::call(d).into());
    for delimiter in [",", ";", "|", " ", "~", "^", "\u{1f}", "&", "  "] {
        let text = calls.replace('\t', delimiter);
        breaks(
            &format!("calls by {delimiter:?}"),
            text.as_bytes(),
            "AL-I006",
        );
        let text = people::matrix(delimiter, |d| d.to_string());
        breaks(
            &format!("doses by {delimiter:?}"),
            text.as_bytes(),
            "AL-I006",
        );
    }
    type Written = (&'static str, fn(u8) -> String);
    let written: [Written; 4] = [
        ("phased", |d| people::call(d).replace('/', "|")),
        ("pairs", |d| people::pair(d).into()),
        ("quoted", |d| format!("\"{}\"", people::call(d))),
        ("dosages", |d| format!("{:.3}", f64::from(d) * 0.99)),
    ];
    for (how, value) in written {
        let text = people::matrix("\t", value);
        breaks(how, text.as_bytes(), "AL-I006");
        breaks(how, people::transpose(&text, '\t').as_bytes(), "AL-I006");
    }
    let doses = people::matrix("\t", |d| d.to_string());
    breaks(
        "transposed",
        people::transpose(&doses, '\t').as_bytes(),
        "AL-I006",
    );
    // Columns in another order, rows too.
    let mut lines: Vec<&str> = doses.lines().collect();
    lines.reverse();
    let shuffled: String = lines
        .iter()
        .map(|l| l.split('\t').rev().collect::<Vec<_>>().join("\t") + "\n")
        .collect();
    breaks("shuffled", shuffled.as_bytes(), "AL-I006");
    let json = serde_json::to_vec(&people::doses()).unwrap_or_default();
    assert!(!held(&look(&json)).is_empty(), "a list of lists in JSON");
}

#[test]
fn genotypes_without_any_name_are_held() {
    let doses = people::matrix(",", |d| d.to_string());
    let bare: String = doses
        .lines()
        .skip(1)
        .map(|l| l.split_once(',').map_or("", |(_, r)| r).to_owned() + "\n")
        .collect();
    breaks("no keys", bare.as_bytes(), "AL-I013");
    let digits: String = bare.replace([',', '\n'], "");
    breaks("digits in a row", digits.as_bytes(), "AL-I013");
}

#[test]
fn genotypes_hidden_in_code_and_reports() {
    let calls = people::matrix("\t", |d| people::call(d).into());
    let code = format!("import io\nDATA = \"\"\"\n{calls}\"\"\"\nprint(len(DATA))\n");
    breaks("in code", code.as_bytes(), "AL-I006");
    let report = format!("# Report\n\nAll is well.\n\n{calls}\nThe end of it.\n");
    breaks("in a report", report.as_bytes(), "AL-I006");
    // Columns of summary statistics before genotypes do not make them summary statistics.
    let mut lines = calls.lines();
    let head = lines.next().unwrap_or_default();
    let mut text = format!("rsid\tbeta\tp_value\t{head}\n");
    for line in lines {
        text.push_str(&format!("rs77\t0.1\t0.5\t{line}\n"));
    }
    breaks("as summary statistics", text.as_bytes(), "AL-I006");
}

#[test]
fn pieces_of_split_files_are_held() {
    let vcf = people::vcf();
    let half = vcf.len() / 2;
    breaks("second half of a VCF", &vcf.as_bytes()[half..], "AL-I002");
    let gz = binary::bgzf(vcf.as_bytes());
    breaks("first half of a BGZF", &gz[..gz.len() / 2], "AL-I002");
    for (what, bytes) in [
        ("rest of a BGZF", gz[gz.len() / 2..].to_vec()),
        ("rest of a bed", binary::bed()[100..].to_vec()),
        ("rest of a Crypt4GH", binary::crypt4gh()[100..].to_vec()),
    ] {
        assert!(look(&bytes).held(), "{what}");
    }
    let random = common::Dice(11).bytes(200_000);
    breaks("random bytes", &random, "AL-G013");
    breaks("random bytes", &random, "AL-G005");
}
