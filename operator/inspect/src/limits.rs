//! How much work an inspection may do, which numbers the rules compare with, and what the request says of itself.

use serde::{Deserialize, Serialize};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// How much work an inspection may do. Reaching one is a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Layers that are opened.
    pub depth: usize,
    /// Bytes that all decompression together may give.
    pub expanded_bytes: u64,
    /// Times that a compressed layer may grow.
    pub ratio: u64,
    /// Entries of all archives together.
    pub entries: u32,
    /// Bytes of one nested layer that are kept in memory, so that it can be read twice.
    pub buffer: u64,
    /// Bytes of something embedded (base64, at an offset) that are looked at.
    pub embedded_bytes: u64,
    /// Places where something embedded is tried.
    pub candidates: u32,
    /// Bytes read in all passes over all layers.
    pub work_bytes: u64,
    /// Findings kept; more of the same rule in one layer are counted.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 4,
            expanded_bytes: 2 * GIB,
            ratio: 100,
            entries: 10_000,
            buffer: 16 * MIB,
            embedded_bytes: MIB,
            candidates: 512,
            work_bytes: 16 * GIB,
            findings: 256,
        }
    }
}

/// Numbers that rules compare with. [`Thresholds::floored`] keeps them from being weaker than is ever acceptable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// Counts above zero and below this are small (ACRO: 10). Never below 5.
    pub small_count: u64,
    /// Rows of a table (OpenSAFELY: 5000). Never above 100 000.
    pub rows: u64,
    /// Bytes of a file (OpenSAFELY: 16 MiB). Never above 256 MiB.
    pub file_bytes: u64,
    /// Bytes of any file, of whatever type, above which it is blocked. Never above 8 GiB.
    pub block_bytes: u64,
    /// Rows of GWAS summary statistics. Never above 200 million.
    pub gwas_rows: u64,
    /// Bytes of GWAS summary statistics. Never above 8 GiB.
    pub gwas_bytes: u64,
    /// Minor-allele count that summary statistics must reach. Never below 5.
    pub minor_allele_count: u64,
    /// People in a GWAS. Never below 200.
    pub gwas_people: u64,
    /// Columns of genotypes that make a table one of genotypes. Never above 20.
    pub genotype_columns: usize,
    /// Bytes of base64 or hexadecimal in text. Never above 64 KiB.
    pub blob_bytes: u64,
    /// Shannon entropy, bits a byte, above which bytes of no known format are compressed or encrypted. Never above 7.99.
    pub entropy: f64,
    /// Bytes of an image's metadata. Never above 64 KiB.
    pub metadata_bytes: u64,
    /// Pixels of an image. Never above 200 million.
    pub pixels: u64,
    /// Distinct values that make a column, or tokens in a text, one of people's identifiers. Never above 50.
    pub identifiers: u64,
    /// Files of a request. Never above 500.
    pub request_files: usize,
    /// Bytes of a request. Never above 1 GiB, GWAS summary statistics not counted.
    pub request_bytes: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            small_count: 10,
            rows: 5000,
            file_bytes: 16 * MIB,
            block_bytes: GIB,
            gwas_rows: 25_000_000,
            gwas_bytes: 4 * GIB,
            minor_allele_count: 10,
            gwas_people: 1000,
            genotype_columns: 5,
            blob_bytes: 4 * KIB,
            entropy: 7.9,
            metadata_bytes: 4 * KIB,
            pixels: 50_000_000,
            identifiers: 20,
            request_files: 50,
            request_bytes: 64 * MIB,
        }
    }
}

impl Thresholds {
    /// The same, with every number that is weaker than its floor replaced by the floor.
    #[must_use]
    pub fn floored(&self) -> Self {
        Self {
            small_count: self.small_count.max(5),
            rows: self.rows.min(100_000),
            file_bytes: self.file_bytes.min(256 * MIB),
            block_bytes: self.block_bytes.min(8 * GIB),
            gwas_rows: self.gwas_rows.min(200_000_000),
            gwas_bytes: self.gwas_bytes.min(8 * GIB),
            minor_allele_count: self.minor_allele_count.max(5),
            gwas_people: self.gwas_people.max(200),
            genotype_columns: self.genotype_columns.clamp(2, 20),
            blob_bytes: self.blob_bytes.min(64 * KIB),
            // A NaN from a policy must not switch the rule off.
            entropy: if self.entropy <= 7.99 {
                self.entropy
            } else {
                7.99
            },
            metadata_bytes: self.metadata_bytes.min(64 * KIB),
            pixels: self.pixels.min(200_000_000),
            identifiers: self.identifiers.clamp(3, 50),
            request_files: self.request_files.min(500),
            request_bytes: self.request_bytes.min(GIB),
        }
    }
}

/// What the request says about the output; takes part in rules, never switches one off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Declared {
    /// People behind the output, where its columns do not say.
    pub population: Option<u64>,
    /// People in the project's data. A table with half as many rows, or a dimension of about this size, is of people.
    pub cohort: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_cannot_switch_a_rule_off() {
        let weak = Thresholds {
            small_count: 0,
            rows: u64::MAX,
            file_bytes: u64::MAX,
            block_bytes: u64::MAX,
            gwas_rows: u64::MAX,
            gwas_bytes: u64::MAX,
            minor_allele_count: 0,
            gwas_people: 0,
            genotype_columns: usize::MAX,
            blob_bytes: u64::MAX,
            entropy: f64::NAN,
            metadata_bytes: u64::MAX,
            pixels: u64::MAX,
            identifiers: u64::MAX,
            request_files: usize::MAX,
            request_bytes: u64::MAX,
        };
        let kept = weak.floored();
        assert_eq!(kept.small_count, 5);
        assert_eq!(kept.minor_allele_count, 5);
        assert_eq!(kept.genotype_columns, 20);
        assert!(kept.entropy <= 7.99);
        assert!(kept.rows <= 100_000 && kept.pixels <= 200_000_000);
        assert_eq!(kept.floored(), kept);
        let ours = Thresholds::default();
        assert_eq!(ours.floored(), ours, "the defaults are above the floors");
    }
}
