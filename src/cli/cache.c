/*
 * alexnet-cl cache: where compiled programs lie.
 */
#include <stdio.h>

#include <alexnet_cl/device.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"

static void print_text(const struct alx_cache_info *info, bool cleared)
{
    cli_print_styled(STYLE_PLAIN, "%s: %s%s file%s, ", info->path, cleared ? "removed " : "",
                     cli_count(info->files).text, info->files == 1 ? "" : "s");
    printf("%s\n", cli_bytes(info->bytes).text);
}

int cli_cache(const struct cli_options *options)
{
    struct alx_cache_info info;
    enum alx_status status = options->clear ? alx_cache_clear(options->cache_dir, &info)
                                            : alx_cache_inspect(options->cache_dir, &info);
    if (status != ALX_STATUS_OK)
        return cli_exit_code(status, EXIT_SOME_FAILED);
    if (!options->json) {
        print_text(&info, options->clear);
        return EXIT_ALL_DONE;
    }
    json_t *document = cli_json_document("cache/1");
    cli_json_set(document, "path", cli_json_text(info.path));
    cli_json_set(document, "files", cli_json_count(info.files));
    cli_json_set(document, "bytes", cli_json_count(info.bytes));
    cli_json_set(document, "cleared", json_boolean(options->clear));
    return cli_json_finish(document, options, EXIT_ALL_DONE);
}
