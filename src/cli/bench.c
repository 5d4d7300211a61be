/*
 * alexnet-cl bench.
 */
#include "cli/bench_report.h"
#include "util/error.h"

int cli_bench(const struct cli_options *options)
{
    if (bench_only_reads(options))
        return bench_read_files(options);
    if (bench_check_options(options) == ALX_STATUS_OK)
        alx_fail(ALX_STATUS_USAGE, "bench: nothing to show; give --from FILE or --merge FILE...");
    return EXIT_USAGE;
}
