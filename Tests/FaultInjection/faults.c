#define _GNU_SOURCE
#include "FaultInjection.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

// Everything below calls the kernel itself: a name of the C library would lead back here.

static struct {
    char below[PATH_MAX];
    size_t length; // 0: nothing counts
    long at;
    int error;
    int is_short;
    int log;
} setting = { .log = -1 };

static atomic_long call_count;

// Whether what a descriptor stands for lies below the folder.
enum { descriptor_limit = 1 << 16 };
static atomic_uchar is_watched[descriptor_limit];

__attribute__((constructor)) static void read_setting(void) {
    const char *below = getenv("CELLAR_FAULT_BELOW");
    const char *log = getenv("CELLAR_FAULT_LOG");
    const char *at = getenv("CELLAR_FAULT_AT");
    const char *with = getenv("CELLAR_FAULT_WITH");
    if (!below || strlen(below) >= sizeof setting.below) return;
    if (log) setting.log = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (at) setting.at = atol(at);
    if (with) setting.is_short = strcmp(with, "short") == 0;
    if (with) setting.error = atoi(with);
    strcpy(setting.below, below);
    setting.length = strlen(below);
}

static int watches(int descriptor) {
    return descriptor >= 0 && descriptor < descriptor_limit && is_watched[descriptor];
}

static int lies_below(int folder, const char *path) {
    if (!setting.length || !path) return 0;
    char full[2 * PATH_MAX];
    if (path[0] != '/') {
        if (folder != AT_FDCWD) return watches(folder);
        if (syscall(SYS_getcwd, full, PATH_MAX) < 0 || strlen(path) >= PATH_MAX) return 0;
        strcat(strcat(full, "/"), path);
        path = full;
    }
    return strncmp(path, setting.below, setting.length) == 0
        && (path[setting.length] == '/' || path[setting.length] == 0);
}

static void note(long number, const char *call, const char *path, int descriptor) {
    if (setting.log < 0) return;
    char name[PATH_MAX] = "", link[64], line[2 * PATH_MAX];
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        if (syscall(SYS_readlinkat, AT_FDCWD, link, name, sizeof name - 1) < 0) name[0] = 0;
        path = name;
    }
    const int length = snprintf(line, sizeof line, "%ld %s %s\n", number, call, path);
    if (length > 0 && (size_t)length < sizeof line) syscall(SYS_write, setting.log, line, (size_t)length);
}

typedef enum { goes_on, fails, is_cut } outcome;

// Counts a call and says what becomes of it; where it fails, errno is set.
static outcome visit(const char *call, const char *path, int descriptor, int transfers) {
    const int number = errno;
    const long count = atomic_fetch_add(&call_count, 1) + 1;
    outcome result = goes_on;
    if (setting.at == 0) note(count, call, path, descriptor);
    if (count == setting.at && (transfers || !setting.is_short)) {
        note(count, call, path, descriptor);
        result = setting.is_short ? is_cut : fails;
    }
    errno = result == fails ? setting.error : number;
    return result;
}

// The number of bytes of a transfer: all, half, or -1 where it fails.
static ssize_t allowance(const char *call, int descriptor, size_t count) {
    if (!watches(descriptor)) return (ssize_t)count;
    switch (visit(call, NULL, descriptor, count > 1)) {
    case goes_on: return (ssize_t)count;
    case is_cut: return (ssize_t)(count / 2);
    default: return -1;
    }
}

// MARK: Names

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    const int counts = lies_below(folder, path);
    if (counts && visit("open", path, -1, 0) == fails) return -1;
    const int descriptor = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (descriptor >= 0 && descriptor < descriptor_limit) is_watched[descriptor] = (unsigned char)counts;
    return descriptor;
}

static mode_t mode_argument(int flags, va_list list) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define OPENING(name, parameters, folder)            \
    int name parameters {                            \
        va_list list;                                \
        va_start(list, flags);                       \
        const mode_t mode = mode_argument(flags, list); \
        va_end(list);                                \
        return open_at(folder, path, flags, mode);   \
    }

OPENING(open, (const char *path, int flags, ...), AT_FDCWD)
OPENING(open64, (const char *path, int flags, ...), AT_FDCWD)
OPENING(openat, (int folder, const char *path, int flags, ...), folder)
OPENING(openat64, (int folder, const char *path, int flags, ...), folder)

