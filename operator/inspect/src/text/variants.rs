//! VCF and SAM by their lines, with or without a header.

use crate::kind::Kind;

/// Body lines that tell, where there is no header.
const ENOUGH: u64 = 2;

/// What was seen.
#[derive(Default)]
pub struct Variants {
    fileformat: bool,
    header_samples: bool,
    header: bool,
    gvcf: bool,
    sites: u64,
    genotypes: u64,
    sam_header: bool,
    sam: u64,
}

impl Variants {
    /// One line.
    pub fn line(&mut self, line: &[u8]) {
        if line.starts_with(b"##") {
            self.fileformat |= line.starts_with(b"##fileformat=VCF");
            self.gvcf |= line.starts_with(b"##GVCFBlock");
        } else if line.starts_with(b"#CHROM\t") {
            // PLINK 2 begins its own tables with the first five of these names, summary statistics too.
            self.header |= line.starts_with(b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO");
            self.header_samples |= self.header && line.split(|b| *b == b'\t').count() > 9;
        } else if line.starts_with(b"@") {
            self.sam_header |= sam_header(line);
        } else {
            self.body(line);
        }
    }

    fn body(&mut self, line: &[u8]) {
        let mut fields = line.split(|b| *b == b'\t');
        let first: Vec<&[u8]> = fields.by_ref().take(11).collect();
        if first.len() >= 11 && sam(&first) {
            self.sam += 1;
        } else if first.len() >= 8 && site(&first) {
            self.sites += 1;
            let alt = first.get(4).copied().unwrap_or_default();
            self.gvcf |= alt.ends_with(b"<NON_REF>") || alt.ends_with(b"<*>");
            let format = first.get(8).copied().unwrap_or_default();
            self.genotypes += u64::from(first.len() > 9 && is_format(format));
        }
    }

    /// VCF, sites-only VCF, SAM, or none.
    pub fn finish(&self) -> Option<Kind> {
        if self.sam_header || self.sam >= ENOUGH || (self.sam > 0 && self.sites == 0) {
            return Some(Kind::Sam);
        }
        if self.header_samples || self.genotypes > 0 || (self.gvcf && self.sites > 0) {
            return Some(Kind::Vcf);
        }
        let sites = self.sites >= ENOUGH || (self.header && (self.fileformat || self.sites > 0));
        (sites || self.fileformat && self.sites > 0).then_some(Kind::VcfSites)
    }
}

/// CHROM POS ID REF ALT QUAL FILTER INFO (VCFv4.5 §1.6).
fn site(fields: &[&[u8]]) -> bool {
    let field = |n: usize| fields.get(n).copied().unwrap_or_default();
    let number = |f: &[u8]| !f.is_empty() && f.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let reference = !field(3).is_empty()
        && field(3)
            .iter()
            .all(|b| b"ACGTNacgtn*RYSWKMBDHV".contains(b));
    let quality = field(5) == b"." || crate::table::number(field(5)).is_some();
    let filter = !field(6).is_empty() && crate::table::number(field(6)).is_none();
    let position = number(field(1)) && !field(1).contains(&b'.');
    position && reference && alternatives(field(4)) && quality && filter && !field(7).is_empty()
}

/// ALT: bases, symbols, breakends, or none.
fn alternatives(field: &[u8]) -> bool {
    let one = |allele: &[u8]| {
        let bases = allele.iter().all(|b| b"ACGTNacgtn*".contains(b));
        let symbol = allele.starts_with(b"<") && allele.ends_with(b">");
        let breakend = allele.iter().any(|b| matches!(b, b'[' | b']'));
        !allele.is_empty() && (bases || symbol || breakend || allele == b".")
    };
    field.split(|b| *b == b',').all(one)
}

/// A FORMAT column: keys of two or three letters that VCF reserves.
fn is_format(field: &[u8]) -> bool {
    const KEYS: [&[u8]; 14] = [
        b"GT", b"DP", b"GQ", b"PL", b"GL", b"GP", b"DS", b"AD", b"HQ", b"PS", b"FT", b"MIN_DP",
        b"SB", b"HDS",
    ];
    field.split(|b| *b == b':').any(|key| KEYS.contains(&key))
}

/// `@HD`, `@SQ`, `@RG`, `@PG` with a tag (SAMv1 §1.3).
fn sam_header(line: &[u8]) -> bool {
    const TYPES: [&[u8]; 4] = [b"@HD\tVN:", b"@SQ\tSN:", b"@RG\tID:", b"@PG\tID:"];
    TYPES.iter().any(|t| line.starts_with(t))
}

/// QNAME FLAG RNAME POS MAPQ CIGAR RNEXT PNEXT TLEN SEQ QUAL (SAMv1 §1.4).
fn sam(fields: &[&[u8]]) -> bool {
    let field = |n: usize| fields.get(n).copied().unwrap_or_default();
    let digits = |n: usize| !field(n).is_empty() && field(n).iter().all(u8::is_ascii_digit);
    let cigar = field(5) == b"*"
        || (field(5).first().is_some_and(u8::is_ascii_digit)
            && field(5)
                .iter()
                .all(|b| b.is_ascii_digit() || b"MIDNSHP=X".contains(b)));
    let sequence = field(9) == b"*"
        || field(9)
            .iter()
            .all(|b| b.is_ascii_alphabetic() || b"=.".contains(b));
    let quality = field(10) == b"*" || field(10).len() == field(9).len();
    digits(1)
        && digits(3)
        && digits(4)
        && digits(7)
        && cigar
        && sequence
        && quality
        && !field(9).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        let mut variants = Variants::default();
        text.lines().for_each(|l| variants.line(l.as_bytes()));
        variants.finish()
    }

    #[test]
    fn vcf_with_and_without_header_and_samples() {
        let header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
        let site = "2\t1000\trs1\tA\tG\t.\tPASS\tAC=1;AN=20";
        assert_eq!(kind(&format!("{header}\n{site}")), Some(Kind::VcfSites));
        assert_eq!(
            kind(&format!("{header}\tFORMAT\tNA1\n{site}\tGT\t0/1")),
            Some(Kind::Vcf)
        );
        assert_eq!(kind(&format!("{site}\tGT:DP\t0/1:3")), Some(Kind::Vcf));
        assert_eq!(kind(&format!("{site}\n{site}")), Some(Kind::VcfSites));
        assert_eq!(
            kind("2\t10\t.\tA\t<NON_REF>\t.\t.\tEND=20"),
            Some(Kind::Vcf)
        );
        assert_eq!(kind("a\tb\tc\td\te\tf\tg\th\ti\tj"), None);
        let plink = "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tTEST\tOBS_CT\tBETA\tSE\tP";
        assert_eq!(kind(plink), None);
    }

    #[test]
    fn sam_with_and_without_header() {
        assert_eq!(kind("@SQ\tSN:chr1\tLN:10"), Some(Kind::Sam));
        assert_eq!(
            kind("r1\t99\tchr1\t7\t30\t8M\t=\t37\t39\tTTAGATAA\t########"),
            Some(Kind::Sam)
        );
        assert_eq!(kind("@property\n@staticmethod"), None);
    }
}
