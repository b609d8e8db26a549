"""One record a person, in every format, by the tools that researchers have: bcftools, plink, samtools, PyPI.

individual(source, work) makes the files from the excerpt and gives {name of the format: (file, rules of which one is right,
delimiter where it is a table, lines of header)}.
"""
import gzip
import os
import pickle
import random
import shutil
import subprocess

READS = ["AL-I001"]
VARIANTS = ["AL-I002"]
PLINK = ["AL-I004"]
OXFORD = ["AL-I005"]
TABLE = ["AL-I006", "AL-I008"]
MATRIX = ["AL-I007", "AL-I008"]
LIST = ["AL-I003"]
CONTAINER = ["AL-I009"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def individual(source, work):
    os.makedirs(work, exist_ok=True)
    at = lambda name: os.path.join(work, name)
    made = {}

    def add(name, file, rules, delimiter=None, header=0):
        made[name] = (at(file), rules, delimiter, header)

    # The excerpt is plain gzip and declares no contig; an index tells bcftools of it.
    with gzip.open(source) as packed, open(at("source.vcf"), "wb") as plain:
        shutil.copyfileobj(packed, plain)
    run("bgzip", "-f", at("source.vcf"))
    source = at("source.vcf.gz")
    run("tabix", "-f", "-p", "vcf", source)
    run("bcftools", "view", "-Ov", "-o", at("all.vcf"), source)
    # Sites that most people have a call at, complete and phased, since Oxford's formats know no gaps.
    run("bcftools", "view", "-i", "F_MISSING<0.6", "-m2", "-M2", "-v", "snps", "-Ou", "-o", at("some.bcf"), source)
    run("bcftools", "annotate", "-x", "^FORMAT/GT", "--set-id", "%CHROM:%POS:%REF:%FIRST_ALT", "-Ou", "-o", at("named.bcf"), at("some.bcf"))
    run("bcftools", "+setGT", at("named.bcf"), "-Ou", "-o", at("filled.bcf"), "--", "-t", ".", "-n", "0p")
    run("bcftools", "+setGT", at("filled.bcf"), "-Ov", "-o", at("phased.vcf"), "--", "-t", "a", "-n", "p")
    run("bcftools", "view", "-Ob", "-o", at("cohort.bcf"), source)
    run("bcftools", "query", "-f", "%CHROM\\t%POS\\t%REF\\t%ALT[\\t%GT]\\n", "-o", at("query.tsv"), at("phased.vcf"))
    run("bgzip", "-kf", at("all.vcf"))
    run("tabix", "-f", "-p", "vcf", at("all.vcf.gz"))
    add("VCF", "all.vcf", VARIANTS)
    add("VCF, genotypes only", "phased.vcf", VARIANTS)
    add("BCF", "cohort.bcf", VARIANTS)
    add("tabix index", "all.vcf.gz.tbi", LIST)
    add("bcftools query", "query.tsv", TABLE, "\t")

    p9 = lambda out, *args: run("plink1.9", "--silent", "--vcf", at("phased.vcf"), "--double-id", "--out", at(out), *args)
    p2 = lambda out, *args: run("plink2", "--silent", "--vcf", at("phased.vcf"), "--out", at(out), *args)
    p9("p1", "--make-bed")
    p9("ped", "--recode")
    p9("tab", "--recode", "tab")
    p9("a", "--recode", "A")
    # What has a row for each pair of people is made of fewer of them.
    with open(at("few.txt"), "w") as few:
        few.writelines(" ".join(line.split()[:2]) + "\n" for line in list(open(at("p1.fam")))[:150])
    p9("rel", "--keep", at("few.txt"), "--genome", "--distance", "square", "1-ibs")
    p9("grm", "--keep", at("few.txt"), "--make-grm-gz")
    p9("list", "--keep", at("few.txt"), "--recode", "list")
    p9("lgen", "--keep", at("few.txt"), "--recode", "lgen")
    with open(at("keep.txt"), "w") as one:
        one.write("HG00098 HG00098\n")
    p9("one", "--recode", "23", "--keep", at("keep.txt"))
    with open(at("one.txt")) as whole, open(at("bare.txt"), "w") as bare:
        bare.writelines(line for line in whole if not line.startswith("#"))
    p2("p2", "--make-pgen")
    p2("at", "--export", "A-transpose")
    p2("hap", "--export", "haps")
    p2("ox", "--export", "oxford")
    p2("b12", "--export", "bgen-1.2")
    p2("b11", "--export", "bgen-1.1")
    with open(at("people.txt"), "w") as people:
        people.writelines(line.split()[1] + "\n" for line in open(at("few.txt")))
    p2("king", "--keep", at("people.txt"), "--make-king-table")
    p2("pca", "--maf", "0.01", "--pca", "4")
    with open(at("weights.txt"), "w") as weights:
        for line in open(at("p1.bim")):
            fields = line.split()
            weights.write(f"{fields[1]} {fields[4]} {random.Random(fields[1]).gauss(0, 1):.4f}\n")
    p2("prs", "--score", at("weights.txt"), "no-mean-imputation")
    run("gzip", "-dkf", at("grm.grm.gz"))
    add("PLINK bed", "p1.bed", PLINK)
    add("PLINK fam", "p1.fam", PLINK, " ")
    add("PLINK bim", "p1.bim", LIST, "\t")
    add("PLINK ped", "ped.ped", PLINK, " ")
    add("PLINK ped, tabs", "tab.ped", PLINK + TABLE, "\t")
    add("PLINK map", "ped.map", LIST, "\t")
    add("PLINK raw", "a.raw", PLINK, " ", 1)
    add("PLINK list", "list.list", TABLE + ["AL-P006"], " ")
    add("PLINK lgen", "lgen.lgen", TABLE + ["AL-P006"], " ")
    add("PLINK genome (IBD)", "rel.genome", MATRIX, None, 1)
    add("PLINK 1-IBS matrix", "rel.mdist", MATRIX + ["AL-I013", "AL-S014"], "\t")
    add("GCTA GRM", "grm.grm", MATRIX, "\t")
    add("23andMe", "one.txt", TABLE)
    add("23andMe without its comment", "bare.txt", TABLE, "\t")
    add("PLINK pgen", "p2.pgen", PLINK)
    add("PLINK psam", "p2.psam", PLINK, "\t", 1)
    add("PLINK pvar", "p2.pvar", LIST)
    add("PLINK traw", "at.traw", PLINK + TABLE, "\t", 1)
    add("haps", "hap.haps", OXFORD, " ")
    add("gen", "ox.gen", OXFORD, " ")
    add("sample", "ox.sample", OXFORD, " ", 2)
    add("BGEN 1.2", "b12.bgen", OXFORD)
    add("BGEN 1.1", "b11.bgen", OXFORD)
    add("KING kinship", "king.kin0", MATRIX, "\t", 1)
    add("principal components", "pca.eigenvec", MATRIX, "\t", 1)
    add("polygenic scores", "prs.sscore", MATRIX, "\t", 1)

    reads(at, add)
    containers(at, add)
    return made


def reads(at, add):
    """Reads of a sequence without meaning, aligned where they came from."""
    dice = random.Random(20)
    reference = "".join(dice.choice("ACGT") for _ in range(50_000))
    with open(at("ref.fa"), "w") as file:
        file.write(">chr2\n")
        file.writelines(reference[i : i + 60] + "\n" for i in range(0, len(reference), 60))
    run("samtools", "faidx", at("ref.fa"))
    starts = sorted(dice.randrange(len(reference) - 150) for _ in range(2000))
    with open(at("made.sam"), "w") as file:
        file.write(f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr2\tLN:{len(reference)}\n@RG\tID:1\tSM:HG00098\n")
        for number, start in enumerate(starts):
            quality = "".join(dice.choice("FFFF:,#") for _ in range(150))
            file.write(f"A00:{number}\t0\tchr2\t{start + 1}\t60\t150M\t*\t0\t0\t{reference[start : start + 150]}\t{quality}\tRG:Z:1\n")
    run("samtools", "view", "-h", "-o", at("reads.sam"), at("made.sam"))
    run("samtools", "view", "-b", "-o", at("reads.bam"), at("made.sam"))
    run("samtools", "view", "-C", "-T", at("ref.fa"), "-o", at("reads.cram"), at("made.sam"))
    run("samtools", "index", at("reads.bam"))
    run("samtools", "fastq", "-0", at("reads.fastq"), at("reads.bam"))
    run("samtools", "fasta", "-0", at("reads.fasta"), at("reads.bam"))
    add("SAM", "reads.sam", READS)
    add("BAM", "reads.bam", READS)
    add("CRAM", "reads.cram", READS)
    add("FASTQ", "reads.fastq", READS)
    add("FASTA of reads", "reads.fasta", ["AL-I011"])
    add("BAI index", "reads.bam.bai", LIST)


def containers(at, add):
    """The same genotypes as arrays and frames, a model that keeps them, and all of it encrypted."""
    import anndata
    import h5py
    import joblib
    import numpy
    import pandas
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet
    from sklearn.neighbors import KNeighborsClassifier

    frame = pandas.read_csv(at("a.raw"), sep=" ").drop(columns=["FID", "PAT", "MAT", "SEX", "PHENOTYPE"]).set_index("IID")
    doses = frame.to_numpy(dtype="int8")
    with h5py.File(at("cohort.h5"), "w") as file:
        file["genotypes"] = doses
        file["samples"] = numpy.array(frame.index, dtype="S")
    table = pyarrow.Table.from_pandas(frame.reset_index())
    pyarrow.parquet.write_table(table, at("cohort.parquet"))
    pyarrow.feather.write_feather(table, at("cohort.feather"))
    numpy.save(at("cohort.npy"), doses)
    numpy.savez(at("cohort.npz"), doses)
    with open(at("cohort.pkl"), "wb") as file:
        pickle.dump(frame, file)
    frame.to_json(at("cohort.json"))
    frame.to_json(at("records.json"), orient="records")
    frame.to_csv(at("cohort.csv"))
    anndata.AnnData(doses.astype("float32"), obs=pandas.DataFrame(index=frame.index)).write_h5ad(at("cohort.h5ad"))
    # A model of nearest neighbours is its training data.
    joblib.dump(KNeighborsClassifier().fit(doses, doses[:, 0] > 0), at("knn.joblib"))
    os.environ["C4GH_PASSPHRASE"] = "of a test"
    if not os.path.exists(at("key.pub")):
        run("crypt4gh-keygen", "--sk", at("key.sec"), "--pk", at("key.pub"), "--nocrypt", "-f")
    with open(at("phased.vcf"), "rb") as plain, open(at("phased.vcf.c4gh"), "wb") as out:
        subprocess.run(["crypt4gh", "encrypt", "--recipient_pk", at("key.pub")], stdin=plain, stdout=out, stderr=subprocess.DEVNULL, check=True)
    add("genotypes as CSV", "cohort.csv", TABLE, ",", 1)
    add("genotypes as JSON, columns", "cohort.json", TABLE)
    add("genotypes as JSON, records", "records.json", TABLE)
    add("HDF5", "cohort.h5", CONTAINER)
    add("Parquet", "cohort.parquet", CONTAINER)
    add("Feather", "cohort.feather", CONTAINER)
    add("numpy", "cohort.npy", CONTAINER)
    add("numpy, npz", "cohort.npz", CONTAINER)
    add("AnnData", "cohort.h5ad", ["AL-I007"])
    add("pickle", "cohort.pkl", ["AL-M001"])
    add("model that leaks (kNN, joblib)", "knn.joblib", ["AL-M001"])
    add("Crypt4GH", "phased.vcf.c4gh", ["AL-G014"])
