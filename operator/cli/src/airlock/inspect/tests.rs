//! What is printed is pinned; what would be held ends with 1, what cannot be read with 2.

use std::path::PathBuf;

use super::*;
use crate::out::Format;

const COUNTS: &str = "age_band,sex,n\n40-49,F,1210\n40-49,M,1105\n50-59,F,1500\n";
const SMALL: &str = "age_band,sex,n\n40-49,F,1210\n40-49,M,4\n50-59,F,1500\n";
const VCF: &str = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tHG1\n2\t1000\trs1\tA\tG\t.\tPASS\tAC=1\tGT\t0/1\n";

/// Files in a folder of their own, and the command line that names them.
fn args(files: &[(&str, &str)]) -> (tempfile::TempDir, InspectArgs) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let args = InspectArgs {
        files: paths,
        population: None,
        cohort: None,
        import: false,
        output: crate::args::Output {
            output: Format::Text,
        },
    };
    (folder, args)
}

#[test]
fn what_people_read() {
    let (folder, args) = args(&[("ok.csv", COUNTS), ("small.csv", SMALL), ("plot.png", VCF)]);
    let inspection = look(&args).unwrap();
    assert!(inspection.held);
    let folder = format!("{}/", folder.path().display());
    // Columns are as wide as the folder's name, which is left out.
    let text = render(&inspection, Paint(false), 110).replace(&folder, "");
    let lines = text
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    let text: Vec<String> = lines.collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn the_exit_code_says_whether_something_would_be_held() {
    let (_folder, ok) = args(&[("ok.csv", COUNTS)]);
    assert_eq!(run(&ok, Paint(false)).unwrap(), Done::Yes);
    let (_folder, small) = args(&[("small.csv", SMALL)]);
    assert_eq!(run(&small, Paint(false)).unwrap(), Done::No);
    let (folder, mut none) = args(&[]);
    none.files = vec![folder.path().join("missing.csv")];
    assert!(matches!(run(&none, Paint(false)), Err(CliError::Usage(_))));
    none.files = vec![folder.path().to_owned()];
    assert!(matches!(run(&none, Paint(false)), Err(CliError::Usage(_))));
}

#[test]
fn programs_get_rules_and_places_and_no_values() {
    let (_folder, args) = args(&[("leak.csv", VCF)]);
    let json = serde_json::to_string(&look(&args).unwrap()).unwrap();
    assert!(json.contains("\"rule\":\"AL-I002\"") && json.contains("\"severity\":\"Block\""));
    assert!(!json.contains("HG1") && !json.contains("rs1"), "{json}");
}

#[test]
fn what_is_to_come_in_is_looked_at_as_that() {
    let severities = |import: bool| -> Vec<(&'static str, Severity)> {
        let (_folder, mut args) = args(&[("small.csv", SMALL), ("cohort.vcf", VCF)]);
        args.import = import;
        let inspection = look(&args).unwrap();
        let found = inspection.files.iter().flat_map(|f| &f.findings);
        let held = found.filter(|f| f.severity >= Severity::Hold);
        held.map(|f| (f.rule, f.severity)).collect()
    };
    let leaving = severities(false);
    assert!(leaving.contains(&("AL-S001", Severity::Hold)));
    assert!(leaving.contains(&("AL-I002", Severity::Block)));
    assert_eq!(severities(true), [("AL-N003", Severity::HoldSenior)]);
}
