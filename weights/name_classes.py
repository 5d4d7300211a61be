#!/usr/bin/env python3
"""Writes the names in imagenet.txt anew from WordNet 3.0, whose ids it holds:

    name_classes.py /usr/share/wordnet/data.noun

A line is a class: WordNet's id (a letter and where the synset stands in data.noun), a short name
and all names, with tabs between them. The short name is the first of all; two classes would share
it with others and have more. Debian's package wordnet-base has the file.
"""
import pathlib
import sys

LABELS = pathlib.Path(__file__).parent / "imagenet.txt"
# Beside "crane", which lifts, and the other "maillot"; torchvision has them so.
SHORT = {"n02012849": "crane bird", "n03710721": "maillot tank suit"}


def main(path):
    with open(path, "rb") as file:
        nouns = file.read()
    lines = []
    for line in LABELS.read_text(encoding="ascii").splitlines():
        wnid = line.split("\t")[0]
        fields = nouns[int(wnid[1:]):].split(b"\n", 1)[0].decode("ascii").split(" ")
        words = [word.replace("_", " ") for word in fields[4:4 + 2 * int(fields[3], 16):2]]
        lines.append(f"{wnid}\t{SHORT.get(wnid, words[0])}\t{', '.join(words)}\n")
    LABELS.write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
