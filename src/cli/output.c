#include "cli/output.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/message.h"
#include "cli/terminal.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"
#include "util/windows.h"

static struct {
    bool colored, utf8;
    int write_error; /* errno of the first failed write */
    size_t width;    /* where it is no terminal; 0: endless */
} output;

/* --- the stream --- */

void cli_output_start(enum color color)
{
    const char *no_color = getenv("NO_COLOR");
    setlocale(LC_CTYPE, "");
    output.utf8 = cli_terminal_is_utf8();
    output.colored = color == COLOR_ALWAYS || (color == COLOR_AUTO && !(no_color && *no_color) &&
                                               cli_is_terminal(STDOUT_FILENO));
}

bool cli_is_terminal(int fd)
{
    const char *kind = getenv("TERM");
    return isatty(fd) && !(kind && !strcmp(kind, "dumb"));
}

bool cli_output_flush(void)
{
    errno = 0;
    if (!output.write_error && (fflush(stdout) || ferror(stdout)))
        output.write_error = errno ? errno : EIO;
    return !output.write_error;
}

int cli_output_finish(int code)
{
    if (cli_output_flush() || output.write_error == EPIPE)
        return code;
    alx_fail(ALX_STATUS_FILE_UNWRITABLE,
             "standard output: cannot be written: %s; free some space or write elsewhere",
             strerror(output.write_error));
    return code ? code : EXIT_SOME_FAILED;
}

size_t cli_output_width(void)
{
    enum { NARROWEST = 40 };
    if (!isatty(STDOUT_FILENO))
        return output.width ? output.width : SIZE_MAX;
    size_t columns = cli_terminal_columns(STDOUT_FILENO);
    return columns ? alx_max(columns, NARROWEST) : 80;
}

void cli_output_set_width(size_t columns)
{
    output.width = columns;
}

/* --- text --- */

/* The bytes of the character at `text`, which is clean, and the columns that it takes. */
static size_t character(const char *text, size_t *columns)
{
    wchar_t wide;
    mbstate_t state = {0};
    size_t length = 1;
    while (((unsigned char)text[length] & 0xc0) == 0x80)
        length++;
    *columns = 1;
    if (output.utf8 && mbrtowc(&wide, text, length, &state) == length && wcwidth(wide) >= 0)
        *columns = (size_t)wcwidth(wide);
    return length;
}

size_t cli_text_width(const char *text)
{
    size_t width = 0, columns;
    for (; *text; width += columns)
        text += character(text, &columns);
    return width;
}

static char *clean_format(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

static char *clean_format(const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        return cli_copy("");
    alx_text_clean(text);
    return text;
}

static void start_style(enum style style)
{
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m",
                                        "\x1b[32m", "\x1b[31m", "\x1b[36m"};
    if (output.colored)
        fputs(codes[style], stdout);
}

static void end_style(enum style style)
{
    if (output.colored && style != STYLE_PLAIN)
        fputs("\x1b[m", stdout);
}

void cli_print_styled(enum style style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = clean_format(format, arguments);
    va_end(arguments);
    start_style(style);
    fputs(text, stdout);
    end_style(style);
    free(text);
}

void cli_print_cut(const char *text, size_t columns)
{
    const char *ellipsis = output.utf8 ? "\u2026" : "..";
    char *clean = cli_copy(text);
    alx_text_clean(clean);
    if (cli_text_width(clean) <= columns) {
        fputs(clean, stdout);
    } else {
        size_t room = columns - alx_min(columns, cli_text_width(ellipsis)), end = 0, next;
        for (size_t length; length = character(clean + end, &next), next <= room; room -= next)
            end += length;
        printf("%.*s%s", (int)end, clean, ellipsis);
    }
    free(clean);
}

/* Prints clean text between two edges, broken at spaces. */
static void print_wrapped(const char *text, size_t indent, size_t right)
{
    size_t column = indent;
    while (*text) {
        size_t spaces = strspn(text, " "), bytes = strcspn(text + spaces, " "), width = 0, columns;
        text += spaces;
        for (size_t i = 0; i < bytes; width += columns)
            i += character(text + i, &columns);
        if (column > indent && column + spaces + width > right) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else {
            printf("%*s", (int)spaces, "");
            column += spaces;
        }
        printf("%.*s", (int)bytes, text);
        column += width;
        text += bytes;
    }
}

void cli_print_line(enum style style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = clean_format(format, arguments);
    va_end(arguments);
    start_style(style);
    print_wrapped(text, 0, cli_output_width());
    end_style(style);
    putchar('\n');
    free(text);
}

void cli_print_entry(const char *label, size_t indent, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = clean_format(format, arguments);
    va_end(arguments);
    size_t width = strlen(label);
    cli_print_styled(STYLE_BOLD, "%s", label);
    if (width && width + 2 > indent)
        putchar('\n');
    printf("%*s", (int)(width && width + 2 > indent ? indent : indent - width), "");
    print_wrapped(text, indent, alx_min(cli_output_width(), 80));
    putchar('\n');
    free(text);
}

void cli_print_bar(double part, size_t columns)
{
    static const char *const eighths[] = {"",       "\u258f", "\u258e", "\u258d",
                                          "\u258c", "\u258b", "\u258a", "\u2589"};
    size_t steps = output.utf8 ? 8 : 1;
    double length = (part > 0 ? part < 1 ? part : 1 : 0) * (double)(columns * steps);
    size_t filled = (size_t)(length + 0.5), full = filled / steps, rest = filled % steps;
    start_style(STYLE_BAR);
    for (size_t i = 0; i < full; i++)
        fputs(output.utf8 ? "\u2588" : "#", stdout);
    fputs(eighths[rest], stdout);
    end_style(STYLE_BAR);
    printf("%*s", (int)(columns - full - (rest > 0)), "");
}

