// HDF5 names its predefined types, property classes and flags by macros that Swift cannot import, and its
// link functions by macros that differ between versions; each shim evaluates one of them.
#ifndef CELLAR_CHDF5_SHIMS_H
#define CELLAR_CHDF5_SHIMS_H

#if __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#else
#include <hdf5.h>
#endif
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif
#include "input_driver.h"
#include "isolated_call.h"
#include "output_driver.h"

static inline hid_t chdf5_type_u8(void)  { return H5T_STD_U8LE; }
static inline hid_t chdf5_type_i8(void)  { return H5T_STD_I8LE; }
static inline hid_t chdf5_type_u16(void) { return H5T_STD_U16LE; }
static inline hid_t chdf5_type_i16(void) { return H5T_STD_I16LE; }
static inline hid_t chdf5_type_u32(void) { return H5T_STD_U32LE; }
static inline hid_t chdf5_type_i32(void) { return H5T_STD_I32LE; }
static inline hid_t chdf5_type_u64(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_type_i64(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_type_f32(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_type_f64(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_type_c_string(void) { return H5T_C_S1; }
static inline hid_t chdf5_plist_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_plist_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_plist_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_plist_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_all(void) { return H5S_ALL; }
static inline hid_t chdf5_error_default(void) { return H5E_DEFAULT; }
static inline unsigned chdf5_acc_exclusive(void) { return H5F_ACC_EXCL; }
static inline unsigned chdf5_acc_read_only(void) { return H5F_ACC_RDONLY; }
static inline size_t chdf5_variable_length(void) { return H5T_VARIABLE; }

// The class of a link: 0 for a hard link, another non-negative number for one that may lead elsewhere.
static inline int chdf5_link_class(hid_t location, const char *name) {
    H5L_info_t info;
    if (H5Lget_info(location, name, &info, H5P_DEFAULT) < 0) return -1;
    return (int)info.type;
}

// Whether an entry of an error stack says that memory could not be had.
static inline int chdf5_is_out_of_memory(const H5E_error2_t *entry) {
    return entry->maj_num == H5E_RESOURCE_g || entry->min_num == H5E_NOSPACE_g || entry->min_num == H5E_CANTALLOC_g;
}

typedef int (*chdf5_name_visitor)(const char *name, void *context);
typedef struct { chdf5_name_visitor visit; void *context; } chdf5_visit;

static herr_t chdf5_visit_link(hid_t group, const char *name, const H5L_info_t *info, void *data) {
    const chdf5_visit *visit = (const chdf5_visit *)data;
    (void)group; (void)info;
    return visit->visit(name, visit->context);
}

static herr_t chdf5_visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
    const chdf5_visit *visit = (const chdf5_visit *)data;
    (void)object; (void)info;
    return visit->visit(name, visit->context);
}

// Calls the visitor with the name of each link of a group in order, until it returns something else than 0.
static inline herr_t chdf5_each_link(hid_t group, chdf5_name_visitor visitor, void *context) {
    chdf5_visit visit = { visitor, context };
    return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, chdf5_visit_link, &visit);
}

// Calls the visitor with the name of each attribute of an object in order, until it returns something else than 0.
static inline herr_t chdf5_each_attribute(hid_t object, chdf5_name_visitor visitor, void *context) {
    chdf5_visit visit = { visitor, context };
    return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, chdf5_visit_attribute, &visit);
}

static herr_t chdf5_refuse_link(const char *file, const char *group, const char *other_file, const char *object,
                                unsigned *flags, hid_t access, void *context) {
    (void)file; (void)group; (void)other_file; (void)object; (void)flags; (void)access; (void)context;
    return -1;
}

// Makes every link into another file fail while this property list is used.
static inline herr_t chdf5_refuse_external_links(hid_t access) {
    return H5Pset_elink_cb(access, chdf5_refuse_link, NULL);
}

#endif
