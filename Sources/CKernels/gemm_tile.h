// The inner kernel of every product of matrices: a tile of up to MOST_ROWS rows by 32 columns, kept in registers. Included
// once for each instruction set, which gives (the names are free again afterwards)
//   NAME(x)     a name of its own for x
//   TARGET      the attribute that allows the instructions
//   VECTOR      a vector of LANES floats, loaded and stored without alignment
//   MOST_ROWS   how many rows by two vectors leave registers for the operands
//   MULTIPLY_ADD(sum, x, y)   adds to a vector of sums the products of one number x with a vector y; of floats where it is not given
//   SCALE(sum, x, y)   makes sums of integers floats, times a number x and a vector y; only where they are integers

#ifndef MULTIPLY_ADD
#define MULTIPLY_ADD(sum, x, y) sum += x * y
#endif

typedef float VECTOR __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

/// Rows a + r · row_stride, whose values lie inner_stride apart, times a panel of 32 columns.
TARGET CK_INLINE void NAME(tile)(const int rows, size_t inner, const float *a, const ptrdiff_t row_stride,
                                 const ptrdiff_t inner_stride, const float *b, float *c, size_t c_stride,
                                 const struct ck_gemm *options) {
    VECTOR sum[MOST_ROWS][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = (VECTOR){0};
    for (size_t k = 0; k < inner; k++) {
        VECTOR b0 = *(const VECTOR *)b, b1 = *(const VECTOR *)(b + LANES);
        b += CK_PANEL;
        // Three rows to a pointer: with more pointers a processor runs out of registers for addresses.
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            float x = (a + r / 3 * 3 * row_stride)[r % 3 * row_stride];
            MULTIPLY_ADD(sum[r][0], x, b0);
            MULTIPLY_ADD(sum[r][1], x, b1);
        }
        a += inner_stride;
    }
#ifdef SCALE
    VECTOR scale0 = *(const VECTOR *)options->column_scales, scale1 = *(const VECTOR *)(options->column_scales + LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        SCALE(sum[r][0], options->row_scales[r], scale0);
        SCALE(sum[r][1], options->row_scales[r], scale1);
    }
#endif
    if (options->bias) {
        VECTOR b0 = *(const VECTOR *)options->bias, b1 = *(const VECTOR *)(options->bias + LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            sum[r][0] += b0;
            sum[r][1] += b1;
        }
    }
    if (options->add) {
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const float *add = options->add + r * options->add_stride;
            sum[r][0] += *(const VECTOR *)add;
            sum[r][1] += *(const VECTOR *)(add + LANES);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        *(VECTOR *)(c + r * c_stride) = sum[r][0];
        *(VECTOR *)(c + r * c_stride + LANES) = sum[r][1];
    }
}

#define CK_ROWS(rows)                                                                                                  \
    case rows:                                                                                                         \
        if (inner_stride == 1) NAME(tile)(rows, inner, a, row_stride, 1, b, c, c_stride, options);                     \
        else NAME(tile)(rows, inner, a, 1, inner_stride, b, c, c_stride, options);                                     \
        break;

/// Either stride of a is 1.
TARGET static void NAME(tile_of)(int rows, size_t inner, const float *a, ptrdiff_t row_stride, ptrdiff_t inner_stride,
                                 const float *b, float *c, size_t c_stride, const struct ck_gemm *options) {
    switch (rows) {
        CK_ROWS(1)
        CK_ROWS(2)
        CK_ROWS(3)
        CK_ROWS(4)
#if MOST_ROWS > 4
        CK_ROWS(5)
        CK_ROWS(6)
#endif
#if MOST_ROWS > 6
        CK_ROWS(7)
        CK_ROWS(8)
        CK_ROWS(9)
        CK_ROWS(10)
        CK_ROWS(11)
        CK_ROWS(12)
        CK_ROWS(13)
        CK_ROWS(14)
#endif
    }
}

/// All rows of one panel, in tiles as equal as can be.
TARGET static void NAME(panel)(size_t rows, size_t inner, const float *a, ptrdiff_t row_stride, ptrdiff_t inner_stride,
                               const float *b, float *c, size_t c_stride, const struct ck_gemm *options) {
    size_t tiles = (rows + MOST_ROWS - 1) / MOST_ROWS;
    size_t row = 0;
    int columns = options->columns ? (int)options->columns : CK_PANEL;
    for (size_t t = 0; t < tiles; t++) {
        size_t end = rows * (t + 1) / tiles;
        for (int column = 0; column < columns; column += 2 * LANES) {
            struct ck_gemm part = *options;
            if (part.bias) part.bias += column;
            if (part.row_scales) {
                part.row_scales += row;
                part.column_scales += column;
            }
            if (part.add) part.add += row * part.add_stride + column;
            NAME(tile_of)((int)(end - row), inner, a + (ptrdiff_t)row * row_stride, row_stride, inner_stride, b + column,
                          c + row * c_stride + column, c_stride, &part);
        }
        row = end;
    }
}

#undef CK_ROWS
#undef NAME
#undef TARGET
#undef VECTOR
#undef LANES
#undef MOST_ROWS
#undef MULTIPLY_ADD
#undef SCALE
