//! AL-I and AL-P: records of people, and what names them.

super::rules! {
I001 = "AL-I001" Block: "sequencing reads: BAM, CRAM, SAM, FASTQ",
    "One person's genome.", "standards AL-I001",
    "Reads never leave. Release summaries.";
I002 = "AL-I002" Block: "variants with samples: VCF, BCF, gVCF, with or without their header",
    "People's genotypes.", "standards AL-I002",
    "Release allele counts over the cohort, without samples.";
I003 = "AL-I003" Hold: "a list of variants without samples, or an index of one",
    "Rare variants can point to people; an index shows what was there.", "standards AL-I003; GEL allows short curated lists",
    "Keep to variants that you report, with counts over the threshold; leave out indexes.";
I004 = "AL-I004" Block: "PLINK genotypes or people: bed, pgen, ped, raw, fam, psam",
    "People's genotypes.", "standards AL-I004",
    "Release allele counts over the cohort.";
I005 = "AL-I005" Block: "BGEN, GEN, haps, sample",
    "People's genotypes.", "standards AL-I005",
    "Release allele counts over the cohort.";
I006 = "AL-I006" Block: "genotypes in a table or in any other text, whichever way round",
    "People's genotypes, written differently.", "standards AL-I006",
    "Release allele counts over the cohort.";
I007 = "AL-I007" Block: "a matrix of people: relationship, kinship, IBD, principal components, scores, observations",
    "One row, or one cell, a person.", "standards AL-I007",
    "Release a summary: counts a bin, explained variance, a plot with its counts.";
I008 = "AL-I008" Block: "a table with one row a person: ids of people, or half as many rows as there are people",
    "Individual-level data.", "standards AL-I008",
    "Release counts and estimates by group.";
I009 = "AL-I009" Hold: "a container of tables or arrays that is not opened here: HDF5, Parquet, Arrow, numpy, R, SQLite, Stata and others",
    "Nobody can see what it holds by looking at it.", "standards AL-I009",
    "Save the tables as CSV.";
I011 = "AL-I011" Hold: "more than 10 000 bases of sequence",
    "It may be one person's.", "standards AL-I011",
    "Give coordinates on the reference instead.";
I012 = "AL-I012" Hold: "summary statistics of few people, few carriers, or without numbers to tell",
    "Membership of a person can be inferred from aggregate frequencies (Homer 2008).", "FinnGen, GEL; ours: minor-allele count 10, 1000 people",
    "Leave out variants below the minor-allele count; add columns for allele frequency and N, or declare N.";
I013 = "AL-I013" Hold: "a matrix that may be one of people: many rows by many columns, or 0, 1 and 2 throughout",
    "Genotypes and per-person values without their names look like this.", "ours",
    "Say what rows and columns are in a header; release summaries instead.";
P001 = "AL-P001" Block: "NHS numbers",
    "A direct identifier.", "NHS Data Dictionary, modulus 11; at least 3 that are valid, and half of those that could be, or the word beside one",
    "Remove the column.";
P002 = "AL-P002" Hold: "names, e-mail addresses, telephone or National Insurance numbers of people",
    "Direct identifiers.", "standards AL-P002",
    "Remove the column.";
P003 = "AL-P003" Block: "full dates of birth",
    "A direct identifier together with little else.", "standards AL-P003",
    "Release age bands.";
P004 = "AL-P004" Hold: "full postcodes",
    "About 15 households each.", "standards AL-P004",
    "Release regions.";
P005 = "AL-P005" Hold: "a column of free text",
    "People are described in it.", "standards AL-P005: more than 80 characters on average",
    "Code it, and release counts of codes.";
P006 = "AL-P006" Hold: "many different codes that look like ids of people or samples",
    "Participant and sample ids cannot leave.", "GEL airlock rules",
    "Remove them.";
}
