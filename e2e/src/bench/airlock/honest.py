"""Results as researchers honestly make them: honest(work) gives {name: file}. None may be held.

The people are PLINK's own (`--dummy`): 5000, so that summary statistics have enough of them.
"""
import os
import random
import subprocess

PEOPLE = 5000
VARIANTS = 4000


def honest(work, run):
    os.makedirs(work, exist_ok=True)
    at = lambda name: os.path.join(work, name)
    made = {}
    statistics(at, run, made)
    figures(at, made)
    tables(at, made)
    texts(at, made)
    return made


def statistics(at, run, made):
    """Summary statistics with a floor on the minor-allele count, which is what makes them honest."""
    run("plink2", "--silent", "--dummy", str(PEOPLE), str(VARIANTS), "acgt", "--seed", "7", "--make-pgen", "--out", at("dummy"))
    dice = random.Random(7)
    with open(at("traits.txt"), "w") as traits:
        traits.write("#IID\theight\n")
        for line in list(open(at("dummy.psam")))[1:]:
            traits.write(f"{line.split()[0]}\t{dice.gauss(170, 9):.1f}\n")
    p2 = lambda out, *args: run("plink2", "--silent", "--pfile", at("dummy"), "--mac", "20", "--out", at(out), *args)
    p2("cases", "--glm", "allow-no-covars", "cols=chrom,pos,ref,alt,a1freq,test,nobs,orbeta,se,ci,tz,p")
    p2("height", "--pheno", at("traits.txt"), "--glm", "allow-no-covars", "cols=chrom,pos,ref,alt,a1freq,test,nobs,beta,se,tz,p,err")
    # PLINK counts before it leaves out, so what is left out is so in a run of its own.
    p2("kept", "--write-snplist")
    p2("all", "--extract", at("kept.snplist"), "--freq")
    made["GWAS, case and control (plink2 --glm)"] = at("cases.PHENO1.glm.logistic.hybrid")
    made["GWAS, quantitative (plink2 --glm)"] = at("height.height.glm.linear")
    made["allele frequencies (plink2 --freq)"] = at("all.afreq")
    with open(at("top.csv"), "w") as top:
        rows = [line.split() for line in open(made["GWAS, quantitative (plink2 --glm)"])]
        best = sorted(rows[1:], key=lambda row: float(row[-2]))[:20]
        top.writelines(",".join(row) + "\n" for row in [rows[0], *best])
    made["top hits"] = at("top.csv")
    subprocess.run(["gzip", "-kf", made["GWAS, quantitative (plink2 --glm)"]], check=True)
    made["GWAS, gzip"] = made["GWAS, quantitative (plink2 --glm)"] + ".gz"


