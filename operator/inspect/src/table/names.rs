//! What a column, or a row, is by its name.

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Numbers of people or events.
    Count,
    /// The whole of which counts are parts.
    Total,
    /// Ids of people or samples.
    Person,
    /// Dates of birth.
    Birth,
    /// Names of people.
    Name,
    /// Addresses and numbers of people.
    Contact,
    /// Names of variants.
    Variant,
    /// Chromosomes.
    Chromosome,
    /// Positions.
    Position,
    /// Alleles.
    Allele,
    /// Allele frequencies.
    Frequency,
    /// Minor-allele counts.
    MinorCount,
    /// Allele counts.
    AlleleCount,
    /// P values.
    P,
    /// Minus the logarithm of P values.
    LogP,
    /// Effects.
    Effect,
    /// Errors of effects.
    Error,
    /// People behind a row.
    People,
    /// Cases behind a row.
    Cases,
    /// Controls behind a row.
    Controls,
    /// Residual degrees of freedom.
    Dof,
    /// Minimum, maximum and the like.
    End,
    /// The share that is still free of an event.
    Survival,
    /// Another statistic, or a dimension: nothing follows.
    Known,
    /// None of these.
    Other,
}

use Label::{
    Allele, AlleleCount, Birth, Cases, Chromosome, Contact, Controls, Count, Dof, Effect, End,
    Error, Frequency, Known, LogP, MinorCount, Name, Other, P, People, Person, Position, Survival,
    Total, Variant,
};

/// Names, lower case, letters and digits only, with blanks between them.
const NAMES: [(Label, &str); 24] = [
    (Total, "total all overall ntotal totaln sum totalcount"),
    (
        People,
        "n nsamples samplesize neff obsct nmiss nobs ntotalsamples hmn weight nanalyzed nincl",
    ),
    (Cases, "cases ncases ncase numcases casen nca"),
    (
        Controls,
        "controls ncontrols ncontrol numcontrols controln nco",
    ),
    (
        Count,
        "count counts number participants patients people persons subjects individuals samples \
         events deaths carriers noncarriers male males female females men women affected \
         unaffected exposed unexposed numberatrisk atrisk censored homozygotes heterozygotes nhom \
         nhet homalt homref het yes no hospitalised observations",
    ),
    (
        Person,
        "eid iid fid sampleid sample participantid participant patientid patient subjectid \
         subject personid person individualid individual donorid donor barcode studyid recordid \
         hospitalnumber mrn nhsnumber nhsno nhs chi chinumber platekey lpid id1 id2 ids familyid \
         probandid memberid externalid cellid wellid pid userid caseid",
    ),
    (
        Birth,
        "dob dateofbirth birthdate birthday birth born datebirth",
    ),
    (
        Name,
        "firstname forename surname lastname fullname patientname givenname familyname middlename",
    ),
    (
        Contact,
        "email emailaddress phone telephone mobile address postcode zipcode nino \
         nationalinsurance",
    ),
    (
        Variant,
        "rsid rsids snp snpid markername marker variant variantid id rs hmrsid hmvariantid dbsnp",
    ),
    (
        Chromosome,
        "chr chrom chromosome hmchrom hmchr chromosomename",
    ),
    (
        Position,
        "bp pos position basepairlocation genpos hmpos basepair location start",
    ),
    (
        Allele,
        "a1 a2 ref alt effectallele otherallele allele0 allele1 allele2 ea nea oa testedallele \
         referenceallele ax omitted hmeffectallele hmotherallele",
    ),
    (
        Frequency,
        "af eaf maf freq frq freq1 a1freq effectallelefrequency alternateallelefreq \
         affectallelefrequency hmeffectallelefrequency minorallelefrequency allelefrequency \
         afcoded af1 altfreqs altfreq",
    ),
    (MinorCount, "mac minorallelecount"),
    (
        AlleleCount,
        "ac allelecount acallele2 effectallelecount a1ct",
    ),
    (
        P,
        "p pval pvalue pvalues pr prt prz prchisq pspa pbolt pboltlmm pwald plrt pscore hmpvalue \
         praw pvaluemeta prgtt prgtz",
    ),
    (
        LogP,
        "log10p neglog10p neglog10pvalue mlogp mlog10p lp neglogp log10pvalue",
    ),
    (
        Effect,
        "beta b effect or oddsratio logor estimate est coef coefficient hr hazardratio z zscore \
         stat tstat rr hmbeta hmoddsratio effectsize expcoef",
    ),
    (
        Error,
        "se stderr standarderror stderror secoef hmstandarderror errorstd logorse sebeta",
    ),
    (
        Dof,
        "df dof dfresid residualdf dfresidual residdf degreesoffreedom",
    ),
    (
        End,
        "min max minimum maximum p0 p100 p1 p99 range lowest highest oldest youngest",
    ),
    (
        Survival,
        "survival surv survivalprobability survivalfunction kmestimate km kaplanmeier \
         cumulativeincidence cuminc",
    ),
    (
        Known,
        "year month week day age ageband agegroup band bin decile quintile quartile rank step k \
         index iteration epoch lag order degree level stage threshold time mean median sd var \
         variance iqr q1 q3 t tvalue zvalue wald aic bic r2 rsquared adjrsquared loglik lower \
         upper cilower ciupper ci lcl ucl l95 u95 info infoscore rsq h2 rg chisq lambda fdr \
         qvalue padj percent percentage pct proportion prop rate ratio prevalence gene symbol \
         pathway trait phenotype code icd10 term category group variable model seed version port \
         line length end width height rounded score auc sensitivity specificity",
    ),
];

