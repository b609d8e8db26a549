"""Makes every case of `cargo e2e bench airlock`: make.py SOURCE FOLDER writes FOLDER/cases.json."""
import json
import os
import sys

from disguise import disguises
from honest import PEOPLE, honest
from individual import individual, run


def main(source, folder):
    results = honest(os.path.join(folder, "honest"), run)
    image = results["plot: bars (matplotlib)"]
    cases = []
    for number, (name, (file, rules, delimiter, header)) in enumerate(individual(source, os.path.join(folder, "people")).items()):
        made = disguises(file, delimiter, header, image, os.path.join(folder, f"disguised{number:02}"))
        cases += [{"format": name, "disguise": disguise, "rules": rules, "files": files} for disguise, files in made.items()]
    honest_cases = [{"name": name, "file": file} for name, file in results.items()]
    with open(os.path.join(folder, "cases.json"), "w") as out:
        json.dump({"population": PEOPLE, "individual": cases, "honest": honest_cases}, out)


main(sys.argv[1], sys.argv[2])
