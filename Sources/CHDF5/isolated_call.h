// A call in a process of its own, for work on files that may be damaged: libhdf5 does not survive all of them.
#ifndef CELLAR_CHDF5_ISOLATED_CALL_H
#define CELLAR_CHDF5_ISOLATED_CALL_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// Lets go of the files that the process writes, but for one: what holds them open keeps their locks, and their room on the
// disk.
static void chdf5_close_outputs(int kept) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        const int number = atoi(entry->d_name);
        const int flags = number > STDERR_FILENO && number != kept ? fcntl(number, F_GETFL) : -1;
        if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) close(number);
    }
    closedir(folder);
}

// What the copy of the process changes about itself: it dies of what it does, at once and in silence.
static void chdf5_prepare_isolation(unsigned seconds) {
    const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGALRM, SIGTERM, SIGINT };
    for (size_t index = 0; index < sizeof deadly / sizeof *deadly; index++) signal(deadly[index], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    const struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    // Sizes in a damaged file may ask for any amount of memory.
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu", &pages) == 1) {
        const rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)2 << 30);
        const struct rlimit memory = { bytes, bytes };
        setrlimit(RLIMIT_AS, &memory);
    }
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(seconds);
}

// Makes a call in a copy of this process, which ends with it. Returns 1 where the call came back, 0 where it ended its
// process or took longer than the given time, -1 with errno where no process could be made.
static inline int chdf5_call_isolated(void (*body)(void *), void *context, unsigned seconds) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    const pid_t child = fork();
    if (child < 0) {
        const int number = errno;
        close(ends[0]);
        close(ends[1]);
        errno = number;
        return -1;
    }
    if (child == 0) {
        chdf5_close_outputs(ends[1]);
        chdf5_prepare_isolation(seconds);
        body(context);
        _exit(write(ends[1], "", 1) == 1 ? 0 : 1);
    }
    close(ends[1]);
    char byte;
    ssize_t count;
    do count = read(ends[0], &byte, 1); while (count < 0 && errno == EINTR);
    close(ends[0]);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return count == 1;
}

#endif