/// What a name says.
pub fn label(name: &[u8]) -> Label {
    if name.is_empty() || name.len() > 64 {
        return Other;
    }
    let plain: String = name
        .iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect();
    let known = NAMES
        .iter()
        .find(|(_, names)| names.split(' ').any(|n| n == plain));
    if let Some((label, _)) = known {
        return *label;
    }
    composed(name, &plain)
}

/// Names made of parts: `n_diabetes`, `deaths_2020`, `date_of_birth_full`, `AF_cases`.
fn composed(name: &[u8], plain: &str) -> Label {
    let lower = name.to_ascii_lowercase();
    let starts = |s: &[u8]| lower.starts_with(s);
    let ends = |s: &[u8]| lower.ends_with(s);
    if plain.contains("dateofbirth") || starts(b"dob_") || ends(b"_dob") {
        Birth
    } else if plain.contains("nhsnumber")
        || ends(b"_eid")
        || ends(b"sample_id")
        || ends(b"patient_id")
        || ends(b"participant_id")
    {
        Person
    } else if starts(b"af_")
        || starts(b"maf_")
        || starts(b"eaf_")
        || starts(b"freq_")
        || starts(b"frq_")
    {
        Frequency
    } else if starts(b"pct_")
        || ends(b"_pct")
        || starts(b"prop_")
        || ends(b"_rate")
        || starts(b"mean")
        || starts(b"median")
        || ends(b"%")
    {
        Known
    } else if starts(b"min_") || starts(b"max_") || ends(b"_min") || ends(b"_max") {
        End
    } else if starts(b"n_")
        || starts(b"n.")
        || starts(b"num_")
        || starts(b"no_of")
        || starts(b"number")
        || ends(b"_n")
        || ends(b".n")
        || plain.ends_with("count")
        || plain.starts_with("count")
        || starts(b"total_")
    {
        Count
    } else {
        Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_spelling() {
        assert_eq!(label(b"P-value"), P);
        assert_eq!(label(b"Pr(>|t|)"), P);
        assert_eq!(label(b"effect_allele_frequency"), Frequency);
        assert_eq!(label(b"n_diabetes"), Count);
        assert_eq!(label(b"Date of Birth"), Birth);
        assert_eq!(label(b"Participant ID"), Person);
        assert_eq!(label(b"AgeBand"), Known);
        assert_eq!(label(b"glucose"), Other);
    }

    #[test]
    fn no_name_means_two_things() {
        let mut all: Vec<&str> = NAMES.iter().flat_map(|(_, n)| n.split(' ')).collect();
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
    }
}
