/*
 * Help and man page, from the tables.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <alexnet_cl/alexnet_cl.h>

#include "cli/options.h"
#include "cli/output.h"

/* Calls `print` with every option that a command takes and that is shown. */
static void each_option(unsigned commands, void (*print)(const struct cli_option *option))
{
    for (size_t i = 0; cli_option(i); i++)
        if (!cli_option(i)->hidden && cli_option(i)->commands & commands)
            print(cli_option(i));
}

/* "--json[=FILE]", "--device SPEC", "--quiet". */
static void option_name(const struct cli_option *option, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "--%s%s%s", option->name,
             !option->argument            ? ""
             : option->argument[0] == '[' ? "[="
                                          : " ",
             !option->argument            ? ""
             : option->argument[0] == '[' ? option->argument + 1
                                          : option->argument);
}

/* --- --help --- */

static void print_option(const struct cli_option *option)
{
    char name[96], term[112];
    option_name(option, name, sizeof name);
    if (option->letter)
        snprintf(term, sizeof term, "  -%c, %s", option->letter, name);
    else
        snprintf(term, sizeof term, "      %s", name);
    cli_print_entry(term, 28, "%s", option->help);
}

static void print_heading(const char *title)
{
    putchar('\n');
    cli_print_line(STYLE_BOLD, "%s", title);
}

static void print_notes(const char *title, const struct cli_note *notes, size_t indent)
{
    char term[64];
    print_heading(title);
    for (; notes->name; notes++) {
        snprintf(term, sizeof term, "  %s", notes->name);
        cli_print_entry(term, indent, "%s", notes->text);
    }
}

void cli_help_print(const struct cli_command *command)
{
    char term[64];
    bool general = command == cli_command(0);
    if (general) {
        printf("Usage: alexnet-cl [OPTIONS] %s\n       alexnet-cl COMMAND [OPTIONS] ...\n\n",
               command->operands);
    } else {
        printf("Usage: alexnet-cl %s [OPTIONS]%s%s\n\n", command->name,
               *command->operands ? " " : "", command->operands);
    }
    cli_print_entry("", 0, "%s", command->text);
    printf("\nExample: %s\n", command->example);
    if (general) {
        print_heading("Commands (each has its own --help)");
        for (size_t i = 0; cli_command(i); i++) {
            snprintf(term, sizeof term, "  %s", cli_command(i)->name);
            cli_print_entry(term, 13, "%s", cli_command(i)->summary);
        }
    }
    print_heading("Options");
    each_option(command->bit, print_option);
    if (general) {
        print_notes("Environment", cli_environment, 28);
        print_notes("Exit codes", cli_exit_codes, 8);
    }
}

/* --- the man page --- */

/* Text as troff wants it: hyphens that can be copied, no accidental requests. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        printf("\\&");
    for (; *text; text++) {
        if (*text == '-')
            printf("\\-");
        else if (*text == '\\')
            printf("\\e");
        else
            putchar(*text);
    }
}

static void print_roff_entry(const char *bold, const char *italic, const char *text)
{
    printf(".TP\n\\fB");
    print_roff(bold);
    printf("\\fR\\fI");
    print_roff(italic);
    printf("\\fR\n");
    print_roff(text);
    putchar('\n');
}

static void print_roff_option(const struct cli_option *option)
{
    char name[96], bold[112];
    option_name(option, name, sizeof name);
    size_t length = strlen("--") + strlen(option->name);
    if (option->letter)
        snprintf(bold, sizeof bold, "-%c, %.*s", option->letter, (int)length, name);
    else
        snprintf(bold, sizeof bold, "%.*s", (int)length, name);
    print_roff_entry(bold, name + length, option->help);
    if (option->commands == ON_ALL)
        return;
    const char *separator = ".br\n\\fI";
    for (size_t i = 0; cli_command(i); i++)
        if (cli_command(i)->bit & option->commands) {
            printf("%s%s", separator, cli_command(i)->name);
            separator = ", ";
        }
    printf("\\fR\n");
}

static void print_man(void)
{
    printf(".TH ALEXNET\\-CL 1 \"\" \"alexnet\\-cl %s\" \"User Commands\"\n", alx_version());
    printf(".SH NAME\nalexnet\\-cl \\- ");
    print_roff(cli_summary);
    printf("\n.SH SYNOPSIS\n.B alexnet\\-cl\n[\\fIOPTIONS\\fR] \\fIIMAGE\\fR...\n");
    for (size_t i = 1; cli_command(i); i++) {
        printf(".br\n.B alexnet\\-cl %s\n[\\fIOPTIONS\\fR] ", cli_command(i)->name);
        print_roff(cli_command(i)->operands);
        putchar('\n');
    }
    printf(".SH COMMANDS\n");
    for (size_t i = 0; cli_command(i); i++)
        print_roff_entry(cli_command(i)->name, "", cli_command(i)->text);
    printf(".SH OPTIONS\nWhere not every command takes an option, those that do stand below it.\n");
    each_option(ON_ALL, print_roff_option);
    printf(".SH ENVIRONMENT\n");
    for (const struct cli_note *note = cli_environment; note->name; note++)
        print_roff_entry(note->name, "", note->text);
    printf(".SH EXIT STATUS\n");
    for (const struct cli_note *note = cli_exit_codes; note->name; note++)
        print_roff_entry(note->name, "", note->text);
    printf(".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; cli_command(i); i++) {
        print_roff(cli_command(i)->example);
        putchar('\n');
    }
    printf(".fi\n");
}

void cli_print(const char *what)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } rows[] = {
        {"man", print_man},
        {"bash", cli_completion_print_bash},
        {"zsh", cli_completion_print_zsh},
        {"fish", cli_completion_print_fish},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(what, rows[i].name))
            rows[i].print();
}
