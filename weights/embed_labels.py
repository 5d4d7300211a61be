"""Write a file of labels, one a line, as a C table of texts: embed_labels.py OUT.c FILE."""
import json
import sys


def main(out, path):
    with open(path, encoding="ascii") as file:
        labels = file.read().splitlines()
    with open(out, "w", encoding="ascii") as file:
        file.write('#include "model/labels.h"\n\n')
        file.write("const char *const alx_imagenet_labels[ALX_IMAGENET_CLASSES] = {\n")
        for label in labels:
            file.write(f"    {json.dumps(label)},\n")
        file.write("};\n_Static_assert(")
        file.write(f"ALX_IMAGENET_CLASSES == {len(labels)}, \"one label a class\");\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
