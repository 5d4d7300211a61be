"""Write a file of classes, see name_classes.py, as a C table: embed_labels.py OUT.c FILE."""
import json
import sys


def main(out, path):
    with open(path, encoding="ascii") as file:
        classes = [line.split("\t") for line in file.read().splitlines()]
    with open(out, "w", encoding="ascii") as file:
        file.write('#include "model/labels.h"\n\n')
        file.write("const struct alx_imagenet_class alx_imagenet[ALX_IMAGENET_CLASSES] = {\n")
        for wnid, label, names in classes:
            file.write(f"    {{{json.dumps(wnid)}, {json.dumps(label)}, {json.dumps(names)}}},\n")
        file.write("};\n_Static_assert(")
        file.write(f"ALX_IMAGENET_CLASSES == {len(classes)}, \"one label a class\");\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
