// A file driver of HDF5 for reading, whose closing never fails.
//
// HDF5 1.10 does not survive a file that it cannot close, and whoever reads has nothing to lose by it. A refusal of the system is
// told in the words of HDF5's own driver, which carry its number to where messages are made. There are no locks: see HDF5File.
#ifndef CELLAR_CHDF5_INPUT_DRIVER_H
#define CELLAR_CHDF5_INPUT_DRIVER_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// HDF5's part comes first: HDF5 knows the file by a pointer to it.
typedef struct {
    H5FD_t common;
    int descriptor;
    haddr_t end_of_addresses;
    haddr_t end_of_file;
} chdf5_input;

static void chdf5_push_system_error(const char *function, hid_t minor, int number) {
    H5Epush2(H5E_DEFAULT, __FILE__, function, __LINE__, H5E_ERR_CLS, H5E_FILE, minor, "errno = %d", number);
}

static H5FD_t *chdf5_input_open(const char *name, unsigned flags, hid_t access, haddr_t limit) {
    (void)flags; (void)access; (void)limit;
    // Without O_NONBLOCK, opening a named pipe would wait for a writer, perhaps forever.
    const int descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    int number = 0;
    if (descriptor < 0 || fstat(descriptor, &status) != 0) number = errno;
    else if (!S_ISREG(status.st_mode)) number = S_ISDIR(status.st_mode) ? EISDIR : ENODEV;
    chdf5_input *file = number ? NULL : (chdf5_input *)calloc(1, sizeof(chdf5_input));
    if (!file) {
        if (descriptor >= 0) close(descriptor);
        chdf5_push_system_error(__func__, H5E_CANTOPENFILE, number ? number : ENOMEM);
        return NULL;
    }
    file->descriptor = descriptor;
    file->end_of_file = (haddr_t)status.st_size;
    return &file->common;
}

static herr_t chdf5_input_close(H5FD_t *common) {
    chdf5_input *file = (chdf5_input *)common;
    close(file->descriptor);
    free(file);
    return 0;
}

static herr_t chdf5_input_query(const H5FD_t *common, unsigned long *flags) {
    (void)common;
    if (flags) {
        *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE
            | H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    }
    return 0;
}

static haddr_t chdf5_input_get_eoa(const H5FD_t *common, H5FD_mem_t type) {
    (void)type;
    return ((const chdf5_input *)common)->end_of_addresses;
}

static herr_t chdf5_input_set_eoa(H5FD_t *common, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((chdf5_input *)common)->end_of_addresses = address;
    return 0;
}

static haddr_t chdf5_input_get_eof(const H5FD_t *common, H5FD_mem_t type) {
    (void)type;
    return ((const chdf5_input *)common)->end_of_file;
}

static herr_t chdf5_input_read(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
    (void)type; (void)transfer;
    const chdf5_input *file = (const chdf5_input *)common;
    unsigned char *bytes = (unsigned char *)buffer;
    size_t done = 0;
    while (done < size) {
        const ssize_t count = pread(file->descriptor, bytes + done, size - done, (off_t)(address + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            chdf5_push_system_error(__func__, H5E_READERROR, errno);
            return -1;
        }
        if (count == 0) break;
        done += (size_t)count;
    }
    // What lies beyond the end reads as zeros, as HDF5 expects.
    memset(bytes + done, 0, size - done);
    return 0;
}

static herr_t chdf5_input_write(
    H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer) {
    (void)common; (void)type; (void)transfer; (void)address; (void)size; (void)buffer;
    return -1;
}

static const H5FD_class_t chdf5_input_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = 501, // from the range that the library leaves to its users
#endif
    .name = "cellar_input",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .open = chdf5_input_open,
    .close = chdf5_input_close,
    .query = chdf5_input_query,
    .get_eoa = chdf5_input_get_eoa,
    .set_eoa = chdf5_input_set_eoa,
    .get_eof = chdf5_input_get_eof,
    .read = chdf5_input_read,
    .write = chdf5_input_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

// Registers the driver and returns its identifier.
static inline hid_t chdf5_register_input_driver(void) {
    return H5FDregister(&chdf5_input_class);
}

#endif
