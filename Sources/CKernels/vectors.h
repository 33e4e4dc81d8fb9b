// Sixteen floats at a time. Where the processor's registers are narrower, the compiler takes several.
#ifndef CELLAR_CKERNELS_VECTORS_H
#define CELLAR_CKERNELS_VECTORS_H

#include "dispatch.h"

enum { CK_LANES = 16 };
typedef float ck_vector __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t ck_integers __attribute__((vector_size(64), aligned(4), may_alias));

#endif
