#include "gemm.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define CK_JOIN(a, b) a##b

#if defined(__x86_64__)
#define NAME(x) CK_JOIN(x, _bfloat)
#define TARGET CK_PAIRS
#define VECTOR vector_bfloat
#define LANES 16
#define VECTORS 2
#define MOST_ROWS 14
#define MULTIPLY_ADD(sum, x, y) sum = (VECTOR)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(x), (__m512bh)y)
#include "gemm_tile.h"

#define NAME(x) CK_JOIN(x, _int16)
#define TARGET CK_PAIRS
#define VECTOR vector_int16
#define LANES 16
#define VECTORS 2
#define MOST_ROWS 14
#define MULTIPLY_ADD(sum, x, y)                                                                                        \
    sum = (VECTOR)_mm512_dpwssd_epi32((__m512i)sum, _mm512_castps_si512(_mm512_set1_ps(x)), (__m512i)y)
#define SCALE(sum, x, y) sum = (VECTOR)_mm512_cvtepi32_ps((__m512i)sum) * (x * y)
#include "gemm_tile.h"

#define NAME(x) CK_JOIN(x, _avx512)
#define TARGET CK_AVX512
#define VECTOR vector_avx512
#define LANES 16
#define VECTORS 2
#define MOST_ROWS 14
#include "gemm_tile.h"

// Reads whole lines of a panel; 6 rows by 16 columns would read every second line (Benchmarks/NOTES.md has what that costs).
#define NAME(x) CK_JOIN(x, _avx2)
#define TARGET CK_AVX2
#define VECTOR vector_avx2
#define LANES 8
#define VECTORS 4
#define MOST_ROWS 3
#include "gemm_tile.h"

#define NAME(x) CK_JOIN(x, _avx2_narrow)
#define TARGET CK_AVX2
#define VECTOR vector_avx2_narrow
#define LANES 8
#define VECTORS 2
#define MOST_ROWS 6
#include "gemm_tile.h"
#endif

#define NAME(x) CK_JOIN(x, _default)
#define TARGET
#define VECTOR vector_default
#define LANES 4
#define VECTORS 2
#define MOST_ROWS 4
#include "gemm_tile.h"

void ck_gemm_panel(enum ck_numbers numbers, size_t rows, size_t inner, const float *a, ptrdiff_t row_stride, ptrdiff_t inner_stride,
                   const float *b, float *c, size_t c_stride, const struct ck_gemm *options) {
#if defined(__x86_64__)
    if (numbers == CK_BFLOAT16) {
        panel_bfloat(rows, inner, a, row_stride, inner_stride, b, c, c_stride, options);
        return;
    }
    if (numbers == CK_INT16) {
        panel_int16(rows, inner, a, row_stride, inner_stride, b, c, c_stride, options);
        return;
    }
#endif
    switch (ck_instruction_set()) {
#if defined(__x86_64__)
    case 2: panel_avx512(rows, inner, a, row_stride, inner_stride, b, c, c_stride, options); break;
    case 1:
        if (options->columns && options->columns <= CK_PANEL / 2)
            panel_avx2_narrow(rows, inner, a, row_stride, inner_stride, b, c, c_stride, options);
        else panel_avx2(rows, inner, a, row_stride, inner_stride, b, c, c_stride, options);
        break;
#endif
    default: panel_default(rows, inner, a, row_stride, inner_stride, b, c, c_stride, options);
    }
}

size_t ck_packed_count(size_t columns, size_t inner) { return (columns + CK_PANEL - 1) / CK_PANEL * CK_PANEL * inner; }

void ck_pack_panel(const float *weight, size_t stride, size_t inner_stride, size_t columns, size_t inner, float *panel) {
    // Some columns at a time, so that the lines that are written stay in the cache until they are full.
    for (size_t first = 0; first < inner; first += 64) {
        size_t end = first + 64 < inner ? first + 64 : inner;
        for (size_t c = 0; c < columns; c++)
            for (size_t k = first; k < end; k++) panel[k * CK_PANEL + c] = weight[c * stride + k * inner_stride];
        for (size_t k = first; k < end; k++)
            for (size_t c = columns; c < CK_PANEL; c++) panel[k * CK_PANEL + c] = 0;
    }
}

void ck_pack_pairs(const float *weight, size_t stride, size_t inner_stride, size_t columns, size_t inner, float *panel) {
    enum { some = 64 };
    float rows[some * CK_PANEL];
    for (size_t first = 0; first < inner; first += some) {
        size_t count = inner - first < some ? inner - first : some;
        ck_pack_panel(weight + first * inner_stride, stride, inner_stride, columns, count, rows);
        ck_pair_panel(rows, count, panel + first / 2 * CK_PANEL);
    }
}

