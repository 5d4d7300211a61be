#include "cli/bench_page.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"
#include "cli/embedded.h"
#include "cli/message.h"

/* --- HTML --- */

void cli_html(struct alx_text *out, const char *open, const char *close, const char *format, ...)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = cli_copy("");
    va_end(arguments);
    alx_text_clean(text);
    alx_text_add(out, "%s", open);
    for (const char *c = text; *c; c++) {
        size_t i = 0;
        while (i < sizeof entities / sizeof *entities && entities[i].c != *c)
            i++;
        if (i < sizeof entities / sizeof *entities)
            alx_text_add(out, "%s", entities[i].entity);
        else
            alx_text_add(out, "%c", *c);
    }
    alx_text_add(out, "%s", close);
    free(text);
}

/* A row whose cells beside one are empty heads those that follow. */
static bool is_heading(char *const *cells, size_t columns)
{
    size_t filled = 0;
    for (size_t i = 0; i < columns; i++)
        filled += *cells[i] != 0;
    return columns > 2 && filled == 1;
}

static void add_row(struct alx_text *out, const struct cli_table *table, char *const *cells)
{
    size_t columns = table->column_count, named = 0;
    if (is_heading(cells, columns)) {
        for (size_t i = 0; i < columns; i++)
            if (*cells[i])
                named = i;
        alx_text_add(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">", columns);
        cli_html(out, "", "</th></tr>\n", "%s", cells[named]);
        return;
    }
    alx_text_add(out, "<tr>");
    for (size_t i = 0; i < columns; i++) {
        const char *wrong = strstr(cells[i], "WRONG") || strstr(cells[i], "failed") ? " bad" : "";
        alx_text_add(out, i ? "<td class=\"%s%s\">" : "<th scope=\"row\" class=\"%s%s\">",
                     table->columns[i].right ? "number" : "words", i ? wrong : "");
        cli_html(out, "", i ? "</td>" : "</th>", "%s", cells[i]);
    }
    alx_text_add(out, "</tr>\n");
}

void cli_html_table(struct alx_text *out, const char *caption, struct cli_table *table)
{
    if (table->cell_count) {
        cli_html(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", "\">",
                 "%s", caption);
        cli_html(out, "<table><caption>", "</caption>\n<thead><tr>", "%s", caption);
        for (size_t i = 0; i < table->column_count; i++) {
            const char *title = table->columns[i].title;
            alx_text_add(out, "<th scope=\"col\" class=\"%s\">",
                         table->columns[i].right ? "number" : "words");
            cli_html(out, "", "</th>", "%s", strcmp(title, "+-") ? title : "\xc2\xb1");
        }
        alx_text_add(out, "</tr></thead>\n<tbody>\n");
        for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
            add_row(out, table, table->cells + i);
        alx_text_add(out, "</tbody></table></div>\n");
    }
    cli_table_free(table);
}

void cli_page_svg(struct cli_page *page, size_t height, const char *title, const char *description)
{
    size_t id = ++page->ids;
    alx_text_add(&page->out,
                 "<svg role=\"img\" width=\"100%%\" height=\"%zu\" aria-labelledby=\"t%zu d%zu\">"
                 "<title id=\"t%zu\">",
                 height, id, id, id);
    cli_html(&page->out, "", "</title>", "%s", title);
    alx_text_add(&page->out, "<desc id=\"d%zu\">", id);
    cli_html(&page->out, "", "</desc>\n", "%s", description);
}

const char *cli_page_bound(const json_t *layer)
{
    const char *bound = bench_text(layer, "bound_by");
    return *bound ? bound : "none";
}

/* --- the head --- */

/* What stands in large letters: the best device by two measures. */
struct champions {
    const json_t *fastest, *quickest; /* devices */
    const json_t *most, *least;       /* their runs */
    size_t devices, measured, wrong;
};

static void find_champions(void *user, const json_t *part, const json_t *device, bool first)
{
    struct champions *c = user;
    size_t index;
    json_t *run;
    (void)part, (void)first;
    c->devices++;
    c->measured += bench_main_run(device) != NULL;
    json_array_foreach(json_object_get(device, "runs"), index, run)
    {
        c->wrong += !strcmp(bench_verdict(json_object_get(run, "check")), "WRONG");
        if (!bench_is(run, "status", "ok"))
            continue;
        double rate = bench_number(run, "images_per_s");
        double best = bench_number(c->most, "images_per_s");
        double time = bench_number(run, "median_ms");
        double least = bench_number(c->least, "median_ms");
        if (rate > (isnan(best) ? 0 : best))
            c->most = run, c->fastest = device;
        if (bench_number(run, "batch") == 1 && time < (isnan(least) ? INFINITY : least))
            c->least = run, c->quickest = device;
    }
}

