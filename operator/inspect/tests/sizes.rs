//! Ceilings of size by type.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::io::Cursor;

use common::{has, results};
use sde_inspect::{Declared, Limits, Report, Thresholds, inspect};

fn with(bytes: &[u8], thresholds: &Thresholds) -> Report {
    inspect(
        &mut Cursor::new(bytes),
        &Limits::default(),
        thresholds,
        &Declared::default(),
    )
    .unwrap()
}

#[test]
fn each_type_has_its_ceiling() {
    let small = Thresholds {
        file_bytes: 10_000,
        block_bytes: 100_000,
        gwas_bytes: 1_000_000,
        ..Thresholds::default()
    };
    let text = "All models converged, and this is why.\n";
    assert!(!with(text.as_bytes(), &small).held());
    assert!(has(&with(text.repeat(300).as_bytes(), &small), "AL-G003"));
    assert!(has(&with(text.repeat(3000).as_bytes(), &small), "AL-G025"));
    let gwas = results::gwas(4000);
    assert!(gwas.len() > 100_000);
    assert!(
        !with(gwas.as_bytes(), &small).held(),
        "more than any other type"
    );
    let less = Thresholds {
        gwas_bytes: 100_000,
        ..small
    };
    assert!(has(&with(gwas.as_bytes(), &less), "AL-G003"));
}
