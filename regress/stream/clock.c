/* The clock of a server whose tests put it forward and back: loaded before everything else, moved by the seconds in the file that CLOCK
   names. Not faketime, whose hands are tied in processes that PostgreSQL 15 starts from a signal handler. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    int kept = errno, result = (int) syscall(SYS_gettimeofday, time, zone);
    const char *path = getenv("CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char seconds[32];

    if (file >= 0) {
        ssize_t length = read(file, seconds, sizeof seconds - 1);

        close(file);
        seconds[length > 0 ? length : 0] = '\0';
        time->tv_sec += atol(seconds);
    }
    errno = kept;
    return result;
}
