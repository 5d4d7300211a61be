"""Draw what a command prints on a terminal as SVG: make_terminal.py OUT.svg COMMAND [ARGUMENT]...

The command runs in a pseudo-terminal, so that it shows colours and progress as it does to a person;
of a line that it overwrites, the last state is drawn. The first line of the picture is the command.
"""
import fcntl
import html
import os
import pty
import re
import shlex
import struct
import sys
import termios

COLUMNS = 100
CELL_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 19, 16
BACKGROUND, FOREGROUND = "#16181d", "#d8dee9"
COLOURS = ["#4b5263", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"]
CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


def capture(command):
    """What the command writes to a terminal."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        os.environ.update(TERM="xterm-256color")
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)
    pieces = []
    try:
        while data := os.read(terminal, 65536):
            pieces.append(data)
    except OSError:  # how Linux says that the other end is closed
        pass
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(f"{shlex.join(command)} failed")
    return b"".join(pieces).decode("utf-8", "replace")


def style_after(style, numbers):
    """The (colour, bold, dim) after the numbers of a colour code."""
    colour, bold, dim = style
    for number in (int(n or 0) for n in numbers.split(";")):
        if number == 0:
            colour, bold, dim = FOREGROUND, False, False
        elif number == 1:
            bold = True
        elif number == 2:
            dim = True
        elif number == 22:
            bold = dim = False
        elif number == 39:
            colour = FOREGROUND
        elif 30 <= number <= 37:
            colour = COLOURS[number - 30]
        elif 90 <= number <= 97:
            colour = COLOURS[number - 90]
    return colour, bold, dim


def screen(text):
    """Lines of cells (character, style), after carriage returns, erasures and colours."""
    lines, column, position = [[]], 0, 0
    style = plain = (FOREGROUND, False, False)
    while position < len(text):
        code = CODE.match(text, position)
        if code:
            if code.group(2) == "m":
                style = style_after(style, code.group(1))
            elif code.group(2) == "K":
                del lines[-1][0 if code.group(1) == "2" else column:]
            position = code.end()
            continue
        character = text[position]
        position += 1
        if character == "\n":
            lines.append([])
            column = 0
        elif character == "\r":
            column = 0
        elif character >= " ":
            lines[-1] += [(" ", plain)] * (column + 1 - len(lines[-1]))
            lines[-1][column] = (character, style)
            column += 1
    while lines and not lines[-1]:
        lines.pop()
    return lines


def draw_line(cells, y):
    """Text elements for runs of one style, each placed on the grid of cells."""
    parts, start = [], 0
    while start < len(cells):
        end = start
        while end < len(cells) and cells[end][1] == cells[start][1]:
            end += 1
        words = "".join(character for character, _ in cells[start:end])
        colour, bold, dim = cells[start][1]
        if words.strip():
            parts.append(
                f'<text x="{MARGIN + start * CELL_WIDTH:.1f}" y="{y}" fill="{colour}"'
                f' textLength="{len(words) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
                f'{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}'
                f'{" opacity=" + chr(34) + "0.6" + chr(34) if dim else ""}>'
                f"{html.escape(words)}</text>")
        start = end
    return "\n".join(parts)


def draw(lines):
    width = MARGIN * 2 + max(len(line) for line in lines) * CELL_WIDTH
    height = MARGIN * 2 + len(lines) * LINE_HEIGHT
    texts = [draw_line(line, MARGIN + 14 + i * LINE_HEIGHT) for i, line in enumerate(lines)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}"'
            f' width="{width:.0f}" height="{height}" xml:space="preserve"'
            ' font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">\n'
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n'
            + "\n".join(filter(None, texts)) + "\n</svg>\n")


def main(out, command):
    shown = shlex.join([os.path.basename(command[0])] + command[1:])
    prompt = [(character, (COLOURS[2], True, False)) for character in "$ "]
    prompt += [(character, (FOREGROUND, True, False)) for character in shown]
    lines = [prompt] + screen(capture(command))
    with open(out, "w", encoding="utf-8") as file:
        file.write(draw(lines))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
