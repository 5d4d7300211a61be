#include <io.h>
#include <windows.h>

#include "cli/terminal.h"

bool cli_terminal_is_utf8(void)
{
    return GetConsoleOutputCP() == CP_UTF8;
}

size_t cli_terminal_columns(int fd)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    if (!GetConsoleScreenBufferInfo((HANDLE)_get_osfhandle(fd), &info))
        return 0;
    return (size_t)(info.srWindow.Right - info.srWindow.Left + 1);
}
