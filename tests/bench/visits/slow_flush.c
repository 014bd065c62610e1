/* Preloaded, it lets every flush take FLUSH_DELAY_MS longer: a slow disk whose writing is otherwise as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_as_a_slow_disk(void)
{
    const char *delay_ms = getenv("FLUSH_DELAY_MS");
    long ms = delay_ms ? atol(delay_ms) : 0;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0)
        ;
}

int fsync(int descriptor)
{
    static int (*flush)(int);
    if (!flush)
        flush = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_as_a_slow_disk();
    return flush(descriptor);
}

int fdatasync(int descriptor)
{
    static int (*flush)(int);
    if (!flush)
        flush = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_as_a_slow_disk();
    return flush(descriptor);
}
