//! Genomic formats that are tables without being called so, by what their columns hold. Sources: PLINK 1.9 and 2 file formats,
//! the Oxford formats, GCTA, KING.

use super::block::Block;
use super::column::number;
use crate::kind::Kind;
use crate::text::{is_variant_key, person_code};

/// Rows that are looked at.
const ROWS: usize = 20;

/// The format of a table, if it is one of ours.
pub fn recognise(block: &Block) -> Option<Kind> {
    if block.header.is_some() {
        return by_header(block);
    }
    let rows: Vec<&[Vec<u8>]> = block.kept.iter().take(ROWS).map(Vec::as_slice).collect();
    let all = |test: fn(&[Vec<u8>]) -> bool| !rows.is_empty() && rows.iter().all(|r| test(r));
    let width = block.width;
    if width == 6 && all(fam) && rows.len() >= 2 {
        return Some(Kind::PlinkPeople);
    }
    if width == 6 && all(bim) {
        return Some(Kind::PlinkVariants);
    }
    if matches!(width, 3 | 4) && all(map) && rows.len() >= 3 {
        return Some(Kind::PlinkVariants);
    }
    if width >= 8 && width.is_multiple_of(2) && all(ped) {
        return Some(Kind::PlinkPed);
    }
    if width >= 7 && all(haps) {
        return Some(Kind::OxfordHaps);
    }
    if width >= 8 && all(gen_probabilities) {
        return Some(Kind::OxfordGen);
    }
    (width == 4 && triangle(&rows)).then_some(Kind::PeopleMatrix)
}

fn by_header(block: &Block) -> Option<Kind> {
    let names: Vec<&str> = block
        .names
        .iter()
        .map(|n| n.trim_start_matches('#'))
        .collect();
    let has = |name: &str| names.contains(&name);
    let begins = |list: &[&str]| names.starts_with(list);
    let person = has("iid")
        || has("fid")
        || has("id1")
        || has("iid1")
        || has("sample")
        || has("sample_id")
        || has("eid");
    if begins(&["fid", "iid", "pat", "mat", "sex", "phenotype"]) {
        return Some(if block.width > 6 {
            Kind::PlinkRaw
        } else {
            Kind::PlinkPeople
        });
    }
    if begins(&["id_1", "id_2", "missing"]) {
        return Some(Kind::OxfordSample);
    }
    if begins(&["chrom", "pos", "id", "ref", "alt"])
        && block.gwas.as_ref().is_none_or(|g| !g.tested)
    {
        return Some(Kind::PlinkVariants);
    }
    if has("kinship") || has("pi_hat") || has("ibs0") && person {
        return Some(Kind::PeopleMatrix);
    }
    if person && has("pc1") && has("pc2") {
        return Some(Kind::PeopleMatrix);
    }
    let score = |n: &&&str| n.contains("score") || **n == "prs" || **n == "grs" || **n == "pgs";
    if person && names.iter().filter(score).count() > 0 {
        return Some(Kind::PeopleMatrix);
    }
    let hash = block
        .names
        .first()
        .is_some_and(|n| n == "#fid" || n == "#iid");
    if hash {
        return Some(Kind::PlinkPeople);
    }
    // Codes of people over the columns and in front of the rows.
    let codes = block
        .columns
        .first()
        .is_some_and(|c| c.codes >= 5 && c.codes * 2 > c.values);
    (codes && block.header_codes >= 5).then_some(Kind::PeopleMatrix)
}

fn field(row: &[Vec<u8>], n: usize) -> &[u8] {
    row.get(n).map_or(b"", Vec::as_slice)
}

fn one_of(value: &[u8], list: &[&[u8]]) -> bool {
    list.contains(&value)
}

fn base(value: &[u8]) -> bool {
    one_of(
        value,
        &[
            b"A", b"C", b"G", b"T", b"a", b"c", b"g", b"t", b"0", b"1", b"2", b"N", b"-", b"D",
            b"I", b"B",
        ],
    )
}

fn alleles(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|b| b"ACGTNacgtn0*-<>DI12B".contains(b))
}

/// Family, person, father, mother, sex, phenotype.
fn fam(row: &[Vec<u8>]) -> bool {
    let id = |n| {
        let f = field(row, n);
        !f.is_empty() && number(f).is_none_or(|n| n.fract() == 0.0)
    };
    let sex = one_of(field(row, 4), &[b"0", b"1", b"2", b"-9", b"NA", b"M", b"F"]);
    let phenotype = number(field(row, 5)).is_some() || one_of(field(row, 5), &[b"NA"]);
    // A parent is another person's id, or 0: never a fraction.
    (0..4).all(id)
        && sex
        && phenotype
        && !alleles_only(row)
        && (field(row, 2) == b"0"
            || person_code(field(row, 2)).is_some()
            || field(row, 2).len() >= 2)
}

