#include "cli/terminal.h"

#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>

bool cli_terminal_is_utf8(void)
{
    return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

size_t cli_terminal_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}
