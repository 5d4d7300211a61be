/*
 * The page's roofline of a run.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_page.h"
#include "cli/bench_report.h"

enum {
    LEFT_PIXELS = 50, /* for the labels of the axis */
    PLOT_PERCENT = 80,
    TOP_PIXELS = 12,
    PLOT_PIXELS = 300,
    BELOW_PIXELS = 40,
    NARROWEST = 264, /* pixels of the plot on a phone, for which labels are placed */
    LETTER_PIXELS = 6,
    LINE_PIXELS = 12,
    MOST_LABELS = 128,
    MOST_DECADES = 9,
};

/* A box in pixels of the narrowest plot. */
struct box {
    double left, top, right, bottom;
};

struct roofline {
    double x_low, x_high, y_low, y_high; /* decimal logarithms of the plot's edges */
    struct box taken[MOST_LABELS];
    size_t taken_count;
};

/* --- places --- */

/* Percent of the chart's width, of a decimal logarithm. */
static double x_of(const struct roofline *r, double x)
{
    return PLOT_PERCENT * (x - r->x_low) / (r->x_high - r->x_low);
}

static double y_of(const struct roofline *r, double y)
{
    double part = (r->y_high - y) / (r->y_high - r->y_low);
    return TOP_PIXELS + PLOT_PIXELS * fmin(fmax(part, 0), 1);
}

/* Where a layer's point lies. One without multiplications has no place on the axis of operations a
 * byte: it stands on the left edge, as high as the memory's roof would be if it were the device's,
 * so that its distance from the roof is right. */
static bool point_of(const struct roofline *r, const json_t *layer, double *x, double *y)
{
    double operations = 2 * bench_number(layer, "macs");
    double bytes = bench_number(layer, "moved_bytes");
    double gflops = bench_number(layer, "gflops"), rate = bench_number(layer, "gb_per_s");
    if (operations > 0 && bytes > 0 && gflops > 0) {
        *x = log10(operations / bytes);
        *y = log10(gflops);
        return true;
    }
    *x = r->x_low;
    *y = log10(rate) + r->x_low;
    return !(operations > 0) && rate > 0;
}

static void include(double value, double *low, double *high)
{
    if (isfinite(value)) {
        *low = fmin(*low, value);
        *high = fmax(*high, value);
    }
}

static void find_edges(struct roofline *r, const json_t *layers, const json_t *limits)
{
    double fma = bench_number(limits, "fma_gflops");
    double read = bench_number(limits, "read_gb_per_s"), x, y;
    *r = (struct roofline){
        .x_low = INFINITY, .x_high = -INFINITY, .y_low = INFINITY, .y_high = -INFINITY};
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (point_of(r, json_array_get(layers, i), &x, &y))
            include(x, &r->x_low, &r->x_high);
    include(log10(fma / read), &r->x_low, &r->x_high);
    if (!isfinite(r->x_low))
        r->x_low = r->x_high = 0;
    r->x_low = floor(r->x_low - 0.1);
    r->x_high = fmin(ceil(r->x_high + 0.1), r->x_low + MOST_DECADES);
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (point_of(r, json_array_get(layers, i), &x, &y))
            include(y, &r->y_low, &r->y_high);
    include(log10(fma), &r->y_low, &r->y_high);
    include(log10(read) + r->x_low, &r->y_low, &r->y_high);
    if (!isfinite(r->y_low))
        r->y_low = r->y_high = 0;
    r->y_high = ceil(r->y_high + 0.15);
    r->y_low = fmax(floor(r->y_low - 0.1), r->y_high - MOST_DECADES);
}

/* --- room for names --- */

static bool is_free(const struct roofline *r, struct box box)
{
    if (box.left < 0 || box.right > NARROWEST || box.top < 0 ||
        box.bottom > TOP_PIXELS + PLOT_PIXELS)
        return false;
    for (size_t i = 0; i < r->taken_count; i++)
        if (box.left < r->taken[i].right && r->taken[i].left < box.right &&
            box.top < r->taken[i].bottom && r->taken[i].top < box.bottom)
            return false;
    return true;
}

static void take(struct roofline *r, struct box box)
{
    if (r->taken_count < MOST_LABELS)
        r->taken[r->taken_count++] = box;
}

/* --- axes and roofs --- */

