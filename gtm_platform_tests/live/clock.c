/* A wall clock that begins at LIVE_BEGIN and runs LIVE_FACTOR times as fast as the real one since LIVE_SINCE.
   Preloaded into every process of a live run. The monotonic clock, by which programs wait, is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static double since, begin, factor;

static void prepare(void) {
    if (real_clock_gettime) return;
    since = atof(getenv("LIVE_SINCE"));
    begin = atof(getenv("LIVE_BEGIN"));
    factor = atof(getenv("LIVE_FACTOR"));
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

static double now(void) {
    struct timespec real;
    prepare();
    real_clock_gettime(CLOCK_REALTIME, &real);
    return begin + (real.tv_sec + real.tv_nsec / 1e9 - since) * factor;
}

int clock_gettime(clockid_t clock, struct timespec *shown) {
    prepare();
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return real_clock_gettime(clock, shown);
    double seconds = now();
    shown->tv_sec = (time_t)seconds;
    shown->tv_nsec = (long)((seconds - shown->tv_sec) * 1e9);
    return 0;
}

time_t time(time_t *shown) {
    time_t seconds = (time_t)now();
    if (shown) *shown = seconds;
    return seconds;
}

int gettimeofday(struct timeval *shown, void *zone) {
    (void)zone;
    double seconds = now();
    shown->tv_sec = (time_t)seconds;
    shown->tv_usec = (long)((seconds - shown->tv_sec) * 1e6);
    return 0;
}