static void add_tile(struct alx_text *out, const char *title, struct cli_words value,
                     const char *unit, const json_t *device, const json_t *run)
{
    if (!device)
        return;
    cli_html(out, "<div class=\"tile\"><dt>", "</dt>", "%s", title);
    cli_html(out, "<dd><strong>", "</strong> ", "%s", value.text);
    cli_html(out, "<span>", "</span>", "%s", unit);
    cli_html(out, "<small>", "</small></dd></div>\n", "%s, %s",
             bench_text(json_object_get(device, "device"), "name"), bench_run_name(run).text);
}

static void add_tiles(struct cli_page *page, const json_t *document)
{
    struct alx_text *out = &page->out;
    struct champions c = {0};
    bench_each_device(document, find_champions, &c);
    alx_text_add(out, "<dl class=\"tiles\">\n");
    add_tile(out, "Most images", cli_figures(bench_number(c.most, "images_per_s")), "images/s",
             c.fastest, c.most);
    add_tile(out, "One image soonest", cli_figures(bench_number(c.least, "median_ms")), "ms",
             c.quickest, c.least);
    cli_html(out, "<div class=\"tile\"><dt>Measured</dt><dd><strong>", "</strong> ", "%zu of %zu",
             c.measured, c.devices);
    cli_html(out, "<span>devices</span><small>", "</small></dd></div>\n</dl>\n", "%s",
             c.wrong      ? "\xe2\x9c\x97 some results are WRONG"
             : c.measured ? "\xe2\x9c\x93 all their results agree with the reference"
                          : "no results to check");
}

static void add_head(struct cli_page *page, const json_t *document)
{
    struct alx_text *out = &page->out;
    const json_t *first = bench_part(document, 0);
    size_t parts = bench_part_count(document);
    const char *network = bench_text(json_object_get(first, "network"), "name");
    alx_text_add(
        out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n"
             "<meta name=\"referrer\" content=\"no-referrer\">\n"
             "<link rel=\"icon\" href=\"data:,\">\n");
    cli_html(out, "<title>", "</title>\n", "%s on OpenCL devices - alexnet-cl bench", network);
    alx_text_add(out, "<style>\n%s</style>\n</head>\n<body>\n", cli_embedded("page.css"));
    alx_text_add(out,
                 "<svg class=\"defs\" aria-hidden=\"true\"><defs><pattern id=\"stripes\" "
                 "width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
                 "patternTransform=\"rotate(45)\"><path d=\"M1 0v6\"/></pattern></defs></svg>\n");
    alx_text_add(out, "<a class=\"skip\" href=\"#devices\">Skip to the devices</a>\n<header>\n");
    cli_html(out, "<h1>", " <small>on OpenCL devices</small></h1>\n", "%s", network);
    if (parts > 1)
        cli_html(out, "<p>", "</p>\n", "%zu measurements side by side", parts);
    for (size_t i = 0; i < parts; i++) {
        const json_t *part = bench_part(document, i);
        cli_html(out, "<p>", "", "%s", bench_host(part).text);
        cli_html(out, "<br><span class=\"muted\">", "</span></p>\n",
                 "measured %s by alexnet-cl %s, kernels %.12s", bench_text(part, "time"),
                 bench_text(part, "version"),
                 bench_text(json_object_get(part, "hashes"), "kernels"));
    }
    alx_text_add(out, "</header>\n<main>\n");
}

/* --- notes --- */

struct notes {
    struct alx_text list;
    size_t count;
    const json_t *part; /* whose notes follow, when that is still to be said; or NULL */
};

static void add_note(void *user, const char *subject, const char *note)
{
    struct notes *notes = user;
    if (notes->part)
        cli_html(&notes->list, "</ul>\n<p class=\"muted\">", "</p>\n<ul>\n", "%s, %s",
                 bench_host(notes->part).text, bench_text(notes->part, "time"));
    notes->part = NULL;
    notes->count++;
    alx_text_add(&notes->list, "<li>");
    if (*subject)
        cli_html(&notes->list, "<b>", "</b>: ", "%s", subject);
    cli_html(&notes->list, "", "</li>\n", "%s", note);
}

