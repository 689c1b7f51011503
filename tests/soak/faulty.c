/* A disk that fails on order: preloaded under a process, it counts the calls that change regular files and
 * directories, and lets one of them fail, or ends the process there. Everything above is real: SQLite too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long left = -1; /* calls until it happens; negative: never */
static atomic_long seen = 0;
static int failure = 0; /* an errno, or 0: SIGKILL */
static int sticky = 0;  /* a full disk stays full; a bad sector is met once */

void custody_arm(long calls, int error, int stays) {
    failure = error;
    sticky = stays;
    atomic_store(&seen, 0);
    atomic_store(&left, calls);
}

long custody_seen(void) { return atomic_load(&seen); }

static int due(void) {
    atomic_fetch_add(&seen, 1);
    if (atomic_load(&left) < 0)
        return 0;
    long now = atomic_fetch_sub(&left, 1);
    if (now > 0)
        return 0;
    if (failure == 0) {
        kill(getpid(), SIGKILL);
        pause();
    }
    if (sticky)
        atomic_store(&left, 0);
    else
        atomic_store(&left, -1);
    errno = failure;
    return 1;
}

static int counts(int fd) {
    int before = errno;
    struct stat status;
    int regular = fd > 2 && fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
    errno = before;
    return regular;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (counts(fd) && due()) {
        /* A full disk takes what fits. */
        if (failure == ENOSPC && size > 1 && sticky) {
            sticky = 2;
            return real(fd, data, size / 2);
        }
        return -1;
    }
    return real(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return counts(fd) && due() ? -1 : real(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return counts(fd) && due() ? -1 : real(fd, data, size, at);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    return counts(fd) && failure != ENOSPC && due() ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return counts(fd) && failure != ENOSPC && due() ? -1 : real(fd);
}

int ftruncate(int fd, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    return counts(fd) && due() ? -1 : real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    return counts(fd) && due() ? -1 : real(fd, size);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return due() ? -1 : real(from, to);
}

int link(const char *from, const char *to) {
    REAL(int, "link", const char *, const char *);
    return due() ? -1 : real(from, to);
}

int linkat(int in, const char *from, int into, const char *to, int flags) {
    REAL(int, "linkat", int, const char *, int, const char *, int);
    return due() ? -1 : real(in, from, into, to, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return due() ? -1 : real(path, mode);
}