static void add_axes(struct alx_text *out, const struct roofline *r)
{
    const size_t bottom = TOP_PIXELS + PLOT_PIXELS;
    for (double x = r->x_low; x <= r->x_high; x++)
        alx_text_add(out,
                     "<line class=\"grid\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%d\" y2=\"%zu\"/>"
                     "<text class=\"tick\" text-anchor=\"middle\" x=\"%.3f%%\" y=\"%zu\">%g"
                     "</text>\n",
                     x_of(r, x), x_of(r, x), TOP_PIXELS, bottom, x_of(r, x), bottom + 16,
                     pow(10, x));
    for (double y = r->y_low; y <= r->y_high; y++)
        alx_text_add(out,
                     "<line class=\"grid\" x1=\"0\" x2=\"%d%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                     "<text class=\"tick\" text-anchor=\"end\" x=\"-6\" y=\"%.1f\">%g</text>\n",
                     PLOT_PERCENT, y_of(r, y), y_of(r, y), y_of(r, y) + 4, pow(10, y));
    alx_text_add(out,
                 "<text class=\"tick\" text-anchor=\"middle\" x=\"%d%%\" y=\"%zu\">operations a "
                 "byte</text>\n",
                 PLOT_PERCENT / 2, bottom + 34);
}

/* What a roof is called, above its right end; names of layers will keep off. */
static void add_roof_name(struct alx_text *out, struct roofline *r, double x, double y,
                          const char *before, double value, const char *after)
{
    struct alx_text name = {0};
    double right = x_of(r, x) * NARROWEST / PLOT_PERCENT;
    alx_text_add(&name, "%s%s%s", before, cli_figures(value).text, after);
    take(r, (struct box){right - 7.0 * (double)name.bytes, y - 17, right, y - 4});
    alx_text_add(out,
                 "<text class=\"tick roof-name\" text-anchor=\"end\" x=\"%.3f%%\" y=\"%.1f\">%s"
                 "</text>\n",
                 x_of(r, x), y - 6, alx_text_get(&name));
    alx_text_free(&name);
}

