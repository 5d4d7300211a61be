"""Winograd's minimal filtering F(m, r) by the Cook-Toom construction, in exact rationals.

    cook_toom.py kernels OUT.cl IN.cl    the straight-line transforms, followed by IN.cl
    cook_toom.py table OUT.h             the matrices as integers over a common denominator

y = A^T [(G g) * (B^T d)] gives m outputs of a correlation of d[m + r - 1] with g[r]: A and G
evaluate polynomials at the points and at infinity, B^T is the transposed interpolation from there.
The points decide how much rounding errors grow; these were found by search over pairs +-a of small
dyadic numbers: 2 to 3 times less than with 0, 1, -1, 2, -2.
"""
import sys
from fractions import Fraction
from math import lcm

POINTS = {
    (2, 3): ["0", "1", "-1"],
    (3, 3): ["1/2", "-1/2", "5/4", "-5/4"],
    (4, 3): ["0", "3/4", "-3/4", "3/2", "-3/2"],
    (2, 5): ["0", "3/4", "-3/4", "3/2", "-3/2"],
    (3, 5): ["3/8", "-3/8", "7/8", "-7/8", "7/4", "-7/4"],
    (4, 5): ["0", "1/2", "-1/2", "1", "-1", "2", "-2"],
}


def evaluation(points, count):
    """Rows evaluate a polynomial of `count` coefficients at a point, the last one at infinity."""
    rows = [[p**j for j in range(count)] for p in points]
    return rows + [[Fraction(0)] * (count - 1) + [Fraction(1)]]


def inverse(matrix):
    size = len(matrix)
    rows = [row[:] + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = next(k for k in range(i, size) if rows[k][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for k in range(size):
            if k != i and rows[k][i]:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i])]
    return [row[size:] for row in rows]


def transposed(matrix):
    return [list(column) for column in zip(*matrix)]


def cook_toom(m, r):
    """A^T [m][n], G [n][r], B^T [n][n]; rows of B^T are scaled so that their last factor is 1."""
    points = [Fraction(p) for p in POINTS[m, r]]
    g = evaluation(points, r)
    bt = transposed(inverse(evaluation(points, m + r - 1)))
    for i, row in enumerate(bt):
        scale = [x for x in row if x][-1]
        bt[i] = [x / scale for x in row]
        g[i] = [x * scale for x in g[i]]
    return transposed(evaluation(points, m)), g, bt


# --- straight-line code: values are (factor, name) terms ---


def literal(value):
    return f"{float(value)!r}f"


def sum_of(terms):
    """An expression for the sum; additions first, so that the rest are multiply-adds."""
    terms = sorted((t for t in terms if t[0]), key=lambda t: abs(t[0]) != 1)
    if not terms:
        return "(T)(0.0f)"
    factor, name = terms[0]
    text = {1: name, -1: f"-{name}"}.get(factor, f"(T)({literal(factor)}) * {name}")
    for factor, name in terms[1:]:
        if abs(factor) == 1:
            text = f"{text} {'+' if factor > 0 else '-'} {name}"
        else:
            text = f"fma((T)({literal(factor)}), {name}, {text})"
    return text


def partner_of(rows, i, taken):
    """A row that differs from row i only in some signs."""
    for j in range(i + 1, len(rows)):
        if j not in taken and all(abs(a) == abs(b) for a, b in zip(rows[i], rows[j])):
            return j
    return None


def code_by_rows(rows):
    """y = rows * x where pairs of rows share their even and odd halves (B^T)."""
    lines, taken = [], set()
    for i, row in enumerate(rows):
        if i in taken:
            continue
        j = partner_of(rows, i, taken)
        if j is None:
            lines.append(f"Y({i}) = {sum_of([(c, f'X({k})') for k, c in enumerate(row)])};")
            continue
        taken.add(j)
        even = [(c, f"X({k})") for k, c in enumerate(row) if c == rows[j][k]]
        odd = [(c, f"X({k})") for k, c in enumerate(row) if c and c == -rows[j][k]]
        scale = odd[-1][0]
        odd = [(c / scale, name) for c, name in odd]
        lines.append(f"const T e{i} = {sum_of(even)}, o{i} = {sum_of(odd)};")
        lines.append(f"Y({i}) = {sum_of([(Fraction(1), f'e{i}'), (scale, f'o{i}')])};")
        lines.append(f"Y({j}) = {sum_of([(Fraction(1), f'e{i}'), (-scale, f'o{i}')])};")
    return lines


def code_by_columns(rows):
    """y = rows * x where pairs of columns share their sum and difference (A^T)."""
    columns, lines, terms, taken = transposed(rows), [], [[] for _ in rows], set()
    for i, column in enumerate(columns):
        if i in taken:
            continue
        j = partner_of(columns, i, taken)
        if j is None:
            for k, c in enumerate(column):
                terms[k].append((c, f"X({i})"))
            continue
        taken.add(j)
        lines.append(f"const T s{i} = X({i}) + X({j}), d{i} = X({i}) - X({j});")
        for k, c in enumerate(column):
            terms[k].append((c, f"s{i}" if c == columns[j][k] else f"d{i}"))
    return lines + [f"Y({k}) = {sum_of(t)};" for k, t in enumerate(terms)]


def macro(name, lines):
    body = [f"#define {name}(T, X, Y)", "    {"] + [f"        {line}" for line in lines] + ["    }"]
    return " \\\n".join(body) + "\n"


def kernels():
    """Macros that read the terms X(0), X(1), ... and write Y(0), Y(1), ..., all of type T."""
    text = "/* Made by cook_toom.py: the transforms of each F(TILE, KERNEL). */\n"
    for m, r in POINTS:
        at, _, bt = cook_toom(m, r)
        text += f"#if TILE == {m} && KERNEL == {r}\n"
        text += macro("TRANSFORM_INPUT", code_by_rows(bt))
        text += macro("TRANSFORM_OUTPUT", code_by_columns(at))
        text += "#endif\n"
    return text + "\n"


def initialiser(name, matrix):
    denominator = lcm(*[x.denominator for row in matrix for x in row])
    rows = [", ".join(str(int(x * denominator)) for x in row) for row in matrix]
    body = ", ".join("{" + row + "}" for row in rows)
    return f".{name} = {{{body}}}, .{name}_denominator = {denominator}"


def table():
    text = "/* Made by cook_toom.py: see ops/winograd.h. */\n"
    for m, r in POINTS:
        at, g, bt = cook_toom(m, r)
        matrices = [initialiser(name, x) for name, x in (("at", at), ("g", g), ("bt", bt))]
        text += f"{{.m = {m}, .r = {r}, {', '.join(matrices)}}},\n"
    return text


def main(what, out, source=None):
    text = kernels() if what == "kernels" else table()
    if source:
        with open(source, encoding="ascii") as file:
            text += file.read()
    with open(out, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
