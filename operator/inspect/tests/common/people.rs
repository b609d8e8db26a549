//! Texts with one record a person.

use super::Dice;

pub const VARIANTS: usize = 40;
pub const PEOPLE: usize = 30;

/// Ids as the 1000 Genomes Project writes them.
pub fn id(person: usize) -> String {
    format!("HG{:05}", 96 + person)
}

pub fn rs(variant: usize) -> String {
    format!("rs{}", 10_000 + 37 * variant)
}

/// 0, 1 or 2 for each variant and person.
pub fn doses() -> Vec<Vec<u8>> {
    let mut dice = Dice(7);
    (0..VARIANTS)
        .map(|_| (0..PEOPLE).map(|_| (dice.below(3)) as u8).collect())
        .collect()
}

pub fn call(dose: u8) -> &'static str {
    ["0/0", "0/1", "1/1"][dose as usize]
}

pub fn pair(dose: u8) -> &'static str {
    ["AA", "AG", "GG"][dose as usize]
}

pub fn ids() -> Vec<String> {
    (0..PEOPLE).map(id).collect()
}

pub fn vcf_header(samples: bool) -> String {
    let mut text = String::from(
        "##fileformat=VCFv4.2\n##contig=<ID=2,length=243199373>\n##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Count\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    );
    if samples {
        text.push_str("\tFORMAT\t");
        text.push_str(&ids().join("\t"));
    }
    text.push('\n');
    text
}

pub fn vcf_body(samples: bool) -> String {
    let mut text = String::new();
    for (v, row) in doses().iter().enumerate() {
        let site = format!("2\t{}\t{}\tA\tG\t.\tPASS\tAC=31", 45_000 + v * 10, rs(v));
        text.push_str(&site);
        if samples {
            let calls: Vec<&str> = row.iter().map(|d| call(*d)).collect();
            text.push_str(&format!("\tGT\t{}", calls.join("\t")));
        }
        text.push('\n');
    }
    text
}

pub fn vcf() -> String {
    vcf_header(true) + &vcf_body(true)
}

pub fn sam() -> String {
    let mut text = String::from("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr2\tLN:1000\n");
    for n in 0..5 {
        text.push_str(&format!(
            "read{n}\t99\tchr2\t{}\t60\t10M\t=\t80\t40\tACGTTACGAT\tIIIIIIIIII\n",
            10 + n
        ));
    }
    text
}

pub fn fastq() -> String {
    let bases = "ACGTTACGATTACGGATCCA";
    (0..6)
        .map(|n| format!("@read{n}\n{bases}\n+\n{}\n", "I".repeat(bases.len())))
        .collect()
}

/// Variants in rows, people in columns.
pub fn matrix(delimiter: &str, value: impl Fn(u8) -> String) -> String {
    let mut text = format!("variant{delimiter}{}\n", ids().join(delimiter));
    for (v, row) in doses().iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|d| value(*d)).collect();
        text.push_str(&format!("{}{delimiter}{}\n", rs(v), cells.join(delimiter)));
    }
    text
}

/// Any table with its rows as columns.
pub fn transpose(text: &str, delimiter: char) -> String {
    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split(delimiter).collect()).collect();
    (0..rows[0].len())
        .map(|c| {
            let column: Vec<&str> = rows.iter().map(|r| r[c]).collect();
            column.join(&delimiter.to_string()) + "\n"
        })
        .collect()
}

pub fn fam() -> String {
    ids()
        .iter()
        .map(|i| format!("{i} {i} 0 0 1 -9\n"))
        .collect()
}

pub fn ped() -> String {
    let doses = doses();
    let alleles = |d: u8| ["A A", "A G", "G G"][d as usize];
    (0..PEOPLE)
        .map(|p| {
            let genotypes: Vec<&str> = doses.iter().map(|row| alleles(row[p])).collect();
            format!("{0} {0} 0 0 1 2 {1}\n", id(p), genotypes.join(" "))
        })
        .collect()
}

pub fn raw() -> String {
    let doses = doses();
    let names: Vec<String> = (0..VARIANTS).map(|v| format!("{}_A", rs(v))).collect();
    let mut text = format!("FID IID PAT MAT SEX PHENOTYPE {}\n", names.join(" "));
    for p in 0..PEOPLE {
        let row: Vec<String> = doses.iter().map(|r| r[p].to_string()).collect();
        text.push_str(&format!("{0} {0} 0 0 1 -9 {1}\n", id(p), row.join(" ")));
    }
    text
}

pub fn bim() -> String {
    (0..VARIANTS)
        .map(|v| format!("2\t{}\t0\t{}\tA\tG\n", rs(v), 45_000 + v))
        .collect()
}

pub fn haps() -> String {
    doses()
        .iter()
        .enumerate()
        .map(|(v, row)| {
            let alleles: Vec<&str> = row
                .iter()
                .map(|d| ["0 0", "0 1", "1 1"][*d as usize])
                .collect();
            format!("2 {} {} A G {}\n", rs(v), 45_000 + v, alleles.join(" "))
        })
        .collect()
}

pub fn gen_file() -> String {
    doses()
        .iter()
        .enumerate()
        .map(|(v, row)| {
            let three: Vec<&str> = row
                .iter()
                .map(|d| ["1 0 0", "0 0.9 0.1", "0 0 1"][*d as usize])
                .collect();
            format!("snp{v} {} {} A G {}\n", rs(v), 45_000 + v, three.join(" "))
        })
        .collect()
}

pub fn oxford_sample() -> String {
    let mut text = String::from("ID_1 ID_2 missing sex\n0 0 0 D\n");
    for i in ids() {
        text.push_str(&format!("{i} {i} 0 1\n"));
    }
    text
}

pub fn kinship() -> String {
    let mut text = String::from("FID1\tIID1\tFID2\tIID2\tHethet\tIBS0\tKinship\n");
    for p in 1..PEOPLE {
        text.push_str(&format!(
            "{0}\t{0}\t{1}\t{1}\t0.1\t0.05\t0.01\n",
            id(p - 1),
            id(p)
        ));
    }
    text
}

pub fn eigenvec() -> String {
    let mut text = String::from("#FID\tIID\tPC1\tPC2\tPC3\n");
    for (p, i) in ids().iter().enumerate() {
        text.push_str(&format!("{i}\t{i}\t0.0{p}\t-0.01\t0.02\n"));
    }
    text
}

/// GCTA's text form of a relationship matrix, without a header.
pub fn grm() -> String {
    let mut text = String::new();
    for i in 1..=6 {
        for j in 1..=i {
            text.push_str(&format!("{i}\t{j}\t5000\t0.0{j}\n"));
        }
    }
    text
}

/// NHS numbers that are valid, from a range kept for tests (999).
pub fn nhs_numbers(n: usize) -> Vec<String> {
    (0..)
        .map(|k| format!("999{k:06}"))
        .filter_map(|nine| {
            let sum: u32 = nine
                .bytes()
                .enumerate()
                .map(|(i, b)| u32::from(b - b'0') * (10 - i as u32))
                .sum();
            match 11 - sum % 11 {
                11 => Some(format!("{nine}0")),
                10 => None,
                check => Some(format!("{nine}{check}")),
            }
        })
        .take(n)
        .collect()
}
