/*
 * The page's part on one device: where the time goes, run by run, and all that is known of it.
 */
#include <math.h>
#include <stdio.h>

#include "cli/bench_page.h"
#include "cli/bench_report.h"
#include "cli/bench_tables.h"

enum {
    LABEL_PIXELS = 72,
    BAR_PERCENT = 64,
    ROW_PIXELS = 46,
    BAR_PIXELS = 38,
    NARROWEST = 320, /* pixels of a chart on a phone: what fits there fits everywhere */
    WIDE = 840,      /* and what fits here is shown from a width on that page.css names */
    LETTER_PIXELS = 6,
};

/* --- where the time goes --- */

static double per_image(const json_t *run, const json_t *timed)
{
    return bench_number(timed, "median_ms") / bench_number(run, "batch");
}

/* The sum of the layers of a run, per image. */
static double sum_of_layers(const json_t *run)
{
    double sum = 0;
    const json_t *layers = json_object_get(run, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        double ms = per_image(run, json_array_get(layers, i));
        sum += ms > 0 ? ms : 0;
    }
    return sum;
}

static void add_piece(struct alx_text *out, const json_t *layer, double left, double width,
                      size_t top, double share)
{
    const char *name = bench_text(layer, "name"), *bound = cli_page_bound(layer);
    double letters = (double)cli_text_width(name) * LETTER_PIXELS + 7;
    bool fits = letters < width * NARROWEST / 100, fits_wide = letters < width * WIDE / 100;
    alx_text_add(out,
                 "<g class=\"piece %s\"><rect x=\"%.3f%%\" y=\"%zu\" width=\"%.3f%%\" "
                 "height=\"%d\"/>",
                 bound, left, top, width, BAR_PIXELS);
    if (*bound == 'm') /* not by colour alone */
        alx_text_add(out,
                     "<rect class=\"hatch\" x=\"%.3f%%\" y=\"%zu\" width=\"%.3f%%\" "
                     "height=\"10\"/>",
                     left, top + BAR_PIXELS - 10, width);
    if (fits || fits_wide) {
        alx_text_add(out, "<text%s x=\"%.3f%%\" dx=\"4\" y=\"%zu\">", fits ? "" : " class=\"wide\"",
                     left, top + 18);
        cli_html(out, "", "</text>", "%s", name);
    }
    cli_html(out, "<title>", "</title></g>\n", "%s: %s ms, %s of the layers, %s, %s of its limit",
             name, cli_figures(bench_number(layer, "median_ms")).text, cli_percent(share).text,
             *bound == 'n'   ? "bound unknown"
             : *bound == 'm' ? "bound by memory"
                             : "bound by compute",
             cli_percent(bench_number(layer, "percent_of_limit")).text);
}

static void add_stack(struct alx_text *out, const json_t *run, size_t row, double largest)
{
    const json_t *layers = json_object_get(run, "layers");
    double left = 0, sum = sum_of_layers(run);
    size_t top = row * ROW_PIXELS + 4;
    alx_text_add(out, "<text class=\"label\" x=\"0\" y=\"%zu\">%s", top + 16,
                 bench_text(run, "precision"));
    alx_text_add(out,
                 "<tspan class=\"muted\" x=\"0\" dy=\"15\">batch %.0f</tspan></text>"
                 "<g transform=\"translate(%d 0)\">\n",
                 bench_number(run, "batch"), LABEL_PIXELS);
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        double ms = per_image(run, layer), width = BAR_PERCENT * ms / largest;
        if (!(ms > 0))
            continue;
        add_piece(out, layer, left, width, top, 100 * ms / sum);
        left += width;
    }
    alx_text_add(out, "<text class=\"value\" x=\"%.3f%%\" dx=\"6\" y=\"%zu\">%s</text></g>\n", left,
                 top + BAR_PIXELS / 2 + 4, cli_figures(sum).text);
}

void cli_page_stacks(struct cli_page *page, const json_t *device)
{
    struct alx_text *out = &page->out;
    const json_t *runs = json_object_get(device, "runs");
    double largest = 0;
    size_t count = 0, row = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        double sum = sum_of_layers(json_array_get(runs, i));
        largest = fmax(largest, sum);
        count += sum > 0;
    }
    if (!count)
        return;
    alx_text_add(out, "<figure><figcaption>Where the time goes <span class=\"muted\">(ms an image, "
                      "layer after layer)</span></figcaption>\n<p class=\"key\">"
                      "<span class=\"swatch compute\"></span>bound by compute "
                      "<span class=\"swatch memory\"></span>bound by memory, striped</p>\n");
    cli_page_svg(page, count * ROW_PIXELS, "Time of each layer, in each run",
                 "One bar for each run, cut into its layers. The tables of the runs below hold the "
                 "numbers.");
    for (size_t i = 0; i < json_array_size(runs); i++)
        if (sum_of_layers(json_array_get(runs, i)) > 0)
            add_stack(out, json_array_get(runs, i), row++, largest);
    alx_text_add(out, "</svg></figure>\n");
}

/* --- run by run --- */

