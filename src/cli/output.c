#include "cli/output.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/message.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

static struct {
    bool colored, utf8;
    int write_error; /* errno of the first failed write */
} output;

/* --- the stream --- */

void cli_output_start(enum color color)
{
    const char *no_color = getenv("NO_COLOR");
    setlocale(LC_CTYPE, "");
    output.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    output.colored = color == COLOR_ALWAYS ||
                     (color == COLOR_AUTO && isatty(STDOUT_FILENO) && !(no_color && *no_color));
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
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return SIZE_MAX;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
        return 80;
    return alx_max(size.ws_col, NARROWEST);
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

/* The line ends at the end of the format stay; any other is from outside. */
static char *clean_format(const char *format, va_list arguments)
{
    char *text;
    int bytes = vasprintf(&text, format, arguments);
    if (bytes < 0)
        return cli_copy("");
    alx_text_clean(text);
    for (size_t i = strlen(format); i && format[i - 1] == '\n' && bytes; i--)
        text[--bytes] = '\n';
    return text;
}

void cli_print_styled(enum style style, const char *format, ...)
{
    static const char *const codes[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m"};
    va_list arguments;
    va_start(arguments, format);
    char *text = clean_format(format, arguments);
    va_end(arguments);
    bool colored = output.colored && style != STYLE_PLAIN;
    printf("%s%s%s", colored ? codes[style] : "", text, colored ? "\x1b[m" : "");
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

void cli_print_wrapped(const char *text, size_t indent)
{
    size_t right = alx_min(cli_output_width(), 80), column = indent;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > right) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, text);
        column += word;
        text += word + strspn(text + word, " ");
    }
    putchar('\n');
}

void cli_print_bar(double part, size_t columns)
{
    static const char *const eighths[] = {"",       "\u258f", "\u258e", "\u258d",
                                          "\u258c", "\u258b", "\u258a", "\u2589"};
    size_t steps = output.utf8 ? 8 : 1;
    double length = (part > 0 ? part < 1 ? part : 1 : 0) * (double)(columns * steps);
    size_t filled = (size_t)(length + 0.5), full = filled / steps, rest = filled % steps;
    printf("%s", output.colored ? "\x1b[36m" : "");
    for (size_t i = 0; i < full; i++)
        fputs(output.utf8 ? "\u2588" : "#", stdout);
    fputs(eighths[rest], stdout);
    printf("%s%*s", output.colored ? "\x1b[m" : "", (int)(columns - full - (rest > 0)), "");
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

/* Cuts flexible columns, the widest first, until the row fits. Returns the gap between columns. */
static size_t fit_columns(const struct cli_table *table, size_t *widths)
{
    enum { LEAST = 8 };
    size_t total = 0, gap = 2, room = cli_output_width();
    for (size_t i = 0; i < table->column_count; i++)
        total += widths[i];
    if (total + gap * (table->column_count - 1) > room)
        gap = 1;
    total += gap * (table->column_count - 1);
    while (total > room) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].flexible && widths[i] > LEAST &&
                (widest == table->column_count || widths[i] > widths[widest]))
                widest = i;
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
    size_t count = table->column_count;
    while (count > 1 && !*cells[count - 1])
        count--; /* no spaces at the end of a line */
    for (size_t i = 0; i < count; i++) {
        size_t width = cli_text_width(cells[i]), pad = widths[i] - alx_min(widths[i], width);
        bool last = i + 1 == count;
        if (table->columns[i].right)
            printf("%*s", (int)pad, "");
        cli_print_cut(cells[i], widths[i]);
        if (!table->columns[i].right && !last)
            printf("%*s", (int)pad, "");
        if (!last)
            printf("%*s", (int)gap, "");
    }
    putchar('\n');
}

void cli_table_print(struct cli_table *table)
{
    const size_t columns = table->column_count;
    size_t *widths = cli_alloc(columns, sizeof *widths, "a table");
    char **titles = cli_alloc(columns, sizeof *titles, "a table");
    for (size_t i = 0; i < columns; i++) {
        titles[i] = cli_copy(table->columns[i].title);
        widths[i] = cli_text_width(titles[i]);
    }
    for (size_t i = 0; i < table->cell_count; i++)
        widths[i % columns] = alx_max(widths[i % columns], cli_text_width(table->cells[i]));
    size_t gap = fit_columns(table, widths);
    printf("%s", output.colored ? "\x1b[1m" : "");
    print_row(table, titles, widths, gap);
    printf("%s", output.colored ? "\x1b[m" : "");
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
