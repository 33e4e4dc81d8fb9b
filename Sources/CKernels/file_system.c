// statfs(2), which Swift's module of the C library does not have.
#include "CKernels.h"

#include <sys/vfs.h>

int64_t ck_file_system_number(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (int64_t)(uint32_t)status.f_type : -1;
}
