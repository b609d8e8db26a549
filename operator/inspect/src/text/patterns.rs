//! What one value looks like: a genotype, a variant's name, a code of a person, a number that the NHS gives out.

/// Whether a value is a genotype call as VCF writes it (`0/1`, `1|0`, `./.`, `0/1:35:99`).
pub fn genotype(value: &[u8]) -> bool {
    let call = value.split(|b| *b == b':').next().unwrap_or_default();
    let allele = |b: &u8| b.is_ascii_digit() || *b == b'.';
    matches!(call, [a, b'/' | b'|', b] if allele(a) && allele(b))
}

/// Whether a value is a pair of alleles (`AG`, `A/G`, `A|G`, `A G`).
pub fn allele_pair(value: &[u8]) -> bool {
    let base = |b: &u8| b"ACGTacgt".contains(b);
    match value {
        [a, b] => base(a) && base(b) && a.is_ascii_uppercase() == b.is_ascii_uppercase(),
        [a, b'/' | b'|' | b' ' | b':', b] => base(a) && base(b),
        _ => false,
    }
}

/// `rs` and digits.
pub fn rs_id(value: &[u8]) -> bool {
    let digits = value
        .strip_prefix(b"rs")
        .or_else(|| value.strip_prefix(b"RS"))
        .unwrap_or_default();
    digits.len() >= 2
        && digits.iter().take_while(|b| b.is_ascii_digit()).count() >= 2
        && digits
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"_:-(/)".contains(b))
}

/// An rsID, or chromosome and position with or without alleles (`2:1234`, `chr2_1234_A_G`).
pub fn is_variant_key(value: &[u8]) -> bool {
    if rs_id(value) {
        return true;
    }
    let value = value.strip_prefix(b"chr").unwrap_or(value);
    let mut parts = value.split(|b| matches!(b, b':' | b'_' | b'-'));
    let chromosome = parts.next().unwrap_or_default();
    let position = parts.next().unwrap_or_default();
    let numbered = chromosome.len() <= 2
        && chromosome.iter().all(u8::is_ascii_digit)
        && !chromosome.is_empty();
    let named = matches!(chromosome, b"X" | b"Y" | b"MT" | b"M" | b"XY");
    (numbered || named)
        && position.len() >= 4
        && position.iter().all(u8::is_ascii_digit)
        && parts.all(|p| {
            !p.is_empty()
                && p.iter()
                    .all(|b| b"ACGTNIDacgt*".contains(b) || b.is_ascii_digit())
        })
}

/// Beginnings of public identifiers: of variants, genes, transcripts, terms, probes, papers, assemblies.
const PUBLIC: [&[u8]; 48] = [
    b"rs", b"ss", b"kgp", b"exm", b"ens", b"nm_", b"nr_", b"np_", b"xm_", b"xr_", b"xp_", b"nc_",
    b"ng_", b"nt_", b"nw_", b"gca_", b"gcf_", b"gcst", b"hp:", b"go:", b"mondo", b"doid", b"omim",
    b"mesh", b"orpha", b"efo", b"chebi", b"uberon", b"cl:", b"hgnc", b"ax-", b"affx", b"ilmn",
    b"cg0", b"cg1", b"cg2", b"ch.", b"cosm", b"cosv", b"rcv", b"vcv", b"scv", b"pmc", b"pmid",
    b"doi", b"grch", b"chr", b"snp",
];

/// Whether a value has the form of a code that a study gives a person or sample: letters, then at least four digits, perhaps
/// more parts after `-` or `_`. Returns a number for its form, so that codes of one series can be counted together.
pub fn person_code(value: &[u8]) -> Option<u64> {
    if !(6..=40).contains(&value.len()) {
        return None;
    }
    let letters = value.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let after = value.get(letters..)?;
    let join = after
        .iter()
        .take_while(|b| matches!(b, b'-' | b'_'))
        .count();
    let digits = after
        .get(join..)?
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let rest = after.get(join + digits..)?;
    let formed = (1..=10).contains(&letters)
        && join <= 1
        && (4..=12).contains(&digits)
        && rest
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let lower: Vec<u8> = value.iter().take(8).map(u8::to_ascii_lowercase).collect();
    let public = PUBLIC.iter().any(|p| lower.starts_with(p));
    // A year or a date behind a word is no code.
    let year = digits == 4 && matches!(after.get(join..join + 2), Some(b"19" | b"20"));
    if !formed || public || year {
        return None;
    }
    let form = value.get(..letters)?;
    Some(crate::bytes::hash(form).wrapping_add(digits as u64))
}

