//! Rules about tables and identifiers: each with what breaks it and, beside it, what does not.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use common::{Dice, breaks, has, held, look, look_as, passes, people, results};
use sde_inspect::{Declared, Limits, Thresholds, inspect};

/// A table by its header and rows.
fn table(header: &str, rows: impl IntoIterator<Item = String>) -> String {
    let rows: Vec<String> = rows.into_iter().collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

#[test]
fn small_counts() {
    let small = results::COUNTS.replace(",120\n", ",7\n");
    let report = look(small.as_bytes());
    assert_eq!(held(&report), ["AL-S001"]);
    assert_eq!(report.findings[0].place.line, Some(2));
    breaks(
        "crosstab",
        results::CROSSTAB.replace("415", "4").as_bytes(),
        "AL-S001",
    );
    breaks(
        "on its side",
        b"group,a,b,c\nn,120,7,300\nmean,1.5,2.5,3.5\n",
        "AL-S001",
    );
    breaks(
        "in Markdown",
        results::MARKDOWN.replace(" 60 ", " 6 ").as_bytes(),
        "AL-S001",
    );
    breaks(
        "in JSON",
        b"[{\"g\":\"a\",\"n\":120},{\"g\":\"b\",\"n\":3}]",
        "AL-S001",
    );
    breaks("one row", b"group,n\ncarriers,3\n", "AL-S001");
    // A policy may ask for more, never for less than 5.
    let (limits, declared) = (Limits::default(), Declared::default());
    let with = |small_count| {
        let thresholds = Thresholds {
            small_count,
            ..Thresholds::default()
        };
        let bytes = results::COUNTS.replace(",120\n", ",4\n");
        inspect(
            &mut std::io::Cursor::new(bytes),
            &limits,
            &thresholds,
            &declared,
        )
        .unwrap()
    };
    assert!(with(1).held() && with(5).held());
    let zero = look(results::COUNTS.replace(",120\n", ",0\n").as_bytes());
    assert!(has(&zero, "AL-S002") && !zero.held(), "{zero:#?}");
    let odd = look(results::COUNTS.replace(",120\n", ",121\n").as_bytes());
    assert!(has(&odd, "AL-S008") && !odd.held(), "{odd:#?}");
    assert!(!has(&look(results::COUNTS.as_bytes()), "AL-S008"));
}

#[test]
fn totals_give_suppressed_cells_back() {
    let header = "group,cases,controls,total";
    let kept = ["a,120,240,360", "b,130,300,430", "c,115,200,315"].map(String::from);
    passes(
        "a table with totals",
        table(header, kept.clone()).as_bytes(),
    );
    let mut one = kept.clone();
    one[1] = "b,*,300,305".into();
    breaks(
        "one suppressed in a row",
        table(header, one).as_bytes(),
        "AL-S007",
    );
    let mut few = kept.clone();
    few[2] = "c,310,200,315".into();
    breaks("few are left", table(header, few).as_bytes(), "AL-S007");
    let down = ["a,120", "b,<10", "Total,125"].map(String::from);
    breaks(
        "one suppressed in a column",
        table("group,cases", down).as_bytes(),
        "AL-S007",
    );
    let two = ["a,120", "b,<10", "c,<10", "Total,135"].map(String::from);
    passes("two suppressed", table("group,cases", two).as_bytes());
}

#[test]
fn other_statistics() {
    breaks(
        "end points",
        b"group,n,min,max\na,100,18,93\nb,200,19,95\n",
        "AL-S005",
    );
    breaks(
        "few degrees of freedom",
        b"term,estimate,std.error,df\nage,0.1,0.02,4\nsex,0.2,0.02,4\n",
        "AL-S004",
    );
    passes(
        "many degrees of freedom",
        b"term,estimate,std.error,df\nage,0.1,0.02,400\nsex,0.2,0.02,400\n",
    );
    let long = |n: usize| {
        table(
            "gene,mean,sd",
            (0..n).map(|i| format!("GENE{i},{}.5,1.25", 20 + i)),
        )
    };
    breaks("many rows", long(5001).as_bytes(), "AL-S011");
    passes("not so many", long(900).as_bytes());
    breaks(
        "no header",
        b"1.5,2.5,3.5\n4.5,5.5,6.5\n7.5,8.5,9.5\n",
        "AL-S014",
    );
}

#[test]
fn summary_statistics_have_their_floors() {
    let with = |column: usize, value: &str| {
        let mut lines: Vec<String> = results::gwas(50).lines().map(String::from).collect();
        let mut cells: Vec<&str> = lines[20].split('\t').collect();
        cells[column] = value;
        lines[20] = cells.join("\t");
        lines.join("\n")
    };
    let rare = look(with(6, "0.00001").as_bytes());
    assert_eq!(held(&rare), ["AL-I012"]);
    assert_eq!(rare.findings[0].place.line, Some(21));
    breaks(
        "frequency near one",
        with(6, "0.99999").as_bytes(),
        "AL-I012",
    );
    breaks("no frequency", with(6, "NA").as_bytes(), "AL-I012");
    let few = results::gwas(50).replace("45210", "450");
    breaks("few people", few.as_bytes(), "AL-I012");
    let people = Declared {
        population: Some(300),
        ..Declared::default()
    };
    let undeclared = results::gwas(50).replace("\tn\n", "\tother\n");
    assert!(has(&look_as(undeclared.as_bytes(), &people), "AL-I012"));
    let mut wide = String::new();
    for (n, line) in results::gwas(50).lines().enumerate() {
        let more: Vec<String> = (0..12)
            .map(|c| {
                if n == 0 {
                    format!("x{c}")
                } else {
                    format!("{c}.5")
                }
            })
            .collect();
        wide.push_str(&format!("{line}\t{}\n", more.join("\t")));
    }
    breaks("columns of other things", wide.as_bytes(), "AL-I013");
}

#[test]
fn ids_of_people() {
    let rows = || {
        people::ids()
            .into_iter()
            .enumerate()
            .map(|(n, i)| format!("{i},{}.5", 20 + n))
    };
    breaks(
        "a column of ids",
        table("code,glucose", rows()).as_bytes(),
        "AL-I008",
    );
    let numbers = (0..40).map(|n| format!("{},{}.5", 1_000_017 + n * 13, n));
    breaks(
        "numbers by name",
        table("eid,glucose", numbers).as_bytes(),
        "AL-I008",
    );
    let side = people::transpose(&table("participant_id,glucose", rows()), ',');
    breaks("on its side", side.as_bytes(), "AL-I008");
    breaks(
        "in a text",
        people::ids().join(" and ").as_bytes(),
        "AL-P006",
    );
    let genes = (0..60).map(|n| format!("ENSG{:011},{}.5", n * 17, n));
    passes("genes", table("gene_id,mean", genes).as_bytes());
    passes(
        "a few ids in a sentence",
        b"HG00096 and NA12878 are public samples of the 1000 Genomes Project.\n",
    );
}

#[test]
fn as_many_rows_as_people() {
    let rows = |n: usize| table("glucose,bmi", (0..n).map(|i| format!("{i}.5,{i}.25")));
    let declared = Declared {
        cohort: Some(400),
        ..Declared::default()
    };
    let found = |n| look_as(rows(n).as_bytes(), &declared);
    assert!(has(&found(401), "AL-I007"));
    assert!(has(&found(220), "AL-I008"));
    assert!(!found(60).held(), "{:#?}", found(60));
    let mut dice = Dice(5);
    let wide: Vec<String> = (0..1000)
        .map(|_| {
            (0..25)
                .map(|_| format!("{}.25", dice.below(90)))
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    let header: Vec<String> = (0..25).map(|c| format!("v{c}")).collect();
    breaks(
        "wide and long",
        table(&header.join(","), wide).as_bytes(),
        "AL-I013",
    );
}

#[test]
fn direct_identifiers() {
    let nhs = people::nhs_numbers(6);
    breaks("NHS numbers", nhs.join("\n").as_bytes(), "AL-P001");
    let spaced: Vec<String> = nhs
        .iter()
        .map(|n| format!("{} {} {}", &n[..3], &n[3..6], &n[6..]))
        .collect();
    breaks("with blanks", spaced.join("; ").as_bytes(), "AL-P001");
    breaks(
        "on their side",
        format!("x,{}\ny,1,2,3,4,5,6\nz,1,2,3,4,5,6\n", nhs.join(",")).as_bytes(),
        "AL-P001",
    );
    let mut dice = Dice(17);
    let random: Vec<String> = (0..400)
        .map(|_| format!("{}", 1_000_000_000 + dice.below(8_999_999_999)))
        .collect();
    assert!(
        !has(&look(random.join("\n").as_bytes()), "AL-P001"),
        "one in eleven is valid by chance"
    );

    breaks(
        "dates of birth",
        table(
            "dob,n",
            ["1950-01-31,12", "1962-11-03,15", "1948-07-19,20"].map(String::from),
        )
        .as_bytes(),
        "AL-P003",
    );
    let born = (0..20).map(|n| {
        format!(
            "x{n},{:02}/{:02}/{}",
            1 + (n * 7) % 28,
            1 + n % 12,
            1930 + (n * 13) % 60
        )
    });
    breaks(
        "without their name",
        table("k,when", born).as_bytes(),
        "AL-P003",
    );
    breaks(
        "on their side",
        b"measure,p,q,r\ndob,1950-01-31,1962-11-03,1948-07-19\nbmi,20.5,21.5,22.5\n",
        "AL-P003",
    );
    let months = (0..24).map(|n| format!("{}-{:02}-01,{}", 2001 + n, 1 + n % 12, 100 + 5 * n));
    passes("a series by month", table("month,n", months).as_bytes());

    breaks(
        "names",
        table(
            "surname,n",
            ["Jones,12", "Smith,15", "Khan,20"].map(String::from),
        )
        .as_bytes(),
        "AL-P002",
    );
    let mails: Vec<String> = (0..6).map(|n| format!("p{n}@example.org")).collect();
    breaks("e-mail addresses", mails.join(" ").as_bytes(), "AL-P002");
    passes(
        "an author's address",
        b"Written by A. Author <author@example.org>.\n",
    );
    breaks(
        "postcodes",
        b"SW1A 1AA, M1 1AE, CR2 6XH and EH1 1YZ\n",
        "AL-P004",
    );
    passes("outward codes", b"area,n\nSW1A,120\nM1,145\nCR2,160\n");
    let words = "the patient was seen in clinic and told us about everything that had happened since the last visit there";
    let free = (0..12).map(|n| format!("{n}.5,{words} {n}"));
    breaks(
        "free text",
        table("score,notes", free).as_bytes(),
        "AL-P005",
    );
}

#[test]
fn text_that_hides_something() {
    breaks(
        "base64",
        &common::wrap::base64(&Dice(3).bytes(6000)),
        "AL-G013",
    );
    breaks(
        "hexadecimal",
        "0123456789abcdef".repeat(300).as_bytes(),
        "AL-G013",
    );
    passes(
        "a digest",
        format!("sha256 {}\n", "0123456789abcdef".repeat(4)).as_bytes(),
    );
    breaks(
        "zero width",
        "plain\u{200b} text\u{202e}\n".as_bytes(),
        "AL-G010",
    );
    let key = format!("-----BEGIN {} KEY-----\nMIIEvQ\n", "RSA PRIVATE");
    breaks("a key", key.as_bytes(), "AL-G022");
    let fasta = format!(">chr2\n{}\n", "ACGTTGCAAC".repeat(7)).repeat(200);
    breaks("sequence", fasta.as_bytes(), "AL-I011");
    passes("a primer", b">primer\nACGTTGCAACACGTTGCAACACGTTGCAACACGT\n");
}

#[test]
fn documents() {
    let notebook = br#"{"cells":[{"cell_type":"code","outputs":[],"source":["1+1"]}],"nbformat":4,"nbformat_minor":5,"metadata":{}}"#;
    breaks("a notebook", notebook, "AL-D001");
    let page =
        "<!DOCTYPE html><html><script>1</script><img src=\"https://example.org/x.png\"></html>";
    breaks("HTML", page.as_bytes(), "AL-D005");
    breaks("HTML", page.as_bytes(), "AL-G006");
    breaks("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='data:image/png;base64,iVBORw0KGgo='/></svg>", "AL-D002");
    let pdf = String::from_utf8(common::wrap::pdf()).unwrap();
    assert_eq!(held(&look(pdf.as_bytes())), ["AL-G006"]);
    breaks(
        "PDF",
        pdf.replace("/Count 0", "/JS (x)").as_bytes(),
        "AL-D004",
    );
    let macros = common::wrap::zip_named(
        "[Content_Types].xml",
        b"<Types/>",
        zip::write::SimpleFileOptions::default(),
    );
    assert!(!has(&look(&macros), "AL-D003"));
    breaks("a model", &common::binary::safetensors(), "AL-M002");
    breaks("HDF5", &common::binary::hdf5(b"counts"), "AL-I009");
    breaks("a program", b"\x7fELF\x02\x01\x01\0\0\0\0\0", "AL-N002");
}

#[test]
fn allele_frequencies_alone_have_a_floor_too() {
    let table = |frequency: &str, people: u32| {
        let rows: String = (0..8)
            .map(|n| format!("2\trs{}\tA\tG\t{frequency}\t{people}\n", 10_000 + n))
            .collect();
        format!("#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT\n{rows}")
    };
    passes("a common variant", table("0.125", 10_000).as_bytes());
    breaks("a rare one", table("0.0005", 10_000).as_bytes(), "AL-I012");
    breaks("of few people", table("0.125", 1000).as_bytes(), "AL-I012");
}

#[test]
fn more_columns_than_people_read() {
    let rows = |columns: usize| -> String {
        let row = |n: usize| {
            (0..columns)
                .map(|c| format!("{}.5", n + c))
                .collect::<Vec<_>>()
        };
        let names: Vec<String> = (0..columns).map(|c| format!("dose{c}")).collect();
        format!(
            "{}\n{}\n{}\n",
            names.join(","),
            row(1).join(","),
            row(2).join(",")
        )
    };
    passes("some", rows(40).as_bytes());
    breaks("many", rows(300).as_bytes(), "AL-S011");
}

#[test]
fn distances_between_people() {
    let matrix = |n: usize| -> String {
        let cell = |a: usize, b: usize| format!("0.{:03}", if a == b { 0 } else { 100 + a + b });
        (0..n)
            .map(|a| (0..n).map(|b| cell(a, b)).collect::<Vec<_>>().join("\t") + "\n")
            .collect()
    };
    breaks("many", matrix(30).as_bytes(), "AL-I013");
    let named = format!(
        "\t{}\n{}",
        ["u", "v", "w", "x"].join("\t"),
        "trait\t0.1\t0.2\t0.3\t0.4\n".repeat(4)
    );
    passes("of traits", named.as_bytes());
}

#[test]
fn json_in_one_long_line_and_json_that_ends_early() {
    let person = |n: usize| {
        let doses: Vec<String> = (0..200)
            .map(|v| format!("\"2:{}:A:C_A\":{}", 10_000 + v, (n * v) % 3))
            .collect();
        format!("{{{}}}", doses.join(","))
    };
    let people: Vec<String> = (0..600).map(person).collect();
    let json = format!("[{}]", people.join(","));
    assert!(json.len() > 2 << 20, "longer than lines are kept");
    breaks("all of it", json.as_bytes(), "AL-I006");
    breaks(
        "a part of it",
        &json.as_bytes()[..json.len() / 2],
        "AL-G019",
    );
    passes("another", b"{\"auc\": 0.81, \"n\": 4000}\n");
}

#[test]
fn steps_of_survival_curves() {
    let curve = |names: &str, people: f64, fall: f64| -> String {
        let mut rows = format!("time,survival{names}\n");
        for n in 0..8 {
            let at = 1.0 - f64::from(n) * fall;
            let risk = format!(",{:.0}", people * at);
            rows.push_str(&format!(
                "{n},{at:.4}{}\n",
                if names.is_empty() { "" } else { &risk }
            ));
        }
        rows
    };
    passes("wide steps", curve(",n_at_risk", 5000.0, 0.01).as_bytes());
    breaks(
        "of one person",
        curve(",n_at_risk", 5000.0, 0.0002).as_bytes(),
        "AL-S006",
    );
    let bare = curve("", 0.0, 0.01);
    breaks("of nobody knows how many", bare.as_bytes(), "AL-S006");
    let declared = |population| Declared {
        population: Some(population),
        ..Declared::default()
    };
    assert!(!look_as(bare.as_bytes(), &declared(5000)).held());
    assert!(has(&look_as(bare.as_bytes(), &declared(300)), "AL-S006"));
}

#[test]
fn acros_record_of_its_checks() {
    passes("passed", include_bytes!("corpus/acro-pass.json"));
    let failed = look(include_bytes!("corpus/acro-fail.json"));
    let found = failed.findings.iter().find(|f| f.rule == "AL-S013");
    // One output failed, and an exception is asked for it.
    assert_eq!(found.map(|f| f.count), Some(2), "{failed:#?}");
}

#[test]
fn one_persons_genotypes_among_comments() {
    let rows = |value: fn(usize) -> &'static str| -> String {
        let row = |n: usize| format!("rs{}\t2\t{}\t{}\n", 10_000 + n, 45_000 + n, value(n));
        (0..40).map(row).collect()
    };
    let comment = "# This data file was generated by a company\n".repeat(40);
    let calls = rows(|n| ["AA", "AG", "GG"][n % 3]);
    breaks("calls", format!("{comment}{calls}").as_bytes(), "AL-I006");
    let alleles = rows(|n| ["A/G", "C/T", "G/A"][n % 3]);
    let named = format!("rsid\tchr\tpos\talleles\n{alleles}");
    assert!(
        !has(&look(named.as_bytes()), "AL-I006"),
        "which alleles a variant has is public"
    );
}
