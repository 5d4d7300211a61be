/*
 * The page's first chart: devices side by side.
 */
#include <math.h>
#include <stdio.h>

#include "cli/bench_page.h"
#include "cli/bench_report.h"
#include "cli/bench_tables.h"

/* Of a chart of 100 % width, after the labels on the left; the rest is for the values. */
enum { LABEL_PIXELS = 42, BAR_PERCENT = 50, ROW_PIXELS = 24, BAR_PIXELS = 16 };

/* What a bar shows. */
struct measure {
    const char *title, *unit;
    bool best;      /* of the best batch, or of batch 1 */
    bool rate;      /* images a second, or milliseconds */
    double largest; /* what the longest bar shows */
    double smallest;
    bool broken; /* some bars would be longer */
};

/* A bar that is so many times the shortest one is broken off, or the others would be seen no more.
 * Of rates it is the short ones that do not count. */
enum { MOST_TIMES = 25 };

struct bars {
    struct cli_page *page;
    struct measure *measure;
    const json_t *part; /* whose device came last */
};

/* The value of a run whose time would be the one that `key` holds. */
static double value_of(const struct measure *measure, const json_t *run, const char *key)
{
    double ms = bench_number(run, key);
    return measure->rate ? 1000 * bench_number(run, "batch") / ms : ms;
}

static void find_smallest(void *user, const json_t *part, const json_t *device, bool first)
{
    struct measure *measure = user;
    (void)part, (void)first;
    for (size_t i = 0; bench_precisions[i]; i++) {
        const json_t *run = bench_find_run(device, bench_precisions[i], measure->best);
        measure->smallest = fmin(measure->smallest, value_of(measure, run, "median_ms"));
    }
}

static bool is_broken(const struct measure *measure, double value)
{
    return !measure->rate && value > MOST_TIMES * measure->smallest;
}

static void find_largest(void *user, const json_t *part, const json_t *device, bool first)
{
    struct measure *measure = user;
    (void)part, (void)first;
    for (size_t i = 0; bench_precisions[i]; i++) {
        const json_t *run = bench_find_run(device, bench_precisions[i], measure->best);
        double value = value_of(measure, run, "median_ms");
        measure->broken = measure->broken || is_broken(measure, value);
        if (!is_broken(measure, value))
            measure->largest = fmax(measure->largest, value);
    }
}

static void add_bar(struct alx_text *out, const struct measure *measure, const json_t *run,
                    size_t row)
{
    double scale = BAR_PERCENT / measure->largest;
    double value = value_of(measure, run, "median_ms"), length = value;
    double a = value_of(measure, run, "p10_ms"), b = value_of(measure, run, "p90_ms");
    if (is_broken(measure, value)) {
        length = 1.2 * measure->largest;
        a = b = NAN;
    }
    size_t top = row * ROW_PIXELS + (ROW_PIXELS - BAR_PIXELS) / 2, middle = top + BAR_PIXELS / 2;
    alx_text_add(out, "<text class=\"label\" x=\"0\" y=\"%zu\">%s</text>", middle + 4,
                 bench_text(run, "precision"));
    alx_text_add(out,
                 "<g transform=\"translate(%d 0)\"><rect class=\"bar\" x=\"0\" y=\"%zu\" "
                 "width=\"%.3f%%\" height=\"%d\" rx=\"2\"/>",
                 LABEL_PIXELS, top, fmax(length * scale, 0.4), BAR_PIXELS);
    if (is_broken(measure, value))
        alx_text_add(out,
                     "<svg x=\"%.3f%%\" y=\"%zu\" overflow=\"visible\"><path class=\"cut\" "
                     "d=\"M0 %d L6 -2\"/></svg>",
                     length * scale * 0.9, top, BAR_PIXELS + 2);
    if (!isnan(a) && !isnan(b))
        alx_text_add(out,
                     "<line class=\"range\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%zu\" y2=\"%zu\"/>",
                     fmin(a, b) * scale, fmin(fmax(a, b) * scale, 100), middle, middle);
    alx_text_add(out, "<text x=\"%.3f%%\" dx=\"8\" y=\"%zu\"><tspan class=\"value\">",
                 fmin(fmax(length, fmax(isnan(a) ? 0 : a, isnan(b) ? 0 : b)) * scale, 100),
                 middle + 4);
    cli_html(out, "", "</tspan>", "%s", cli_figures(value).text);
    if (measure->best)
        alx_text_add(out, "<tspan class=\"muted\"> batch %.0f</tspan>", bench_number(run, "batch"));
    alx_text_add(out, "</text></g>\n");
}

