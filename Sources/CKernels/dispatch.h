// Compiles one loop for three instruction sets and chooses between them when it is called.
//
// The body is written once as an always-inlined function `name_body`; CK_DISPATCH makes a variant of it for each
// instruction set and the public function. (`target_clones` would do the same, but what it compares a processor with
// depends on the age of the system's libgcc.)
#ifndef CELLAR_CKERNELS_DISPATCH_H
#define CELLAR_CKERNELS_DISPATCH_H

#include "CKernels.h"

#define CK_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define CK_AVX512 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
/// AVX-512 with products of numbers of 16 bits: of bfloat16 (AVX-512-BF16) and of integers (AVX-512-VNNI).
#define CK_PAIRS __attribute__((target("arch=x86-64-v4,avx512bf16,avx512vnni"), min_vector_width(512)))
#define CK_AVX2 __attribute__((target("arch=x86-64-v3")))
#define CK_DISPATCH(name, parameters, arguments)                                                                       \
    CK_AVX512 static void name##_avx512 parameters { name##_body arguments; }                                          \
    CK_AVX2 static void name##_avx2 parameters { name##_body arguments; }                                              \
    static void name##_default parameters { name##_body arguments; }                                                   \
    void name parameters {                                                                                             \
        switch (ck_instruction_set()) {                                                                                \
        case 2: name##_avx512 arguments; break;                                                                        \
        case 1: name##_avx2 arguments; break;                                                                          \
        default: name##_default arguments;                                                                             \
        }                                                                                                              \
    }
#else
#define CK_DISPATCH(name, parameters, arguments)                                                                       \
    void name parameters { name##_body arguments; }
#endif

#endif