/// The NHS number's check digit (NHS Data Dictionary: modulus 11), for ten digits. Ten equal digits pass and are no number.
pub fn nhs_number(digits: &[u8]) -> bool {
    if digits.len() != 10 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let value = |n: usize| digits.get(n).map_or(0, |b| u32::from(b - b'0'));
    let sum: u32 = (0..9).map(|n| value(n) * (10 - n as u32)).sum();
    let check = match 11 - sum % 11 {
        11 => 0,
        other => other,
    };
    let same = digits.iter().all(|b| Some(b) == digits.first());
    check == value(9) && check != 10 && !same
}

/// The two halves of a full postcode: `SW1A` and `1AA`.
pub fn postcode(outward: &[u8], inward: &[u8]) -> bool {
    let inner = matches!(inward, [d, a, b] if d.is_ascii_digit() && unit(*a) && unit(*b));
    let upper = |b: &u8| b.is_ascii_uppercase();
    let area = outward.iter().take_while(|b| upper(b)).count();
    let district = outward.get(area..).unwrap_or_default();
    let shaped = match district {
        [d] => d.is_ascii_digit(),
        [d, e] => d.is_ascii_digit() && (e.is_ascii_digit() || upper(e)),
        _ => false,
    };
    inner && (1..=2).contains(&area) && shaped
}

/// Letters that end a postcode: without C, I, K, M, O, V.
fn unit(byte: u8) -> bool {
    byte.is_ascii_uppercase() && !b"CIKMOV".contains(&byte)
}

/// A National Insurance number: two letters, six digits, A to D.
pub fn national_insurance(value: &[u8]) -> bool {
    matches!(value, [a, b, digits @ .., last]
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() && digits.len() == 6
        && digits.iter().all(u8::is_ascii_digit) && (b'A'..=b'D').contains(last))
}

/// An e-mail address.
pub fn email(value: &[u8]) -> bool {
    let mut parts = value.splitn(2, |b| *b == b'@');
    let (Some(local), Some(domain)) = (parts.next(), parts.next()) else {
        return false;
    };
    let dot = domain.iter().rposition(|b| *b == b'.');
    let end = dot.and_then(|d| domain.get(d + 1..)).unwrap_or_default();
    !local.is_empty()
        && !domain.contains(&b'@')
        && dot.is_some_and(|d| d > 0)
        && end.len() >= 2
        && end.iter().all(u8::is_ascii_alphabetic)
        && local
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(b))
}

/// A British telephone number.
pub fn telephone(value: &[u8]) -> bool {
    let national = value
        .strip_prefix(b"+44")
        .or_else(|| value.strip_prefix(b"0"));
    national.is_some_and(|n| {
        (9..=10).contains(&n.len())
            && n.iter().all(u8::is_ascii_digit)
            && matches!(n.first(), Some(b'1' | b'2' | b'3' | b'7'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genotypes_and_keys() {
        assert!(genotype(b"0/1") && genotype(b"1|0:35") && genotype(b"./."));
        assert!(!genotype(b"10/12") && !genotype(b"1/2024"));
        assert!(
            allele_pair(b"AG") && allele_pair(b"A/G") && !allele_pair(b"Ag") && !allele_pair(b"AL")
        );
        assert!(
            is_variant_key(b"rs699")
                && is_variant_key(b"chr2:12345:A:G")
                && is_variant_key(b"X_12345")
        );
        assert!(
            is_variant_key(b"rs699_A") && !is_variant_key(b"12:30") && !is_variant_key(b"2-2024-x")
        );
    }

    #[test]
    fn codes_of_people_and_public_ones() {
        for code in [
            "HG00096",
            "NA12878",
            "LP3000123-DNA_A01",
            "UKB_1234567",
            "PAT-00017",
        ] {
            assert!(person_code(code.as_bytes()).is_some(), "{code}");
        }
        for code in [
            "rs12345",
            "ENSG00000139618",
            "NM_000059",
            "BRCA2",
            "GRCh38",
            "cg00000029",
            "Table_2024",
            "HP:0001250",
        ] {
            assert_eq!(person_code(code.as_bytes()), None, "{code}");
        }
        assert_eq!(person_code(b"HG00096"), person_code(b"HG00097"));
    }

    #[test]
    fn identifiers_of_the_nhs_and_others() {
        assert!(
            nhs_number(b"9434765919") && !nhs_number(b"9434765918") && !nhs_number(b"1111111111")
        );
        assert!(postcode(b"SW1A", b"1AA") && postcode(b"M1", b"1AE") && !postcode(b"M1", b"1AC"));
        assert!(national_insurance(b"QQ123456C") && !national_insurance(b"QQ12345C"));
        assert!(email(b"a.b@example.org") && !email(b"@decorator") && !email(b"x@y"));
        assert!(telephone(b"07700900123") && !telephone(b"0000000000"));
    }
}
