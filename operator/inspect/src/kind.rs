//! What a file can be, and what of it follows at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rules::{self, Rule};

/// What bytes are, found out from themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing at all.
    Empty,
    // Individual level.
    /// Aligned reads, binary.
    Bam,
    /// Aligned reads, reference-compressed.
    Cram,
    /// Aligned reads, text.
    Sam,
    /// Reads.
    Fastq,
    /// Variants with genotypes of samples, or a gVCF; with or without its header.
    Vcf,
    /// The same, binary.
    Bcf,
    /// PLINK 1 genotypes.
    PlinkBed,
    /// PLINK 2 genotypes.
    PlinkPgen,
    /// PLINK people: .fam, .psam.
    PlinkPeople,
    /// PLINK .ped.
    PlinkPed,
    /// PLINK .raw.
    PlinkRaw,
    /// BGEN.
    Bgen,
    /// Oxford .gen.
    OxfordGen,
    /// Oxford or IMPUTE .haps.
    OxfordHaps,
    /// Oxford .sample.
    OxfordSample,
    /// Relationship, kinship, IBD, principal components or scores of people.
    PeopleMatrix,
    /// AnnData: a matrix of observations.
    AnnData,
    // Variants without people.
    /// Variants without samples.
    VcfSites,
    /// PLINK variant lists: .bim, .map, .pvar.
    PlinkVariants,
    /// tabix index.
    Tabix,
    /// CSI or BAI index.
    GenomicIndex,
    /// Sequences.
    Fasta,
    // Not to be looked into.
    /// GA4GH Crypt4GH.
    Crypt4gh,
    /// age.
    Age,
    /// OpenPGP.
    Pgp,
    /// LUKS volume.
    Luks,
    /// `openssl enc`.
    OpensslSalted,
    /// Compressed in a way that is not opened here: lz4, RAR, and others.
    OtherCompressed,
    // Opened.
    /// gzip.
    Gzip,
    /// Blocked gzip.
    Bgzf,
    /// zlib stream.
    Zlib,
    /// xz.
    Xz,
    /// bzip2.
    Bzip2,
    /// zstd.
    Zstd,
    /// zip.
    Zip,
    /// tar.
    Tar,
    /// 7z.
    SevenZip,
    // Tables and arrays in containers that are not opened.
    /// HDF5.
    Hdf5,
    /// Parquet.
    Parquet,
    /// Arrow or Feather.
    Arrow,
    /// numpy array.
    Numpy,
    /// R data: RDS, RData.
    RData,
    /// SQLite.
    Sqlite,
    /// DuckDB.
    DuckDb,
    /// Stata, SAS, SPSS, MATLAB.
    StatisticsPackage,
    // Models.
    /// Python pickle, joblib.
    Pickle,
    /// safetensors.
    Safetensors,
    /// PyTorch archive, which holds a pickle.
    TorchZip,
    /// ONNX.
    Onnx,
    /// GGUF.
    Gguf,
    // Documents and images.
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// SVG.
    Svg,
    /// Another image, audio or video.
    OtherMedia,
    /// PDF.
    Pdf,
    /// HTML.
    Html,
    /// Office Open XML or OpenDocument.
    Office,
    /// Jupyter notebook.
    Notebook,
    /// Program or library.
    Executable,
    // Text.
    /// Delimited table.
    Table,
    /// GWAS summary statistics.
    GwasSummary,
    /// Estimates of a model.
    Coefficients,
    /// Markdown.
    Markdown,
    /// Source code.
    Code,
    /// JSON.
    Json,
    /// Plain text.
    Text,
    /// None of these.
    Unknown,
}

/// What kinds have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// One record a person.
    Individual,
    /// Opened and looked into.
    Container,
    /// Read as text.
    Text,
    /// Shown.
    Image,
    /// All else.
    Other,
}

impl Kind {
    /// What it has in common with others.
    pub fn class(self) -> Class {
        match self {
            Self::Bam
            | Self::Cram
            | Self::Sam
            | Self::Fastq
            | Self::Vcf
            | Self::Bcf
            | Self::PlinkBed
            | Self::PlinkPgen
            | Self::PlinkPeople
            | Self::PlinkPed
            | Self::PlinkRaw
            | Self::Bgen
            | Self::OxfordGen
            | Self::OxfordHaps
            | Self::OxfordSample
            | Self::PeopleMatrix
            | Self::AnnData => Class::Individual,
            Self::Gzip
            | Self::Bgzf
            | Self::Zlib
            | Self::Xz
            | Self::Bzip2
            | Self::Zstd
            | Self::Zip
            | Self::TorchZip
            | Self::Office
            | Self::Tar
            | Self::SevenZip => Class::Container,
            Self::Table
            | Self::GwasSummary
            | Self::Coefficients
            | Self::Markdown
            | Self::Code
            | Self::Json
            | Self::Text
            | Self::Html
            | Self::Svg
            | Self::Notebook
            | Self::VcfSites
            | Self::PlinkVariants
            | Self::Fasta => Class::Text,
            Self::Png | Self::Jpeg => Class::Image,
            _ => Class::Other,
        }
    }

