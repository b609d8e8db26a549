//! Honest work passes: what researchers make is not held.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::{has, look, look_as, passes, results, wrap};
use sde_inspect::{Declared, Kind, request};

#[test]
fn tables_of_counts() {
    let report = passes("counts", results::COUNTS.as_bytes());
    assert_eq!(report.kind, Kind::Table);
    assert!(report.facts.counts);
    assert_eq!((report.facts.rows, report.facts.columns), (6, 4));
    passes("crosstab", results::CROSSTAB.as_bytes());
    for delimiter in ["\t", ";", "|", " "] {
        let text = results::CROSSTAB.replace(',', delimiter);
        passes("crosstab, other delimiter", text.as_bytes());
    }
}

#[test]
fn estimates() {
    let report = passes("coefficients", results::COEFFICIENTS.as_bytes());
    assert_eq!(report.kind, Kind::Coefficients);
}

#[test]
fn summary_statistics() {
    let text = results::gwas(8000);
    let report = passes("gwas", text.as_bytes());
    assert_eq!(report.kind, Kind::GwasSummary);
    assert_eq!(
        report.facts.rows, 8000,
        "more than any other table may have"
    );
    passes("gwas, gzip", &wrap::gzip(text.as_bytes()));
    // The number of people may be declared instead of written in each row.
    let without: String = text
        .lines()
        .map(|l| l.rsplit_once('\t').unwrap().0.to_owned() + "\n")
        .collect();
    assert!(has(&look(without.as_bytes()), "AL-I012"));
    let declared = Declared {
        population: Some(45_210),
        ..Declared::default()
    };
    let report = look_as(without.as_bytes(), &declared);
    assert!(!report.held(), "{report:#?}");
}

#[test]
fn text_and_code() {
    for (what, text, kind) in [
        ("Markdown", results::MARKDOWN, Kind::Markdown),
        ("Python", results::PYTHON, Kind::Code),
        ("R", results::R, Kind::Code),
        ("JSON", results::JSON, Kind::Json),
        ("a sentence", "All models converged.\n", Kind::Text),
        ("nothing", "", Kind::Empty),
    ] {
        let report = passes(what, text.as_bytes());
        assert_eq!(report.kind, kind, "{what}");
    }
    passes(
        "UTF-8 with a mark",
        "\u{feff}Größe,n\nklein,120\ngroß,340\n".as_bytes(),
    );
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(results::CROSSTAB.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(passes("UTF-16", &utf16).facts.counts);
}

#[test]
fn our_own_sources_are_code() {
    for (what, text) in [
        ("lib.rs", include_str!("../src/lib.rs")),
        ("walk/mod.rs", include_str!("../src/walk/mod.rs")),
        ("report.rs", include_str!("../src/report.rs")),
        ("Cargo.toml", include_str!("../Cargo.toml")),
        ("README.md", include_str!("../../../README.md")),
        (
            "contributor.md",
            include_str!("../../../docs/src/contributor.md"),
        ),
        ("SUMMARY.md", include_str!("../../../docs/src/SUMMARY.md")),
        ("LICENSE", include_str!("../../../LICENSE")),
    ] {
        passes(what, text.as_bytes());
    }
}

#[test]
fn a_plot_with_its_counts() {
    let plot = passes("plot", &results::plot());
    assert_eq!(plot.kind, Kind::Png);
    assert!(plot.facts.figure);
    let counts = look(results::COUNTS.as_bytes());
    let thresholds = sde_inspect::Thresholds::default();
    assert!(request(&[plot, counts], &thresholds).is_empty());
}
