/*
 * The page of bench: one HTML file that needs no network and no script.
 *
 * Charts are SVG whose horizontal places are percentages and whose vertical ones are pixels, so
 * that they fit any width while their letters keep their size. Behind each chart stands a table.
 * The page forbids itself, by its policy, to load or to run anything; every text from outside is
 * escaped on top of that.
 */
#ifndef ALX_CLI_BENCH_PAGE_H
#define ALX_CLI_BENCH_PAGE_H

#include <jansson.h>
#include <stddef.h>

#include "cli/output.h"
#include "util/text.h"

struct cli_page {
    struct alx_text out;
    size_t ids;  /* that were given to elements so far */
    bool merged; /* from several documents */
};

/* --- HTML --- */

/* Adds `open`, the formatted text with everything escaped that HTML takes for its own, `close`. */
void cli_html(struct alx_text *out, const char *open, const char *close, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds a table in a box that scrolls when it is wide, and frees its cells; nothing for an empty
 * one.
 */
void cli_html_table(struct alx_text *out, const char *caption, struct cli_table *table);

/* --- charts --- */

/* Begins an <svg> of some pixels' height that is called `title` and says `description` to those who
 * cannot see it. */
void cli_page_svg(struct cli_page *page, size_t height, const char *title, const char *description);

/* A bar for each device and precision, by piece of hardware: images a second, and the time of one
 * image. */
void cli_page_bars(struct cli_page *page, const json_t *document);
/* A bar for each run of a device, a piece of it for each layer, in time per image. */
void cli_page_stacks(struct cli_page *page, const json_t *device);
/* GFLOP/s over operations per byte, both logarithmic: the limits as a roof, each layer a point
 * (Williams, Waterman and Patterson, CACM 52, 2009). */
void cli_page_roofline(struct cli_page *page, const json_t *device, const json_t *run);
/* Everything about one device. */
void cli_page_device(struct cli_page *page, const json_t *device);

/* Why a device was not measured. */
void cli_page_failure(struct alx_text *out, const json_t *device);

/* "compute", "memory" or "none": the class of what shows a layer. */
const char *cli_page_bound(const json_t *layer);

#endif