const char *cli_separator(void)
{
    return output.utf8 ? " \u00b7 " : ", ";
}

/* --- numbers --- */

struct cli_words cli_count(uint64_t value)
{
    char digits[24];
    struct cli_words words = {""};
    size_t length = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    for (size_t i = 0, used = 0; i < length; i++) {
        words.text[used++] = digits[i];
        if ((length - i - 1) % 3 == 0 && i + 1 < length)
            words.text[used++] = ',';
    }
    return words;
}

struct cli_words cli_bytes(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct cli_words words;
    size_t unit = 0;
    double value = (double)bytes / 1024;
    if (bytes < 1024) {
        snprintf(words.text, sizeof words.text, "%d bytes", (int)bytes);
        return words;
    }
    for (; value >= 1000 && unit < 5; unit++)
        value /= 1024;
    snprintf(words.text, sizeof words.text, "%.*f %s", value < 99.95, value, units[unit]);
    return words;
}

struct cli_words cli_duration(uint64_t ns)
{
    struct cli_words words;
    double ms = (double)ns / 1e6;
    if (ms < 9.995)
        snprintf(words.text, sizeof words.text, "%.2f ms", ms);
    else if (ms < 999.5)
        snprintf(words.text, sizeof words.text, "%.*f ms", ms < 99.95, ms);
    else if (ms < 119500)
        snprintf(words.text, sizeof words.text, "%.*f s", ms < 9995 ? 2 : 0, ms / 1000);
    else
        snprintf(words.text, sizeof words.text, "%.0f min", ms / 60000);
    return words;
}

/* --- tables --- */

void cli_table_add(struct cli_table *table, const char *format, ...)
{
    if (table->cell_count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 64;
        char **cells = cli_alloc(capacity, sizeof *cells, "a table");
        for (size_t i = 0; i < table->cell_count; i++)
            cells[i] = table->cells[i];
        free(table->cells);
        table->cells = cells;
        table->capacity = capacity;
    }
    va_list arguments;
    va_start(arguments, format);
    table->cells[table->cell_count++] = clean_format(format, arguments);
    va_end(arguments);
}

/* Narrows flexible columns, the widest first, until the row fits. Returns the gap between columns.
 */
static size_t fit_columns(const struct cli_table *table, size_t *widths)
{
    enum { LEAST = 8, LEAST_OF_LAST = 24 };
    size_t total = 0, gap = 2, room = cli_output_width();
    for (size_t i = 0; i < table->column_count; i++)
        total += widths[i];
    size_t last = table->column_count - 1, broken = 0;
    if (table->columns[last].flexible && widths[last] > LEAST_OF_LAST)
        broken = widths[last] - LEAST_OF_LAST;
    if (total - broken + gap * last > room)
        gap = 1;
    total += gap * (table->column_count - 1);
    while (total > room) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++) {
            size_t least = i + 1 < table->column_count ? LEAST : LEAST_OF_LAST;
            if (table->columns[i].flexible && widths[i] > least &&
                (widest == table->column_count || widths[i] > widths[widest]))
                widest = i;
        }
        if (widest == table->column_count)
            break;
        widths[widest]--;
        total--;
    }
    return gap;
}

static void print_row(const struct cli_table *table, char *const *cells, const size_t *widths,
                      size_t gap)
{
    size_t count = table->column_count, start = 0;
    while (count > 1 && !*cells[count - 1])
        count--; /* no spaces at the end of a line */
    for (size_t i = 0; i < count; start += widths[i++] + gap) {
        size_t width = cli_text_width(cells[i]), pad = widths[i] - alx_min(widths[i], width);
        size_t width_here = widths[i];
        bool right = table->columns[i].right;
        if (i + 1 == count) /* nothing follows: it may run on */
            for (size_t j = count; j < table->column_count; j++)
                width_here += gap + widths[j];
        if (i + 1 == table->column_count && table->columns[i].flexible) {
            print_wrapped(cells[i], start, start + widths[i]);
            break;
        }
        printf("%*s", right ? (int)pad : 0, "");
        cli_print_cut(cells[i], width_here);
        if (i + 1 < count)
            printf("%*s", (int)(gap + (right ? 0 : pad)), "");
    }
    putchar('\n');
}

void cli_table_print(struct cli_table *table)
{
    const size_t columns = table->column_count;
    if (!table->cell_count)
        return;
    size_t *widths = cli_alloc(columns, sizeof *widths, "a table");
    char **titles = cli_alloc(columns, sizeof *titles, "a table");
    for (size_t i = 0; i < columns; i++) {
        titles[i] = cli_copy(table->columns[i].title);
        widths[i] = cli_text_width(titles[i]);
    }
    for (size_t i = 0; i < table->cell_count; i++)
        widths[i % columns] = alx_max(widths[i % columns], cli_text_width(table->cells[i]));
    size_t gap = fit_columns(table, widths);
    start_style(STYLE_BOLD);
    print_row(table, titles, widths, gap);
    end_style(STYLE_BOLD);
    for (size_t i = 0; i + columns <= table->cell_count; i += columns)
        print_row(table, table->cells + i, widths, gap);
    for (size_t i = 0; i < columns; i++)
        free(titles[i]);
    free(titles);
    free(widths);
    cli_table_free(table);
}

void cli_table_free(struct cli_table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct cli_table){table->columns, table->column_count, NULL, 0, 0};
}