def figures(at, made):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    import numpy

    dice = numpy.random.default_rng(7)
    p = numpy.sort(dice.uniform(size=4000))
    drawn = {
        "bars": lambda axes: axes.bar(["40-49", "50-59", "60-69"], [2315, 2895, 2810]),
        "histogram": lambda axes: axes.hist(dice.normal(size=5000), bins=20, edgecolor="white"),
        "Manhattan": lambda axes: axes.scatter(range(4000), -numpy.log10(dice.permutation(p)), s=4, c=numpy.arange(4000) // 400 % 2, cmap="coolwarm"),
        "QQ": lambda axes: axes.plot(-numpy.log10(numpy.arange(1, 4001) / 4001), -numpy.log10(p), "."),
        "forest": lambda axes: axes.errorbar([0.9, 1.2, 1.5], [1, 2, 3], xerr=0.2, fmt="s"),
        "survival": lambda axes: axes.step(range(10), 1 - numpy.arange(10) / 40),
        "heat map": lambda axes: axes.imshow(numpy.corrcoef(dice.normal(size=(8, 90))), cmap="viridis"),
    }
    for name, draw in drawn.items():
        figure, axes = plot.subplots(figsize=(6, 4), dpi=150)
        draw(axes)
        axes.set_title(name)
        file = at(name.replace(" ", "_") + ".png")
        figure.savefig(file)
        plot.close(figure)
        made[f"plot: {name} (matplotlib)"] = file


def tables(at, made):
    import pandas

    dice = random.Random(8)
    bands = ["18-29", "30-39", "40-49", "50-59", "60-69"]
    counts = [{"age_band": a, "sex": s, "n": dice.randrange(40, 300) * 5, "cases": dice.randrange(4, 30) * 5} for a in bands for s in "FM"]
    frame = pandas.DataFrame(counts)
    write = {
        "counts by group": ("counts.csv", lambda f: frame.to_csv(f, index=False)),
        "counts, tabs": ("counts.tsv", lambda f: frame.to_csv(f, sep="\t", index=False)),
        "counts, as Excel exports in Europe": ("counts_eu.csv", lambda f: frame.to_csv(f, sep=";", decimal=",", index=False, lineterminator="\r\n")),
        "counts, UTF-16": ("counts_utf16.csv", lambda f: frame.to_csv(f, index=False, encoding="utf-16")),
        "counts as JSON": ("counts.json", lambda f: frame.to_json(f, orient="records", indent=1)),
        "crosstab": ("crosstab.csv", lambda f: pandas.crosstab(frame.age_band, frame.sex, frame.n, aggfunc="sum").to_csv(f)),
        "table in Markdown": ("table1.md", lambda f: open(f, "w").write("# Table 1\n\n| group | n |\n|---|---|\n| carriers | 150 |\n| others | 4850 |\n")),
        "table in LaTeX": ("table1.tex", lambda f: open(f, "w").write("\\begin{tabular}{lrr}\nGroup & N & HR \\\\\n\\hline\nCarriers & 150 & 1.81 \\\\\nOthers & 4850 & 1.00 \\\\\n\\end{tabular}\n")),
    }
    names = ["(Intercept)", "age", "sexM", "PC1", "PC2", "rs429358_C", "bmi", "smokerYes"]
    model = pandas.DataFrame({"term": names, "estimate": [dice.gauss(0, 1) for _ in names], "std.error": [0.1 + dice.random() / 9 for _ in names], "p.value": [dice.random() for _ in names]})
    roc = pandas.DataFrame({"fpr": [i / 50 for i in range(51)], "tpr": [(i / 50) ** 0.4 for i in range(51)]})
    matrix = pandas.DataFrame([[round(dice.uniform(-1, 1), 3) for _ in range(6)] for _ in range(6)], columns=list("uvwxyz"), index=list("uvwxyz"))
    survival = pandas.DataFrame({"time": range(10), "n_at_risk": [500 - 20 * i for i in range(10)], "events": [10 + 5 * (i % 3) for i in range(10)], "survival": [round(1 - i * 0.03, 2) for i in range(10)]})
    genes = pandas.DataFrame({"gene": [f"GENE{i}" for i in range(200)], "log2FoldChange": [round(dice.gauss(0, 2), 3) for _ in range(200)], "padj": [round(dice.random(), 4) for _ in range(200)]})
    write |= {
        "coefficients": ("model.csv", lambda f: model.to_csv(f, index=False)),
        "ROC curve": ("roc.csv", lambda f: roc.to_csv(f, index=False)),
        "correlations of traits": ("correlations.csv", lambda f: matrix.to_csv(f)),
        "survival, rounded": ("survival.csv", lambda f: survival.to_csv(f, index=False)),
        "gene results": ("genes.csv", lambda f: genes.to_csv(f, index=False)),
        "model metrics": ("metrics.json", lambda f: open(f, "w").write('{"auc": 0.81, "n_train": 4000, "n_test": 1000, "coefficients": {"age": 0.04, "sex": 0.21, "prs": 0.55}}\n')),
    }
    for name, (file, to) in write.items():
        to(at(file))
        made[name] = at(file)


def texts(at, made):
    texts = {
        "report in Markdown": ("report.md", REPORT),
        "Python": ("survival.py", PYTHON),
        "R": ("plots.R", "library(dplyr)\nd <- read.csv('counts.csv')\nd %>% group_by(sex) %>% summarise(n = sum(n)) -> s\nfor (i in 1:10) {\n  print(i)\n}\nwrite.csv(s, 's.csv')\n"),
        "shell": ("run.sh", "#!/bin/sh\nset -eu\nfor chr in 1 2 3; do\n  plink2 --pfile \"/data/chr$chr\" --glm --mac 20 --out \"gwas$chr\"\ndone\n"),
        "SQL": ("cohort.sql", "SELECT sex, age_band, count(*) AS n\nFROM people\nWHERE consent = 1 AND age >= 18\nGROUP BY sex, age_band\nHAVING count(*) >= 10;\n"),
        "YAML": ("config.yaml", "cohort:\n  min_age: 18\n  exclude: [withdrawn, related]\nmodel:\n  covariates: [age, sex, pc1, pc2]\n  seed: 42\n"),
        "pip freeze": ("requirements.txt", open(os.path.join(os.path.dirname(__file__), "requirements.txt")).read()),
    }
    for name, (file, text) in texts.items():
        with open(at(file), "w") as out:
            out.write(text)
        made[name] = at(file)


REPORT = """# Penetrance of BRCA1/2 modifiers

We looked at 5,000 women in 12 centres between 2010 and 2020. *Figure 1* shows risk by age.

## Results

- The hazard ratio of carriers was 1.8 (95% CI 1.5 to 2.2; P = 3e-9).
- 120 of 1,210 women aged 40 to 49 had the disease.
- rs80357906 and rs429358 (chr17:43057062, chr19:44908684) led.

| group | n | cases |
|---|---|---|
| carriers | 150 | 60 |
| non-carriers | 4850 | 310 |

See [the protocol](https://doi.org/10.1000/182), GRCh38 and ENSG00000012048.
"""
PYTHON = '''#!/usr/bin/env python3
"""Survival of carriers."""
import pandas as pd
from lifelines import CoxPHFitter

VCF_HEADER = "##fileformat=VCFv4.2"
COLUMNS = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE"]


def fit(frame: pd.DataFrame) -> CoxPHFitter:
    model = CoxPHFitter(penalizer=0.1)
    model.fit(frame, duration_col="years", event_col="event")
    return model


if __name__ == "__main__":
    data = pd.read_csv("/data/cohort/phenotypes.csv")
    data = data[data["n"] > 10]
    print(fit(data).summary)
'''
