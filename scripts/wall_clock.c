/* The wall clock SECONDS on, for programs that ask libc for it, and for all that they start.

   Time that passes is left alone: sleeps, timeouts and the monotonic clock are as they were, and
   so are the times of files. What waits until a time of the wall clock would wait for years.
   `faketime` finds how far its time is from this clock, and changes what is asked for here by
   that. LIBRARY is where this file is, compiled. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = next(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += SECONDS;
    return failed;
}

time_t time(time_t *told)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told)
        *told = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    if (zone)
        memset(zone, 0, sizeof(struct timezone));
    return 0;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* A program that is started with few variables, as gpg is, has this clock too. It may be a
   child that shares its parent's memory: nothing is allocated here. */
int execve(const char *path, char *const arguments[], char *const given[])
{
    static int (*next)(const char *, char *const[], char *const[]);
    int count = 0, preloads = 0;
    while (given && given[count])
        preloads |= !strncmp(given[count++], "LD_PRELOAD=", 11);
    char *environment[count + 2];
    for (int n = 0; n < count; n++)
        environment[n] = given[n];
    if (!preloads)
        environment[count++] = "LD_PRELOAD=" LIBRARY;
    environment[count] = NULL;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "execve");
    return next(path, arguments, environment);
}
