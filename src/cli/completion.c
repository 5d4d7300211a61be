/*
 * What shells offer after Tab, from the tables.
 */
#include <stdio.h>
#include <string.h>

#include <alexnet_cl/net.h>

#include "cli/options.h"

/* The values that an option has or that are worth offering, separated by spaces. */
static void print_words(const struct cli_option *option)
{
    if (option->completion == COMPLETE_NETWORK)
        for (size_t i = 0; alx_net_builtin_name(i); i++)
            printf("%s%s", i ? " " : "", alx_net_builtin_name(i));
    else
        for (size_t i = 0; option->choices[i]; i++)
            printf("%s%s", i ? " " : "", option->choices[i]);
}

static bool has_words(const struct cli_option *option)
{
    return option->completion == COMPLETE_WORDS || option->completion == COMPLETE_NETWORK;
}

static bool value_follows(const struct cli_option *option)
{
    return option->argument && !cli_option_is_alone(option);
}

static void print_command_names(const char *separator)
{
    for (size_t i = 0; cli_command(i); i++)
        printf("%s%s", i ? separator : "", cli_command(i)->name);
}

/* --- bash --- */

static void print_bash_names(unsigned commands)
{
    for (size_t i = 0; cli_option(i); i++)
        if (!cli_option(i)->hidden && cli_option(i)->commands & commands)
            printf(" --%s", cli_option(i)->name);
}

static void print_bash_values(void)
{
    printf("    case \"$previous\" in\n");
    for (size_t i = 0; cli_option(i); i++) {
        const struct cli_option *option = cli_option(i);
        if (option->hidden || !value_follows(option))
            continue;
        printf("    --%s", option->name);
        if (option->letter)
            printf("|-%c", option->letter);
        printf(") ");
        if (has_words(option)) {
            printf("COMPREPLY=($(compgen -W \"");
            print_words(option);
            printf("\" -- \"$word\")); ");
        } else if (option->completion == COMPLETE_FILE) {
            printf("COMPREPLY=($(compgen -f -- \"$word\")); ");
        } else if (option->completion == COMPLETE_FOLDER) {
            printf("COMPREPLY=($(compgen -d -- \"$word\")); ");
        }
        printf("return ;;\n");
    }
    printf("    esac\n");
}

void cli_completion_print_bash(void)
{
    printf("# bash completion for alexnet-cl\n"
           "_alexnet_cl() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command=classify options i\n"
           "    compopt -o filenames 2>/dev/null\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case \"${COMP_WORDS[i]}\" in\n"
           "        ");
    print_command_names("|");
    printf(") command=${COMP_WORDS[i]}; break ;;\n"
           "        esac\n"
           "    done\n");
    print_bash_values();
    printf("    case \"$command\" in\n");
    for (size_t i = 0; cli_command(i); i++) {
        printf("    %s) options=\"", cli_command(i)->name);
        print_bash_names(cli_command(i)->bit);
        printf("\" ;;\n");
    }
    printf("    esac\n"
           "    if [[ $word == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
           "    else\n"
           "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "        ((COMP_CWORD == 1)) && COMPREPLY+=($(compgen -W \"");
    print_command_names(" ");
    printf("\" -- \"$word\"))\n"
           "    fi\n"
           "}\n"
           "complete -F _alexnet_cl alexnet-cl\n");
}

/* --- zsh --- */

/* Text inside single quotes and the brackets of _arguments. */
static void print_zsh_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            printf("'\\''");
        else if (strchr("[]:", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void print_zsh_option(const struct cli_option *option)
{
    if (option->letter)
        printf("        '(-%c --%s)'{-%c,--%s%s}'[", option->letter, option->name, option->letter,
               option->name, value_follows(option) ? "=" : "");
    else
        printf("        '--%s%s[", option->name,
               value_follows(option)         ? "="
               : cli_option_is_alone(option) ? "=-"
                                             : "");
    print_zsh_text(option->help);
    putchar(']');
    if (option->argument) {
        printf("%s:", cli_option_is_alone(option) ? ":" : "");
        print_zsh_text(option->argument);
        putchar(':');
        if (has_words(option)) {
            putchar('(');
            print_words(option);
            putchar(')');
        } else if (option->completion == COMPLETE_FILE) {
            printf("_files");
        } else if (option->completion == COMPLETE_FOLDER) {
            printf("_files -/");
        }
    }
    printf("' \\\n");
}

void cli_completion_print_zsh(void)
{
    printf("#compdef alexnet-cl\n"
           "local command=classify word\n"
           "for word in ${words[2,CURRENT-1]}; do\n"
           "    case $word in\n"
           "    (");
    print_command_names("|");
    printf(") command=$word; break ;;\n"
           "    esac\n"
           "done\n"
           "local -a commands=(\n");
    for (size_t i = 0; cli_command(i); i++) {
        printf("    '%s:", cli_command(i)->name);
        print_zsh_text(cli_command(i)->summary);
        printf("'\n");
    }
    printf(")\n"
           "(( CURRENT == 2 )) && _describe command commands\n"
           "case $command in\n");
    for (size_t i = 0; cli_command(i); i++) {
        printf("(%s)\n    _arguments -s \\\n", cli_command(i)->name);
        for (size_t j = 0; cli_option(j); j++)
            if (!cli_option(j)->hidden && cli_option(j)->commands & cli_command(i)->bit)
                print_zsh_option(cli_option(j));
        printf("        '*:file:_files' ;;\n");
    }
    printf("esac\n");
}

/* --- fish --- */

static void print_fish_text(const char *text)
{
    putchar('\'');
    for (; *text; text++)
        printf(strchr("'\\", *text) ? "\\%c" : "%c", *text);
    putchar('\'');
}

static void print_fish_option(const struct cli_option *option)
{
    printf("complete -c alexnet-cl");
    if (option->commands != ON_ALL) {
        /* The command may be left out when it is the first one. */
        bool first = option->commands & cli_command(0)->bit;
        printf(" -n '%s__fish_seen_subcommand_from", first ? "not " : "");
        for (size_t i = 0; cli_command(i); i++)
            if (!(option->commands & cli_command(i)->bit) == first)
                printf(" %s", cli_command(i)->name);
        printf("'");
    }
    printf(" -l %s", option->name);
    if (option->letter)
        printf(" -s %c", option->letter);
    if (value_follows(option))
        printf(has_words(option) || option->completion == COMPLETE_NOTHING ? " -x" : " -r");
    if (has_words(option)) {
        printf(" -a '");
        print_words(option);
        printf("'");
    }
    printf(" -d ");
    print_fish_text(option->help);
    putchar('\n');
}

void cli_completion_print_fish(void)
{
    printf("# fish completion for alexnet-cl\n");
    for (size_t i = 0; cli_command(i); i++) {
        printf("complete -c alexnet-cl -n __fish_use_subcommand -a %s -d ", cli_command(i)->name);
        print_fish_text(cli_command(i)->summary);
        putchar('\n');
    }
    for (size_t i = 0; cli_option(i); i++)
        if (!cli_option(i)->hidden)
            print_fish_option(cli_option(i));
}
