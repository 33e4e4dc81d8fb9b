// zlib declares its initialisers as macros that pass the struct's size; Swift cannot import them.
#ifndef CELLAR_CZLIB_SHIMS_H
#define CELLAR_CZLIB_SHIMS_H

#include <zlib.h>

static inline int czlib_inflate_init(z_streamp stream, int window_bits) {
    return inflateInit2(stream, window_bits);
}

static inline int czlib_deflate_init(z_streamp stream, int level, int window_bits) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}

#endif