void ck_gemm(size_t rows, size_t columns, size_t inner, const float *a, size_t a_stride, const float *panels, enum ck_numbers numbers, float *c,
             size_t c_stride, const float *bias, const float *add, size_t add_stride) {
    // A panel and the rows that meet it fit a second-level cache together.
    enum { most_inner = 1280 };
    size_t slots = ck_slots(inner, numbers);
    size_t parts = slots ? (slots + most_inner - 1) / most_inner : 1;
    // Rows a multiple of 4 KiB apart would share the same few lines of the first-level cache.
    size_t copied_stride = (slots + parts - 1) / parts + 16;
    int collides = a_stride % 1024 == 0 && rows > 4 && columns > CK_PANEL;
    float *copy = collides || numbers == CK_BFLOAT16 ? malloc(rows * copied_stride * sizeof(float)) : 0;
    // Without memory, floats can be read where they lie; pairs cannot.
    if (numbers == CK_BFLOAT16 && !copy) abort();
    for (size_t part = 0; part < parts; part++) {
        size_t first = slots * part / parts, end = slots * (part + 1) / parts;
        const float *left = a + first;
        size_t left_stride = a_stride;
        if (copy) {
            left_stride = copied_stride;
            left = copy;
            for (size_t r = 0; r < rows; r++) {
                if (numbers == CK_BFLOAT16)
                    ck_pair_neighbours(a + r * a_stride + 2 * first, copy + r * left_stride, (2 * end < inner ? 2 * end : inner) - 2 * first);
                else memcpy(copy + r * left_stride, a + r * a_stride + first, (end - first) * sizeof(float));
            }
        }
        for (size_t column = 0; column < columns; column += CK_PANEL) {
            size_t width = columns - column < CK_PANEL ? columns - column : CK_PANEL;
            const float *panel = panels + column * slots + first * CK_PANEL;
            struct ck_gemm options = {0};
            if (part == 0) {
                options.bias = bias ? bias + column : 0;
                options.add = add ? add + column : 0;
                options.add_stride = add_stride;
            } else {
                options.add = c + column;
                options.add_stride = c_stride;
            }
            if (width == CK_PANEL) {
                ck_gemm_panel(numbers, rows, end - first, left, (ptrdiff_t)left_stride, 1, panel, c + column, c_stride, &options);
                continue;
            }
            // The last columns of a width that 32 does not divide go through a tile of their own.
            for (size_t row = 0; row < rows; row += 14) {
                float tile[14 * CK_PANEL];
                size_t some = rows - row < 14 ? rows - row : 14;
                struct ck_gemm none = {.columns = width};
                ck_gemm_panel(numbers, some, end - first, left + row * left_stride, (ptrdiff_t)left_stride, 1, panel, tile, CK_PANEL,
                              &none);
                for (size_t r = 0; r < some; r++) {
                    for (size_t i = 0; i < width; i++) {
                        float value = tile[r * CK_PANEL + i] + (options.bias ? options.bias[i] : 0);
                        if (options.add) value += options.add[(row + r) * options.add_stride + i];
                        c[(row + r) * c_stride + column + i] = value;
                    }
                }
            }
        }
    }
    free(copy);
}

void ck_gemm_accumulate(size_t rows, size_t columns, size_t inner, const float *a, ptrdiff_t row_stride,
                        ptrdiff_t inner_stride, const float *b, float *c) {
    struct ck_gemm options = {.add = c, .add_stride = CK_PANEL, .columns = columns};
    ck_gemm_panel(CK_FLOAT32, rows, inner, a, row_stride, inner_stride, b, c, CK_PANEL, &options);
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/// Few floats, for which memcpy would be a call too many.
CK_INLINE void copy_few(const float *from, float *to, size_t count) {
    for (; count >= 4; count -= 4, from += 4, to += 4) *(four *)to = *(const four *)from;
    for (; count > 0; count--) *to++ = *from++;
}

void ck_patch(const float *volume, const ptrdiff_t *extent, size_t channels, ptrdiff_t z, ptrdiff_t y, ptrdiff_t x,
              const ptrdiff_t *kernel, float *to) {
    size_t line = (size_t)kernel[2] * channels;
    int is_whole = x >= 0 && x + kernel[2] <= extent[2];
    for (ptrdiff_t kz = z; kz < z + kernel[0]; kz++) {
        for (ptrdiff_t ky = y; ky < y + kernel[1]; ky++, to += line) {
            int is_inside = kz >= 0 && kz < extent[0] && ky >= 0 && ky < extent[1];
            const float *from = volume + (kz * extent[1] + ky) * extent[2] * (ptrdiff_t)channels;
            if (is_inside && is_whole) {
                copy_few(from + x * (ptrdiff_t)channels, to, line);
                continue;
            }
            for (ptrdiff_t kx = 0; kx < kernel[2]; kx++) {
                float *pixel = to + (size_t)kx * channels;
                if (is_inside && x + kx >= 0 && x + kx < extent[2])
                    copy_few(from + (x + kx) * (ptrdiff_t)channels, pixel, channels);
                else
                    for (size_t c = 0; c < channels; c++) pixel[c] = 0;
            }
        }
    }
}