/* Many of them are folded up, so that results are seen first. */
static void add_notes(struct cli_page *page, const json_t *document)
{
    enum { MOST_UNFOLDED = 6 };
    struct alx_text *out = &page->out;
    const json_t *duplicates = json_object_get(document, "duplicates");
    struct notes notes = {{0}, 0, NULL};
    for (size_t i = 0; i < json_array_size(duplicates); i++)
        add_note(&notes, bench_text(json_array_get(duplicates, i), "name"),
                 "was measured more than once on the same machine; every measurement is shown");
    for (size_t i = 0; i < bench_part_count(document); i++) {
        notes.part = page->merged ? bench_part(document, i) : NULL;
        bench_each_note(bench_part(document, i), add_note, &notes);
    }
    if (notes.count) {
        alx_text_add(out,
                     "<section class=\"notes\" aria-labelledby=\"doubts\"><h2 id=\"doubts\">"
                     "<span aria-hidden=\"true\">&#9888;</span> What makes times doubtful</h2>"
                     "\n<details%s><summary>%zu note%s</summary>\n<ul>\n",
                     notes.count > MOST_UNFOLDED ? "" : " open", notes.count,
                     notes.count == 1 ? "" : "s");
        alx_text_add(out, "%s</ul></details></section>\n", alx_text_get(&notes.list));
    }
    alx_text_free(&notes.list);
}

/* --- the whole --- */

static void add_explanation(struct cli_page *page)
{
    alx_text_add(
        &page->out,
        "<section><h2>How to read this</h2>\n<ul class=\"plain\">"
        "<li>Times are medians. &plusmn; is half of the 95&nbsp;%% confidence interval "
        "of "
        "the median; the thin line on a bar runs from the 10th to the 90th percentile.</li>"
        "<li>The limit of a layer is what the device, by what was measured in the same run, needs "
        "at "
        "the least: for its multiplications or for its bytes, whichever takes longer. Above "
        "100&nbsp;%% multiplications were saved (Winograd) or caches helped.</li>"
        "<li>Weights are stored as fp32, fp16 or int8; sums are float32 in all three.</li>"
        "<li>Results are compared with a reference in double precision; an error above its bound "
        "is "
        "wrong.</li>"
        "<li>Times of layers are the device's own, from runs with profiling, so that their sum may "
        "differ from the time of the run.</li></ul></section>\n");
}

static void add_part(struct cli_page *page, const json_t *part)
{
    struct cli_table table;
    struct alx_text *out = &page->out;
    size_t index;
    json_t *device;
    alx_text_add(out, "<section>\n");
    if (page->merged)
        cli_html(out, "<h2>", "</h2>\n", "%s, %s", bench_host(part).text, bench_text(part, "time"));
    else
        alx_text_add(out, "<h2>Device by device</h2>\n");
    json_array_foreach(json_object_get(part, "devices"), index, device)
        cli_page_device(page, device);
    alx_text_add(out, "<h3>Measured limits</h3>\n");
    bench_limits_table(part, &table);
    cli_html_table(out, "What each device can do at most, measured in the same run", &table);
    alx_text_add(out, "<h3>Machine and versions</h3>\n");
    bench_versions_table(part, &table);
    cli_html_table(out, "The machine, and the exact versions of everything", &table);
    alx_text_add(out, "</section>\n");
}

/* The document as a link, so that who has the page has what it was made from: saved, --from and
 * --compare read it. */
static void add_document(struct cli_page *page, const json_t *document)
{
    struct alx_text *out = &page->out;
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
    alx_text_add(out, "<p><a download=\"bench.json\" href=\"data:application/json,");
    for (const char *c = text; *c; c++)
        alx_text_add(out, strchr(" \"#%&'<>\\^`{|}", *c) ? "%%%02X" : "%c", *c);
    alx_text_add(out, "\">Save what was measured as JSON</a>, for <code>alexnet-cl bench "
                      "--from</code>, <code>--compare</code> and <code>--merge</code>.</p>\n");
    free(text);
}

char *bench_page(const json_t *document)
{
    struct cli_page page = {.merged = bench_part_count(document) > 1};
    struct cli_table table;
    add_head(&page, document);
    add_tiles(&page, document);
    add_notes(&page, document);
    alx_text_add(&page.out, "<section id=\"devices\"><h2>Devices side by side</h2>\n");
    cli_page_bars(&page, document);
    bench_devices_table(document, &table);
    cli_html_table(&page.out, "Every device, by piece of hardware", &table);
    alx_text_add(&page.out, "</section>\n");
    for (size_t i = 0; i < bench_part_count(document); i++)
        add_part(&page, bench_part(document, i));
    add_explanation(&page);
    add_document(&page, document);
    alx_text_add(&page.out, "</main>\n</body>\n</html>\n");
    return cli_text_take(&page.out);
}
