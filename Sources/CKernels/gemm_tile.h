// The inner kernel of every product of matrices: a tile of up to MOST_ROWS rows by VECTORS · LANES columns, kept in registers.
// Included once for each shape of tile, which gives (the names are free again afterwards)
//   NAME(x)     a name of its own for x
//   TARGET      the attribute that allows the instructions
//   VECTOR      a vector of LANES floats, loaded and stored without alignment
//   VECTORS     how many vectors a row has; they divide the panel's 32 columns
//   MOST_ROWS   how many rows leave registers for the operands
//   MULTIPLY_ADD(sum, x, y)   adds to a vector of sums the products of one number x with a vector y; of floats where it is not given
//   SCALE(sum, x, y)   makes sums of integers floats, times a number x and a vector y; only where they are integers

/// A loop whose count is known, written out.
#define CK_EACH(index, count) _Pragma("clang loop unroll(full)") for (int index = 0; index < (count); index++)

#ifndef MULTIPLY_ADD
#define MULTIPLY_ADD(sum, x, y) sum += x * y
#endif

typedef float VECTOR __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

/// Rows a + r · row_stride, whose values lie inner_stride apart, times the first columns of a panel.
TARGET CK_INLINE void NAME(tile)(const int rows, size_t inner, const float *a, const ptrdiff_t row_stride,
                                 const ptrdiff_t inner_stride, const float *b, float *c, size_t c_stride,
                                 const struct ck_gemm *options) {
    VECTOR sum[MOST_ROWS][VECTORS];
    CK_EACH(r, rows) CK_EACH(v, VECTORS) sum[r][v] = (VECTOR){0};
    for (size_t k = 0; k < inner; k++) {
        // Three rows to a pointer: with more pointers a processor runs out of registers for addresses.
#define CK_LEFT(r) (a + (r) / 3 * 3 * row_stride)[(r) % 3 * row_stride]
#if MOST_ROWS > VECTORS
        VECTOR right[VECTORS];
        CK_EACH(v, VECTORS) right[v] = *(const VECTOR *)(b + v * LANES);
        CK_EACH(r, rows) {
            float x = CK_LEFT(r);
            CK_EACH(v, VECTORS) MULTIPLY_ADD(sum[r][v], x, right[v]);
        }
#else
        // What there is less of stays in registers: the rows.
        float x[MOST_ROWS];
        CK_EACH(r, rows) x[r] = CK_LEFT(r);
        CK_EACH(v, VECTORS) {
            VECTOR right = *(const VECTOR *)(b + v * LANES);
            CK_EACH(r, rows) MULTIPLY_ADD(sum[r][v], x[r], right);
        }
#endif
#undef CK_LEFT
        a += inner_stride;
        b += CK_PANEL;
    }
#ifdef SCALE
    CK_EACH(v, VECTORS) {
        VECTOR scale = *(const VECTOR *)(options->column_scales + v * LANES);
        CK_EACH(r, rows) SCALE(sum[r][v], options->row_scales[r], scale);
    }
#endif
    if (options->bias) {
        CK_EACH(v, VECTORS) {
            VECTOR bias = *(const VECTOR *)(options->bias + v * LANES);
            CK_EACH(r, rows) sum[r][v] += bias;
        }
    }
    if (options->add)
        CK_EACH(r, rows) CK_EACH(v, VECTORS) sum[r][v] += *(const VECTOR *)(options->add + r * options->add_stride + v * LANES);
    CK_EACH(r, rows) CK_EACH(v, VECTORS) *(VECTOR *)(c + r * c_stride + v * LANES) = sum[r][v];
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
#if MOST_ROWS > 3
        CK_ROWS(4)
#endif
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
        for (int column = 0; column < columns; column += VECTORS * LANES) {
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
#undef CK_EACH
#undef NAME
#undef TARGET
#undef VECTOR
#undef LANES
#undef VECTORS
#undef MOST_ROWS
#undef MULTIPLY_ADD
#undef SCALE
