/*
 * alexnet-cl: the program around the library.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <alexnet_cl/alexnet_cl.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/output.h"
#include "util/error.h"
#include "util/text.h"
#include "util/windows.h"

/* A closed standard stream must not become the number of the next file that is opened. */
static void hold_standard_streams(void)
{
#ifdef F_GETFD /* Windows opens them itself */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            /* The wrong way round, so that using it is still an error. */
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
#endif
}

/* A word that is no file but looks like a command is one that was misspelt. */
static enum alx_status check_misspelt(const struct cli_options *options)
{
    struct stat info;
    if (options->command != cli_command(0) || options->operand_count != 1 ||
        !stat(options->operands[0], &info))
        return ALX_STATUS_OK;
    for (size_t i = 0; cli_command(i); i++) {
        size_t distance = alx_text_distance(options->operands[0], cli_command(i)->name);
        if (distance >= 1 && distance <= 2) /* 0: after `--` it is meant to be a file */
            return alx_fail(ALX_STATUS_USAGE,
                            "%s: neither a command nor a file; did you mean alexnet-cl %s?",
                            options->operands[0], cli_command(i)->name);
    }
    return ALX_STATUS_OK;
}

/* Says before long work, not after it, that its result could not be written. */
static enum alx_status check_output(const char *path)
{
    struct stat info;
    if (!path || !strcmp(path, "-"))
        return ALX_STATUS_OK;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? cli_copy(path) : cli_copy(".");
    if (slash)
        folder[slash == path ? 1 : slash - path] = 0; /* renaming needs the folder */
    errno = 0;
    bool special = !stat(path, &info) && !S_ISREG(info.st_mode);
    bool writable = !access(special ? path : folder, W_OK) && !(special && S_ISDIR(info.st_mode));
    free(folder);
    return writable ? ALX_STATUS_OK
                    : alx_fail(ALX_STATUS_FILE_UNWRITABLE,
                               "%s: cannot be written: %s; choose another place", path,
                               strerror(errno ? errno : EISDIR));
}

static int run(int argc, char **argv, struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(cli_options_parse(argc, argv, options));
    cli_message_start(options->quiet, options->verbose);
    cli_output_start((enum color)options->color);
    if (!options->device && getenv("ALEXNET_CL_DEVICE") && *getenv("ALEXNET_CL_DEVICE"))
        options->device = getenv("ALEXNET_CL_DEVICE");
    if (options->print)
        cli_print(options->print);
    else if (options->help)
        cli_help_print(options->command);
    else if (options->version)
        printf("alexnet-cl %s\n", alx_version());
    else {
        ALX_TRY(check_misspelt(options));
        const char *const files[] = {options->json_file, options->probabilities, options->html,
                                     options->csv,       options->markdown,      options->trace,
                                     options->export};
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            ALX_TRY(check_output(files[i]));
        return options->command->run(options);
    }
error:
    return cli_exit_code(status, EXIT_SOME_FAILED);
}

/* Our kernels state their work-groups themselves, so PoCL gains nothing by compiling each of them
 * again for its first launch: that would double the time of a first start. */
static void spare_compiling(void)
{
    setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", 0);
}

int main(int argc, char **argv)
{
    struct cli_options options;
    hold_standard_streams();
    spare_compiling();
#ifdef SIGPIPE
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is noticed when writing */
#endif
    cli_interrupt_start();
    cli_message_start(false, 0);
    cli_json_start();
    int code = cli_output_finish(run(argc, argv, &options));
    cli_options_free(&options);
    return code;
}