fn alleles_only(row: &[Vec<u8>]) -> bool {
    let letters = |v: &[u8]| v.iter().all(|b| b"ACGTacgt".contains(b));
    letters(field(row, 4)) && letters(field(row, 5))
}

fn chromosome(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"chr").unwrap_or(value);
    value.len() <= 2 && number(value).is_some_and(|n| (0.0..=26.0).contains(&n))
        || one_of(value, &[b"X", b"Y", b"XY", b"MT", b"M", b"PAR1", b"PAR2"])
}

fn position(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// Chromosome, name, centimorgans, position, two alleles.
fn bim(row: &[Vec<u8>]) -> bool {
    chromosome(field(row, 0))
        && number(field(row, 2)).is_some()
        && position(field(row, 3))
        && alleles(field(row, 4))
        && alleles(field(row, 5))
        && (is_variant_key(field(row, 1)) || number(field(row, 1)).is_none())
}

/// Chromosome, name, perhaps centimorgans, position.
fn map(row: &[Vec<u8>]) -> bool {
    let named = is_variant_key(field(row, 1));
    let middle = row.len() == 3 || number(field(row, 2)).is_some();
    chromosome(field(row, 0))
        && named
        && middle
        && position(field(row, row.len().saturating_sub(1)))
}

/// As fam, then two alleles a variant.
fn ped(row: &[Vec<u8>]) -> bool {
    one_of(field(row, 4), &[b"0", b"1", b"2", b"-9", b"NA", b"other"])
        && number(field(row, 5)).is_some_and(|n| n.fract() == 0.0 || n == -9.0)
        && row.iter().skip(6).all(|a| base(a))
        && (number(field(row, 1)).is_none() || field(row, 2) == b"0")
}

/// Name or chromosome, rsID, position, two alleles, then 0 or 1 for each haplotype.
fn haps(row: &[Vec<u8>]) -> bool {
    let haplotype = |v: &Vec<u8>| one_of(v, &[b"0", b"1", b"0*", b"1*", b"?", b"-"]);
    position(field(row, 2))
        && alleles(field(row, 3))
        && alleles(field(row, 4))
        && number(field(row, 3)).is_none()
        && row.iter().skip(5).all(haplotype)
}

/// Five or six leading columns, then three probabilities a person.
fn gen_probabilities(row: &[Vec<u8>]) -> bool {
    let lead = match row.len() % 3 {
        2 => 5,
        0 => 6,
        _ => return false,
    };
    let named = position(field(row, lead - 3))
        && alleles(field(row, lead - 2))
        && alleles(field(row, lead - 1));
    let triples = row.get(lead..).unwrap_or_default().chunks_exact(3);
    named
        && number(field(row, lead - 1)).is_none()
        && triples.into_iter().all(|triple| {
            let sum: Option<f64> = triple.iter().map(|v| number(v)).sum();
            sum.is_some_and(|s| s.abs() < 0.02 || (s - 1.0).abs() < 0.02)
        })
}

/// A relationship matrix as GCTA writes it: 1 1, 2 1, 2 2, 3 1, and so on.
fn triangle(rows: &[&[Vec<u8>]]) -> bool {
    let (mut i, mut j) = (1, 1);
    let mut steps = 0;
    for row in rows {
        let at = (number(field(row, 0)), number(field(row, 1)));
        if at != (Some(f64::from(i)), Some(f64::from(j))) {
            return false;
        }
        steps += 1;
        if j == i {
            (i, j) = (i + 1, 1);
        } else {
            j += 1;
        }
    }
    steps >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|c| c.as_bytes().to_vec()).collect()
    }

    #[test]
    fn rows_of_each_format() {
        assert!(fam(&row("F1 HG00096 0 0 1 -9")));
        assert!(!fam(&row("1 rs1 0 1000 A G")) && bim(&row("1 rs1 0 1000 A G")));
        assert!(map(&row("2 rs22 0 12345")) && !map(&row("2 cases 0 12345")));
        assert!(ped(&row("F1 P1 0 0 2 1 A A G T")));
        assert!(haps(&row("1 rs1 1000 A G 0 1 1 0")));
        assert!(gen_probabilities(&row("snp1 rs1 1000 A G 1 0 0 0 0.5 0.5")));
        assert!(!gen_probabilities(&row(
            "snp1 rs1 1000 A G 1 1 0 0 0.5 0.5"
        )));
    }
}