static void add_run(struct cli_page *page, const json_t *device, const json_t *run)
{
    struct alx_text *out = &page->out;
    struct cli_table table;
    char caption[300];
    const char *plan = bench_text(run, "plan");
    cli_html(out, "<p>", "",
             "%s ms (10 to 90 %%: %s to %s), %s images/s, %s of the measured limit. ",
             cli_figures(bench_number(run, "median_ms")).text,
             cli_figures(bench_number(run, "p10_ms")).text,
             cli_figures(bench_number(run, "p90_ms")).text,
             cli_figures(bench_number(run, "images_per_s")).text,
             cli_percent(bench_number(run, "percent_of_limit")).text);
    cli_html(out, "", "</p>\n", "First run %s ms, compiling %s ms%s%s.",
             cli_figures(bench_number(run, "first_run_ms")).text,
             cli_figures(bench_number(run, "build_ms")).text, *plan ? ", plan: " : "", plan);
    cli_page_roofline(page, device, run);
    bench_layers_table(run, BENCH_EVERYTHING, &table);
    snprintf(caption, sizeof caption, "Layers of %s", bench_run_name(run).text);
    cli_html_table(out, caption, &table);
}

/* One tab a run, without a script: radio buttons, each followed by its label and panel. */
static void add_runs(struct cli_page *page, const json_t *device)
{
    struct alx_text *out = &page->out;
    const json_t *runs = json_object_get(device, "runs"), *shown = bench_main_run(device);
    size_t group = ++page->ids;
    if (!shown)
        return;
    alx_text_add(out, "<fieldset class=\"tabs\"><legend>Layer by layer</legend>\n");
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        size_t id = ++page->ids;
        if (!bench_is(run, "status", "ok"))
            continue;
        alx_text_add(out,
                     "<input type=\"radio\" name=\"g%zu\" id=\"r%zu\"%s>"
                     "<label for=\"r%zu\">%s</label>\n<div class=\"panel\">\n",
                     group, id, run == shown ? " checked" : "", id, bench_run_name(run).text);
        add_run(page, device, run);
        alx_text_add(out, "</div>\n");
    }
    alx_text_add(out, "</fieldset>\n");
}

/* --- the device --- */

static void add_details(struct alx_text *out, const char *title, struct cli_table *table)
{
    if (!table->cell_count) {
        cli_table_free(table);
        return;
    }
    cli_html(out, "<details><summary>", "</summary>\n", "%s", title);
    cli_html_table(out, title, table);
    alx_text_add(out, "</details>\n");
}

void cli_page_failure(struct alx_text *out, const json_t *device)
{
    bool failed = bench_is(device, "status", "failed");
    alx_text_add(out, "<p class=\"state %s\"><span aria-hidden=\"true\">%s</span> ",
                 failed ? "bad" : "muted", failed ? "&#10007;" : "&#8211;");
    cli_html(out, "", "</p>\n", "%s", bench_reason(device).text);
}

static void add_state(struct alx_text *out, const json_t *device)
{
    const json_t *check = json_object_get(device, "check");
    const char *verdict = bench_verdict(check);
    if (!bench_is(device, "status", "ok")) {
        cli_page_failure(out, device);
    } else if (*verdict == 'r') {
        cli_html(out, "<p class=\"good\"><span aria-hidden=\"true\">&#10003;</span> ", "</p>\n",
                 "Results agree with the reference: %s of %s images have its class, the largest "
                 "error is %s of what rounding allows.",
                 cli_whole(bench_number(check, "top1_agree")).text,
                 cli_whole(bench_number(check, "images")).text,
                 cli_percent(100 * bench_number(check, "worst")).text);
    } else if (*verdict == 'W') {
        cli_html(out, "<p class=\"bad\"><span aria-hidden=\"true\">&#10007;</span> ", "</p>\n",
                 "Results are WRONG: %s of %s images have the reference's class, the largest error "
                 "is %s times what rounding allows.",
                 cli_whole(bench_number(check, "top1_agree")).text,
                 cli_whole(bench_number(check, "images")).text,
                 cli_figures(bench_number(check, "worst")).text);
    }
}

void cli_page_device(struct cli_page *page, const json_t *device)
{
    struct alx_text *out = &page->out;
    struct cli_table table;
    const json_t *about = json_object_get(device, "device");
    cli_html(out, "<article class=\"card\"><h3>", "</h3>\n", "%.0f. %s",
             bench_number(about, "number"), bench_text(about, "name"));
    cli_html(out, "<p class=\"driver\">", "</p>\n", "%s; %s", bench_driver(device).text,
             bench_text(about, "opencl"));
    add_state(out, device);
    cli_page_stacks(page, device);
    add_runs(page, device);
    bench_runs_table(device, &table);
    add_details(out, "Runs", &table);
    bench_checks_table(device, &table);
    add_details(out, "Check of the results", &table);
    bench_batches_table(device, &table);
    add_details(out, "Search for the best batch", &table);
    bench_properties_table(device, &table);
    add_details(out, "Properties of the device", &table);
    alx_text_add(out, "</article>\n");
}
