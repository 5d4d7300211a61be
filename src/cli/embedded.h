/*
 * Texts that the program carries with it; cl/embed.py makes the table.
 */
#ifndef ALX_CLI_EMBEDDED_H
#define ALX_CLI_EMBEDDED_H

struct cli_embedded {
    const char *name; /* of the file, e.g. "page.css" */
    const char *text;
};
/* Ends with a row of NULLs. */
extern const struct cli_embedded cli_embedded_files[];

/* The text of a file that is in the table. */
const char *cli_embedded(const char *name);

#endif