int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

DIR *opendir(const char *path) {
    static DIR *(*original)(const char *);
    if (!original) original = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    if (lies_below(AT_FDCWD, path) && visit("opendir", path, -1, 0) == fails) return NULL;
    return original(path);
}

int renameat(int folder, const char *path, int newFolder, const char *newPath) {
    if (lies_below(newFolder, newPath) && visit("rename", newPath, -1, 0) == fails) return -1;
    return (int)syscall(SYS_renameat2, folder, path, newFolder, newPath, 0);
}

int rename(const char *path, const char *newPath) { return renameat(AT_FDCWD, path, AT_FDCWD, newPath); }

int unlinkat(int folder, const char *path, int flags) {
    if (lies_below(folder, path) && visit("unlink", path, -1, 0) == fails) return -1;
    return (int)syscall(SYS_unlinkat, folder, path, flags);
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char *path, mode_t mode) {
    if (lies_below(folder, path) && visit("mkdir", path, -1, 0) == fails) return -1;
    return (int)syscall(SYS_mkdirat, folder, path, mode);
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

// MARK: Bytes

#define TRANSFERRING(kind, name, parameters, arguments)                     \
    ssize_t name parameters {                                               \
        const ssize_t allowed = allowance(kind, descriptor, count);         \
        return allowed < 0 ? -1 : (ssize_t)syscall arguments;               \
    }

TRANSFERRING("read", read, (int descriptor, void *bytes, size_t count), (SYS_read, descriptor, bytes, allowed))
TRANSFERRING("write", write, (int descriptor, const void *bytes, size_t count), (SYS_write, descriptor, bytes, allowed))
TRANSFERRING(
    "read", pread, (int descriptor, void *bytes, size_t count, off_t offset), (SYS_pread64, descriptor, bytes, allowed, offset))
TRANSFERRING(
    "read", pread64, (int descriptor, void *bytes, size_t count, off64_t offset),
    (SYS_pread64, descriptor, bytes, allowed, offset))
TRANSFERRING(
    "write", pwrite, (int descriptor, const void *bytes, size_t count, off_t offset),
    (SYS_pwrite64, descriptor, bytes, allowed, offset))
TRANSFERRING(
    "write", pwrite64, (int descriptor, const void *bytes, size_t count, off64_t offset),
    (SYS_pwrite64, descriptor, bytes, allowed, offset))
TRANSFERRING(
    "sendfile", sendfile, (int descriptor, int source, off_t *offset, size_t count),
    (SYS_sendfile, descriptor, source, offset, allowed))

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    size_t size = 0;
    for (int index = 0; index < count; index++) size += parts[index].iov_len;
    const ssize_t allowed = allowance("write", descriptor, size);
    if (allowed < 0) return -1;
    if ((size_t)allowed == size) return syscall(SYS_writev, descriptor, parts, count);
    size_t length = parts[0].iov_len < (size_t)allowed ? parts[0].iov_len : (size_t)allowed;
    return syscall(SYS_write, descriptor, parts[0].iov_base, length);
}

// MARK: Descriptors

#define SYNCING(name, number)                                                            \
    int name(int descriptor) {                                                           \
        if (watches(descriptor) && visit("fsync", NULL, descriptor, 0) == fails) return -1; \
        return (int)syscall(number, descriptor);                                         \
    }

SYNCING(fsync, SYS_fsync)
SYNCING(fdatasync, SYS_fdatasync)

int ftruncate(int descriptor, off_t length) {
    if (watches(descriptor) && visit("ftruncate", NULL, descriptor, 0) == fails) return -1;
    return (int)syscall(SYS_ftruncate, descriptor, length);
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if (!(flags & MAP_ANONYMOUS) && watches(descriptor) && visit("mmap", NULL, descriptor, 0) == fails) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, address, length, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    return mmap(address, length, protection, flags, descriptor, offset);
}

int close(int descriptor) {
    const outcome result = watches(descriptor) ? visit("close", NULL, descriptor, 0) : goes_on;
    const int number = errno;
    if (descriptor >= 0 && descriptor < descriptor_limit) is_watched[descriptor] = 0;
    const int status = (int)syscall(SYS_close, descriptor);
    if (result != fails) return status;
    errno = number;
    return -1;
}
