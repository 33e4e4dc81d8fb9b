#ifndef CELLAR_CKERNELS_GEMM_H
#define CELLAR_CKERNELS_GEMM_H

#include "dispatch.h"

enum { CK_PANEL = 32 };

/// What is added to a product before it is stored.
struct ck_gemm {
    /// One value for each of the panel's 32 columns, or null.
    const float *bias;
    /// A matrix of the product's shape, or null; may be the product's own memory.
    const float *add;
    size_t add_stride;
    /// How many of the 32 columns are wanted; 0 for all. Others may be written or left.
    size_t columns;
    /// What a product of integers is multiplied with: one value for each row, and one for each of the 32 columns.
    const float *row_scales, *column_scales;
};

/// c = a · b for one panel b, `[inner][32]`; one of a's strides is 1. Of other numbers than floats, everything counts pairs: a and b hold
/// neighbours along the inner dimension.
void ck_gemm_panel(enum ck_numbers numbers, size_t rows, size_t inner, const float *a, ptrdiff_t row_stride, ptrdiff_t inner_stride,
                   const float *b, float *c, size_t c_stride, const struct ck_gemm *options);

#endif
