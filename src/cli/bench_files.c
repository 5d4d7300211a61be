/*
 * Where a document of bench comes from, when nothing is measured, and where it goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"
#include "cli/json.h"
#include "cli/message.h"
#include "util/error.h"
#include "util/file.h"

static const double default_threshold_percent = 5;

static double threshold_of(const struct cli_options *options)
{
    return options->threshold.given ? (double)options->threshold.values[0]
                                    : default_threshold_percent;
}

/* --- what was asked for --- */

bool bench_only_reads(const struct cli_options *options)
{
    return options->from || options->merge || (options->compare && options->operand_count);
}

/* Whether an option's value stands for standard output. */
static bool is_standard_output(const char *path)
{
    return path && !strcmp(path, "-");
}

/* How many outputs go to standard output, where they take the place of the tables. */
static size_t count_printed(const struct cli_options *options)
{
    return (options->json && !options->json_file) + is_standard_output(options->csv) +
           is_standard_output(options->markdown) + is_standard_output(options->html);
}

static enum alx_status check_operands(const struct cli_options *options)
{
    if (options->merge && options->from)
        return alx_fail(ALX_STATUS_USAGE, "--from: not with --merge; name the files after --merge");
    if (options->merge && options->compare)
        return alx_fail(ALX_STATUS_USAGE, "--compare: not with --merge; compare two documents");
    if (options->merge && !options->operand_count)
        return alx_fail(ALX_STATUS_USAGE, "--merge: needs documents; name the files that --json "
                                          "wrote");
    if (options->merge)
        return ALX_STATUS_OK;
    if (options->operand_count > 1 || (options->operand_count && options->from))
        return alx_fail(ALX_STATUS_USAGE, "bench: '%s' is too many; see alexnet-cl bench --help",
                        options->operands[options->operand_count - 1]);
    if (options->operand_count && !options->compare)
        return alx_fail(
            ALX_STATUS_USAGE,
            "bench: takes no '%s'; --from FILE shows a document, --merge FILE... several",
            options->operands[0]);
    return ALX_STATUS_OK;
}

static enum alx_status check_outputs(const struct cli_options *options)
{
    if (count_printed(options) > 1)
        return alx_fail(ALX_STATUS_USAGE,
                        "bench: two outputs cannot both be printed; write one to a "
                        "file, as in --json=FILE");
    if (options->threshold.given && !options->compare)
        return alx_fail(ALX_STATUS_USAGE, "--threshold: is for --compare; give that, too");
    if (options->threshold.given && options->threshold.values[0] < 0)
        return alx_fail(ALX_STATUS_USAGE, "--threshold: cannot be below 0; give percent");
    if (options->compare && options->csv)
        return alx_fail(ALX_STATUS_USAGE, "--csv: not of a comparison; --json and --markdown are");
    return ALX_STATUS_OK;
}

enum alx_status bench_check_options(const struct cli_options *options)
{
    enum alx_status status = check_operands(options);
    return status == ALX_STATUS_OK ? check_outputs(options) : status;
}

enum alx_status bench_check_old(const json_t *document, const struct cli_options *options,
                                json_t **old)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *read = NULL;
    if (options->compare) {
        ALX_TRY(bench_read(options->compare, &read));
        ALX_TRY(bench_check_comparable(read, document));
    }
    *old = json_incref(read);
error:
    json_decref(read);
    return status;
}

/* --- where it goes --- */

/* Writes a text to a file, or prints it; takes the text. */
static enum alx_status put(const char *path, char *text)
{
    enum alx_status status = ALX_STATUS_OK;
    if (is_standard_output(path)) {
        fputs(text, stdout);
    } else {
        const struct alx_bytes piece = {text, strlen(text)};
        status = alx_file_write(path, &piece, 1);
    }
    free(text);
    return status;
}

/* The texts of the outputs but JSON; how many could not be written. */
static size_t put_all(const json_t *document, const json_t *comparison,
                      const struct cli_options *options)
{
    size_t failed = 0;
    if (options->html)
        failed += put(options->html, bench_page(document)) != ALX_STATUS_OK;
    if (options->csv)
        failed += put(options->csv, bench_csv(document)) != ALX_STATUS_OK;
    if (options->markdown)
        failed += put(options->markdown, comparison ? bench_compare_markdown(comparison)
                                                    : bench_markdown(document)) != ALX_STATUS_OK;
    return failed;
}

/* Nothing compared is no good news. */
static enum alx_status check_counts(const struct bench_counts *counts)
{
    if (counts->faster + counts->slower + counts->same + counts->ambiguous + counts->regressions)
        return ALX_STATUS_OK;
    return alx_fail(ALX_STATUS_USAGE, "--compare: no run was measured both times; measure the same "
                                      "devices, precisions and batches");
}

int bench_finish(json_t *document, const struct cli_options *options, int code)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *old = NULL, *comparison = NULL;
    struct bench_counts counts = {0};
    size_t verbose = options->quiet ? 0 : options->verbose + 1;
    bench_order_runs(document);
    if (options->compare) {
        ALX_TRY(bench_read(options->compare, &old));
        ALX_TRY(bench_compare(old, document, threshold_of(options), &comparison));
        counts = bench_count(comparison);
        ALX_TRY(check_counts(&counts));
    }
    if (!count_printed(options) && comparison)
        bench_compare_print(comparison, verbose);
    else if (!count_printed(options))
        bench_print(document, verbose);
    if (put_all(document, comparison, options) && !code)
        code = EXIT_SOME_FAILED;
    if (options->json)
        code = cli_json_finish(json_incref(comparison ? comparison : document), options, code);
    if (comparison && counts.regressions && !code)
        code = EXIT_SOME_FAILED;
error:
    json_decref(document);
    json_decref(comparison);
    json_decref(old);
    return status == ALX_STATUS_OK ? code : cli_exit_code(status, EXIT_MODEL);
}

int bench_read_files(const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *document = NULL;
    ALX_TRY(bench_check_options(options));
    if (options->merge)
        ALX_TRY(bench_merge(options->operands, options->operand_count, &document));
    else
        ALX_TRY(bench_read(options->from ? options->from : options->operands[0], &document));
    return bench_finish(document, options, EXIT_ALL_DONE);
error:
    return cli_exit_code(status, EXIT_MODEL);
}