    /// Whether genomic tools read it: reads, variants, genotypes and those they are of, sequences, indexes of these. A table with
    /// genotypes in it, or a matrix of people, is none.
    #[must_use]
    pub fn genomic(self) -> bool {
        let people = self.class() == Class::Individual;
        let of_none = matches!(
            self,
            Self::VcfSites | Self::PlinkVariants | Self::Tabix | Self::GenomicIndex | Self::Fasta
        );
        of_none || (people && !matches!(self, Self::PeopleMatrix | Self::AnnData))
    }

    /// The rule that the format alone breaks, if any.
    pub fn rule(self) -> Option<&'static Rule> {
        Some(match self {
            Self::Bam | Self::Cram | Self::Sam | Self::Fastq => &rules::I001,
            Self::Vcf | Self::Bcf => &rules::I002,
            Self::VcfSites | Self::PlinkVariants | Self::Tabix | Self::GenomicIndex => &rules::I003,
            Self::PlinkBed
            | Self::PlinkPgen
            | Self::PlinkPeople
            | Self::PlinkPed
            | Self::PlinkRaw => &rules::I004,
            Self::Bgen | Self::OxfordGen | Self::OxfordHaps | Self::OxfordSample => &rules::I005,
            Self::PeopleMatrix | Self::AnnData => &rules::I007,
            Self::Crypt4gh
            | Self::Age
            | Self::Pgp
            | Self::Luks
            | Self::OpensslSalted
            | Self::OtherCompressed => &rules::G014,
            Self::Zip | Self::Tar | Self::SevenZip => &rules::G015,
            Self::Gzip | Self::Bgzf | Self::Zlib | Self::Xz | Self::Bzip2 | Self::Zstd => {
                &rules::G024
            }
            Self::Hdf5
            | Self::Parquet
            | Self::Arrow
            | Self::Numpy
            | Self::RData
            | Self::Sqlite
            | Self::DuckDb
            | Self::StatisticsPackage => &rules::I009,
            Self::Pickle | Self::TorchZip => &rules::M001,
            Self::Safetensors | Self::Onnx | Self::Gguf => &rules::M002,
            Self::Notebook => &rules::D001,
            Self::Svg | Self::Pdf | Self::Html | Self::Office | Self::OtherMedia => &rules::G006,
            Self::Executable => &rules::N002,
            Self::Unknown => &rules::G005,
            Self::Empty
            | Self::Fasta
            | Self::Png
            | Self::Jpeg
            | Self::Table
            | Self::GwasSummary
            | Self::Coefficients
            | Self::Markdown
            | Self::Code
            | Self::Json
            | Self::Text => return None,
        })
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Bam => "BAM (reads)",
            Self::Cram => "CRAM (reads)",
            Self::Sam => "SAM (reads)",
            Self::Fastq => "FASTQ (reads)",
            Self::Vcf => "VCF with genotypes",
            Self::Bcf => "BCF",
            Self::PlinkBed => "PLINK bed (genotypes)",
            Self::PlinkPgen => "PLINK pgen (genotypes)",
            Self::PlinkPeople => "PLINK fam or psam (people)",
            Self::PlinkPed => "PLINK ped (genotypes)",
            Self::PlinkRaw => "PLINK raw (genotypes)",
            Self::Bgen => "BGEN (genotypes)",
            Self::OxfordGen => "Oxford gen (genotypes)",
            Self::OxfordHaps => "haps (haplotypes)",
            Self::OxfordSample => "Oxford sample (people)",
            Self::PeopleMatrix => "matrix of people",
            Self::AnnData => "AnnData (observations)",
            Self::VcfSites => "VCF without samples",
            Self::PlinkVariants => "PLINK bim, map or pvar (variants)",
            Self::Tabix => "tabix index",
            Self::GenomicIndex => "CSI or BAI index",
            Self::Fasta => "FASTA (sequences)",
            Self::Crypt4gh => "Crypt4GH (encrypted)",
            Self::Age => "age (encrypted)",
            Self::Pgp => "OpenPGP (encrypted)",
            Self::Luks => "LUKS (encrypted)",
            Self::OpensslSalted => "openssl enc (encrypted)",
            Self::OtherCompressed => "compressed, not opened here",
            Self::Gzip => "gzip",
            Self::Bgzf => "BGZF (blocked gzip)",
            Self::Zlib => "zlib",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::SevenZip => "7z",
            Self::Hdf5 => "HDF5",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow or Feather",
            Self::Numpy => "numpy array",
            Self::RData => "R data",
            Self::Sqlite => "SQLite",
            Self::DuckDb => "DuckDB",
            Self::StatisticsPackage => "Stata, SAS, SPSS or MATLAB data",
            Self::Pickle => "Python pickle",
            Self::Safetensors => "safetensors (model)",
            Self::TorchZip => "PyTorch archive (pickle)",
            Self::Onnx => "ONNX (model)",
            Self::Gguf => "GGUF (model)",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Svg => "SVG",
            Self::OtherMedia => "other image, audio or video",
            Self::Pdf => "PDF",
            Self::Html => "HTML",
            Self::Office => "office document",
            Self::Notebook => "Jupyter notebook",
            Self::Executable => "program",
            Self::Table => "table",
            Self::GwasSummary => "GWAS summary statistics",
            Self::Coefficients => "table of estimates",
            Self::Markdown => "Markdown",
            Self::Code => "source code",
            Self::Json => "JSON",
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
