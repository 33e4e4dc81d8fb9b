// A file driver of HDF5 for writing new files, which never fails on a full disk.
//
// HDF5 1.10 cannot let go of a file whose buffers it cannot write: closing fails, leaves a freed structure behind an open
// identifier, and crashes later. So this driver does not tell it. The first failed write is remembered as the file's
// error; that write and all later ones are kept in memory, where HDF5 finds them again, until it closes the file in
// peace. The owner asks for the error after closing, and throws the file away.
#ifndef CELLAR_CHDF5_OUTPUT_DRIVER_H
#define CELLAR_CHDF5_OUTPUT_DRIVER_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct chdf5_kept_write {
    struct chdf5_kept_write *next;
    haddr_t address;
    size_t size;
    unsigned char bytes[];
} chdf5_kept_write;

// HDF5's part comes first: HDF5 knows the file by a pointer to it.
typedef struct {
    H5FD_t common;
    int descriptor;
    int error;          // the errno of the first failure, or 0
    int is_owned;       // whether the owner frees the structure, not the driver
    haddr_t end_of_addresses;
    haddr_t end_of_file;
    chdf5_kept_write *first_kept;
    chdf5_kept_write *last_kept;
} chdf5_output;

static H5FD_t *chdf5_output_open(const char *name, unsigned flags, hid_t access, haddr_t limit) {
    (void)access; (void)limit;
    chdf5_output *file = (chdf5_output *)calloc(1, sizeof(chdf5_output));
    if (!file) return NULL;
    int mode = O_RDWR | O_CLOEXEC | (flags & H5F_ACC_CREAT ? O_CREAT : 0) | (flags & H5F_ACC_EXCL ? O_EXCL : 0);
    file->descriptor = open(name, mode, 0666);
    if (file->descriptor < 0) {
        // In the words of HDF5's own driver, which carry the number to where messages are made.
        H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_FILE, H5E_CANTOPENFILE, "errno = %d", errno);
        free(file);
        return NULL;
    }
    return &file->common;
}

static herr_t chdf5_output_close(H5FD_t *common) {
    chdf5_output *file = (chdf5_output *)common;
    while (file->first_kept) {
        chdf5_kept_write *next = file->first_kept->next;
        free(file->first_kept);
        file->first_kept = next;
    }
    // Linux closes a file whose closing is interrupted.
    if (close(file->descriptor) != 0 && errno != EINTR && !file->error) file->error = errno;
    if (!file->is_owned) free(file);
    return 0;
}

static herr_t chdf5_output_query(const H5FD_t *common, unsigned long *flags) {
    (void)common;
    if (flags) {
        *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE
            | H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    }
    return 0;
}

static haddr_t chdf5_output_get_eoa(const H5FD_t *common, H5FD_mem_t type) {
    (void)type;
    return ((const chdf5_output *)common)->end_of_addresses;
}

static herr_t chdf5_output_set_eoa(H5FD_t *common, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((chdf5_output *)common)->end_of_addresses = address;
    return 0;
}

static haddr_t chdf5_output_get_eof(const H5FD_t *common, H5FD_mem_t type) {
    (void)type;
    return ((const chdf5_output *)common)->end_of_file;
}

static herr_t chdf5_output_get_handle(H5FD_t *common, hid_t access, void **handle) {
    (void)access;
    *handle = common;
    return 0;
}

static herr_t chdf5_output_read(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
    (void)type; (void)transfer;
    chdf5_output *file = (chdf5_output *)common;
    unsigned char *bytes = (unsigned char *)buffer;
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(file->descriptor, bytes + done, size - done, (off_t)(address + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && !file->error) file->error = errno;
        if (count <= 0) break;
        done += (size_t)count;
    }
    // What was never written reads as zeros, as HDF5 expects.
    memset(bytes + done, 0, size - done);
    for (const chdf5_kept_write *kept = file->first_kept; kept; kept = kept->next) {
        haddr_t start = kept->address > address ? kept->address : address;
        haddr_t end = kept->address + kept->size < address + size ? kept->address + kept->size : address + size;
        if (start < end) memcpy(bytes + (start - address), kept->bytes + (start - kept->address), end - start);
    }
    return 0;
}

static herr_t chdf5_output_write(
    H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer) {
    (void)type; (void)transfer;
    chdf5_output *file = (chdf5_output *)common;
    const unsigned char *bytes = (const unsigned char *)buffer;
    if (address + size > file->end_of_file) file->end_of_file = address + size;
    size_t done = 0;
    while (done < size && !file->error) {
        ssize_t count = pwrite(file->descriptor, bytes + done, size - done, (off_t)(address + done));
        if (count < 0 && errno != EINTR) file->error = errno;
        if (count > 0) done += (size_t)count;
    }
    if (done == size) return 0;
    chdf5_kept_write *kept = (chdf5_kept_write *)malloc(sizeof(chdf5_kept_write) + size);
    if (!kept) return -1;
    kept->next = NULL;
    kept->address = address;
    kept->size = size;
    memcpy(kept->bytes, bytes, size);
    if (file->last_kept) file->last_kept->next = kept; else file->first_kept = kept;
    file->last_kept = kept;
    return 0;
}

static herr_t chdf5_output_truncate(H5FD_t *common, hid_t transfer, hbool_t closing) {
    (void)transfer; (void)closing;
    chdf5_output *file = (chdf5_output *)common;
    if (file->end_of_addresses == file->end_of_file) return 0;
    int status = 0;
    do {
        if (!file->error) status = ftruncate(file->descriptor, (off_t)file->end_of_addresses);
    } while (status != 0 && errno == EINTR);
    if (status != 0) file->error = errno;
    file->end_of_file = file->end_of_addresses;
    return 0;
}

static const H5FD_class_t chdf5_output_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = 500, // from the range that the library leaves to its users
#endif
    .name = "cellar_output",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .open = chdf5_output_open,
    .close = chdf5_output_close,
    .query = chdf5_output_query,
    .get_eoa = chdf5_output_get_eoa,
    .set_eoa = chdf5_output_set_eoa,
    .get_eof = chdf5_output_get_eof,
    .get_handle = chdf5_output_get_handle,
    .read = chdf5_output_read,
    .write = chdf5_output_write,
    .truncate = chdf5_output_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

// Registers the driver and returns its identifier.
static inline hid_t chdf5_register_output_driver(void) {
    return H5FDregister(&chdf5_output_class);
}

// Takes over the structure behind an open file of this driver: it outlives the file, and is freed by the caller.
static inline chdf5_output *chdf5_take_output(hid_t file) {
    void *handle = NULL;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return NULL;
    chdf5_output *output = (chdf5_output *)handle;
    output->is_owned = 1;
    return output;
}

#endif