/* The level roof of a kind of arithmetic, from where the memory's roof meets it. */
static void add_roof(struct alx_text *out, struct roofline *r, const json_t *limits,
                     const char *key, const char *name)
{
    double peak = bench_number(limits, key), read = bench_number(limits, "read_gb_per_s");
    if (!(peak > 0))
        return;
    double from = read > 0 ? fmax(log10(peak / read), r->x_low) : r->x_low;
    double y = y_of(r, log10(peak));
    if (from >= r->x_high)
        return;
    alx_text_add(out, "<line class=\"roof%s\" x1=\"%.3f%%\" x2=\"%d%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                 strcmp(key, "fma_gflops") ? " other" : "", x_of(r, from), PLOT_PERCENT, y, y);
    add_roof_name(out, r, r->x_high, y, name, peak, "");
}

static void add_roofs(struct alx_text *out, struct roofline *r, const json_t *limits)
{
    double read = bench_number(limits, "read_gb_per_s");
    double fma = bench_number(limits, "fma_gflops");
    add_roof(out, r, limits, "fma_gflops", "float32 ");
    add_roof(out, r, limits, "fma_half_gflops", "half ");
    add_roof(out, r, limits, "dot_int8_gops", "int8 ");
    if (!(read > 0))
        return;
    double to = fma > 0 ? fmin(log10(fma / read), r->x_high) : r->x_high;
    double y = y_of(r, log10(read) + to);
    alx_text_add(out, "<line class=\"roof\" x1=\"0\" x2=\"%.3f%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                 x_of(r, to), y_of(r, log10(read) + r->x_low), y);
    add_roof_name(out, r, to, y, "", read, " GB/s");
}

/* --- points --- */

/* A free place for a name beside its point; with wider charts, points and names only part. */
static bool place_label(struct roofline *r, const char *name, double x, double y, double *dx,
                        double *dy)
{
    enum { RIGHT = 9, REACH = 3, SIDES = 3 };
    double width = (double)cli_text_width(name) * LETTER_PIXELS, at = x * NARROWEST / PLOT_PERCENT;
    for (int step = 0; step < SIDES * (2 * REACH + 1); step++) {
        int turn = step / SIDES, side = step % SIDES;
        int line = (turn + 1) / 2 * (turn % 2 ? -1 : 1); /* 0, -1, 1, -2, ... */
        double left = side == 0 ? RIGHT : side == 1 ? -RIGHT - width : -width / 2;
        double top = y + line * LINE_PIXELS - LINE_PIXELS / 2.0;
        struct box box = {at + left, top, at + left + width, top + LINE_PIXELS};
        if (!is_free(r, box))
            continue;
        take(r, box);
        *dx = left;
        *dy = line * LINE_PIXELS + 4.0;
        return true;
    }
    return false;
}

static void add_mark(struct alx_text *out, struct roofline *r, const json_t *layer)
{
    const char *bound = cli_page_bound(layer);
    double x, y;
    if (!point_of(r, layer, &x, &y))
        return;
    x = x_of(r, x);
    y = y_of(r, y);
    double at = x * NARROWEST / PLOT_PERCENT;
    take(r, (struct box){at - 6, y - 6, at + 6, y + 6});
    alx_text_add(out, "<g class=\"point %s%s\">", bound,
                 bench_number(layer, "macs") > 0 ? "" : " edge");
    if (*bound == 'c')
        alx_text_add(out, "<circle cx=\"%.3f%%\" cy=\"%.1f\" r=\"5.5\"/>", x, y);
    else /* a diamond, or a square where the bound is not known */
        alx_text_add(out,
                     "<svg x=\"%.3f%%\" y=\"%.1f\" overflow=\"visible\"><path d=\"%s\"/></svg>", x,
                     y, *bound == 'm' ? "M0-7 7 0 0 7-7 0z" : "M-5-5h10v10h-10z");
    cli_html(out, "<title>", "</title></g>\n", "%s: %s GFLOP/s, %s GB/s, %s of its limit",
             bench_text(layer, "name"), cli_figures(bench_number(layer, "gflops")).text,
             cli_figures(bench_number(layer, "gb_per_s")).text,
             cli_percent(bench_number(layer, "percent_of_limit")).text);
}

static void add_name(struct alx_text *out, struct roofline *r, const json_t *layer)
{
    const char *name = bench_text(layer, "name");
    double x, y, dx, dy;
    if (!point_of(r, layer, &x, &y) || !place_label(r, name, x_of(r, x), y_of(r, y), &dx, &dy))
        return;
    alx_text_add(out, "<text class=\"name\" x=\"%.3f%%\" y=\"%.1f\" dx=\"%.0f\">", x_of(r, x),
                 y_of(r, y) + dy, dx);
    cli_html(out, "", "</text>\n", "%s", name);
}

/* Names lie above all marks. */
static void add_points(struct alx_text *out, struct roofline *r, const json_t *layers)
{
    for (size_t i = 0; i < json_array_size(layers); i++)
        add_mark(out, r, json_array_get(layers, i));
    for (size_t i = 0; i < json_array_size(layers); i++)
        add_name(out, r, json_array_get(layers, i));
}

/* --- what is missing --- */

static bool has_points(const json_t *layers)
{
    const struct roofline unused = {0};
    double x, y;
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (point_of(&unused, json_array_get(layers, i), &x, &y))
            return true;
    return false;
}

static void say_no_points(struct alx_text *out, const json_t *layers)
{
    const char *reason = bench_text(json_array_get(layers, 0), "reason");
    cli_html(out, "<p class=\"muted\">", "</p>\n",
             "No roofline is drawn: the layers have no times%s%s.", *reason ? "; " : "", reason);
}

static void say_missing_roofs(struct alx_text *out, const json_t *limits)
{
    bool fma = bench_number(limits, "fma_gflops") > 0;
    bool read = bench_number(limits, "read_gb_per_s") > 0;
    if (fma && read)
        return;
    cli_html(out, "<p class=\"muted\">", "</p>\n",
             "Not all of the roof is drawn: the device's limit of %s is not known.",
             fma    ? "memory"
             : read ? "arithmetic"
                    : "memory and of arithmetic");
}

void cli_page_roofline(struct cli_page *page, const json_t *device, const json_t *run)
{
    struct alx_text *out = &page->out;
    struct roofline r;
    const json_t *layers = json_object_get(run, "layers"),
                 *limits = json_object_get(device, "limits");
    if (!has_points(layers)) {
        say_no_points(out, layers);
        return;
    }
    find_edges(&r, layers, limits);
    alx_text_add(out,
                 "<figure><figcaption>Roofline <span class=\"muted\">(GFLOP/s over operations a "
                 "byte, both logarithmic)</span></figcaption>\n<p class=\"key\">"
                 "<span class=\"mark compute\"></span>bound by compute "
                 "<span class=\"mark memory\"></span>bound by memory; hollow, on the "
                 "left edge: without multiplications</p>\n");
    cli_page_svg(page, TOP_PIXELS + PLOT_PIXELS + BELOW_PIXELS, "Roofline",
                 "Each layer as a point below the roof that memory and arithmetic make. The table "
                 "that follows holds the numbers.");
    alx_text_add(out, "<g transform=\"translate(%d 0)\">\n", LEFT_PIXELS);
    add_axes(out, &r);
    add_roofs(out, &r, limits);
    add_points(out, &r, layers);
    alx_text_add(out, "</g></svg>");
    say_missing_roofs(out, limits);
    alx_text_add(out, "</figure>\n");
}