/* The bars of one device, one for each precision that was measured; how many there are. */
static size_t add_svg(struct bars *bars, const json_t *device)
{
    char title[512], description[512];
    const json_t *runs[8];
    size_t count = 0, used = 0;
    for (size_t i = 0; bench_precisions[i]; i++) {
        const json_t *run = bench_find_run(device, bench_precisions[i], bars->measure->best);
        if (run && value_of(bars->measure, run, "median_ms") > 0)
            runs[count++] = run;
    }
    if (!count)
        return 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(description + used, sizeof description - used, "%s%s %s %s",
                                 i ? ", " : "", bench_text(runs[i], "precision"),
                                 cli_figures(value_of(bars->measure, runs[i], "median_ms")).text,
                                 bars->measure->unit);
    snprintf(title, sizeof title, "%s: %s", bench_driver(device).text, bars->measure->title);
    cli_page_svg(bars->page, count * ROW_PIXELS, title, description);
    for (size_t i = 0; i < count; i++)
        add_bar(&bars->page->out, bars->measure, runs[i], i);
    alx_text_add(&bars->page->out, "</svg>\n");
    return count;
}

static void add_device(void *user, const json_t *part, const json_t *device, bool first)
{
    struct bars *bars = user;
    struct alx_text *out = &bars->page->out;
    const json_t *hardware =
        json_array_get(json_object_get(part, "hardware"), (size_t)bench_number(device, "hardware"));
    if (bars->page->merged && part != bars->part)
        cli_html(out, "<h4 class=\"machine\">", "</h4>\n", "%s, %.10s", bench_host(part).text,
                 bench_text(part, "time"));
    bars->part = part;
    if (first) {
        size_t drivers = json_array_size(json_object_get(hardware, "devices"));
        cli_html(out, "<h4>", "", "%s", bench_text(hardware, "name"));
        cli_html(out, " <span class=\"muted\">", "", "%s", bench_text(hardware, "type"));
        if (drivers > 1)
            alx_text_add(out, ", %zu drivers", drivers);
        alx_text_add(out, "</span></h4>\n");
    }
    cli_html(out, "<p class=\"driver\">", "</p>\n", "%.0f. %s",
             bench_number(json_object_get(device, "device"), "number"), bench_driver(device).text);
    size_t shown = add_svg(bars, device);
    if (!bench_is(device, "status", "ok")) /* what it did before it failed is shown, too */
        cli_page_failure(out, device);
    else if (!shown)
        alx_text_add(out, "<p class=\"muted\">not measured</p>\n");
}

void cli_page_bars(struct cli_page *page, const json_t *document)
{
    struct measure measures[] = {
        {"Images a second, at the best batch", "images/s", true, true, 0, INFINITY, false},
        {"Time of one image, in ms", "ms", false, false, 0, INFINITY, false},
    };
    alx_text_add(&page->out, "<div class=\"pair\">\n");
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        struct bars bars = {page, &measures[i], NULL};
        bench_each_device(document, find_smallest, &measures[i]);
        bench_each_device(document, find_largest, &measures[i]);
        cli_html(&page->out, "<figure class=\"card\"><figcaption>", "", "%s", measures[i].title);
        alx_text_add(&page->out, " <span class=\"muted\">(%s is better%s)</span></figcaption>\n",
                     measures[i].rate ? "longer" : "shorter",
                     measures[i].broken ? "; broken bars are longer" : "");
        bench_each_device(document, add_device, &bars);
        alx_text_add(&page->out, "</figure>\n");
    }
    alx_text_add(&page->out, "</div>\n");
}
