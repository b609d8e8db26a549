"""What people put round a file, or make of it, so that nobody sees what it is.

disguises(file, delimiter, header, image, folder) gives {name of the disguise: [files]}; several files are the pieces of one.
"""
import base64
import os
import random
import subprocess
import tarfile
import zipfile

PIECES = 3


def disguises(file, delimiter, header, image, folder):
    os.makedirs(folder, exist_ok=True)
    with open(file, "rb") as opened:
        content = opened.read()
    made = {}

    def put(disguise, name, data):
        path = os.path.join(folder, name)
        with open(path, "wb") as out:
            out.write(data)
        made.setdefault(disguise, []).append(path)

    put("as it is", os.path.basename(file), content)
    put("renamed", "table1.csv", content)
    for name, command in {
        "gzip": ["gzip", "-nc"],
        "bgzip": ["bgzip", "-c"],
        "xz": ["xz", "-c"],
        "bzip2": ["bzip2", "-c"],
        "zstd": ["zstd", "-qc"],
    }.items():
        with open(file, "rb") as opened:
            put(name, f"{name}.csv", subprocess.run(command, stdin=opened, capture_output=True, check=True).stdout)
    plain = os.path.join(folder, "table1.csv")
    with zipfile.ZipFile(os.path.join(folder, "results.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "table1.csv")
    made["zip"] = [archive.filename]
    with tarfile.open(os.path.join(folder, "results.tar"), "w") as archive:
        archive.add(plain, "table1.csv")
    made["tar"] = [os.path.join(folder, "results.tar")]
    seven = os.path.join(folder, "results.7z")
    if os.path.exists(seven):
        os.remove(seven)
    subprocess.run(["7z", "a", "-bd", seven, plain], stdout=subprocess.DEVNULL, check=True)
    made["7z"] = [seven]
    put("base64 in text", "appendix.md", b"# Appendix\n\nSupplementary figure:\n\n" + base64.encodebytes(content))
    with open(image, "rb") as opened:
        put("appended to a PNG", "figure1.png", opened.read() + content)
    size = -(-len(content) // PIECES)
    for piece in range(PIECES):
        put("split in three", f"part{piece}.csv", content[piece * size : (piece + 1) * size])
    if delimiter:
        rows = [line.split(delimiter) for line in content.decode().splitlines()]
        square(rows, header, put, delimiter)
    return made


def square(rows, header, put, delimiter):
    """What can be done with a table. Its header goes with it."""
    names, rows = rows[:header], rows[header:]
    width = min(len(row) for row in rows)
    order = list(range(width))
    random.Random(1).shuffle(order)
    text = lambda table, by: "".join(by.join(row) + "\n" for row in table).encode()
    shuffled = [[row[column] for column in order] for row in names + rows if len(row) >= width]
    put("columns shuffled", "shuffled.csv", text(shuffled, delimiter))
    put("columns shuffled, other delimiter", "semicolons.csv", text(shuffled, ";"))
    put("without header", "bare.csv", text(rows, delimiter))
    turned = [[row[column] for row in names + rows if len(row) >= width] for column in range(width)]
    put("transposed", "transposed.csv", text(turned, delimiter))
