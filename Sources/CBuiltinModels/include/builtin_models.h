/* The files of the models that come with the program, as they lie in `models`: compiled into it, so that one file is all there is to install. */
#ifndef CELLAR_BUILTIN_MODELS_H
#define CELLAR_BUILTIN_MODELS_H

#include <stddef.h>

typedef struct {
    /* The path within `models`: `builtin-diffusion/unet/config.json`. */
    const char *path;
    const unsigned char *bytes;
    size_t count;
} cellar_builtin_file;

size_t cellar_builtin_file_count(void);

/* The file of an index below the count. */
cellar_builtin_file cellar_builtin_file_at(size_t index);

#endif
