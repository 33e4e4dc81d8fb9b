// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, CVPR 2016, arXiv 1509.09308, section 4.3): a tile of 4 × 4
// results from 6 × 6 inputs by 36 products for each pair of channels instead of 144.
#include "gemm.h"
#include "vectors.h"

#define V ck_vector

// The polynomials are evaluated at 0, ±a, ±b and infinity with a = 3/4, b = 3/2, where the usual 1 and 2 have errors of
// rounding twice as large in the mean and four times at most: measured over 320 channels of normal noise, relative to
// the results, 1.6e-6 against 3.4e-6, and plain sums in single precision 0.9e-6.
#define POINT_A 0.75f
#define POINT_B 1.5f
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/// Bᵀ d, for six vectors that lie `from_stride` apart.
CK_INLINE void input_line(const V *d, int from_stride, V *to, int to_stride) {
    V d0 = d[0], d1 = d[from_stride], d2 = d[2 * from_stride], d3 = d[3 * from_stride], d4 = d[4 * from_stride],
      d5 = d[5 * from_stride];
    V even_a = d4 - SQUARE_B * d2, odd_a = POINT_A * (d3 - SQUARE_B * d1);
    V even_b = d4 - SQUARE_A * d2, odd_b = POINT_B * (d3 - SQUARE_A * d1);
    to[0] = (SQUARE_A * SQUARE_B) * d0 - (SQUARE_A + SQUARE_B) * d2 + d4;
    to[to_stride] = even_a + odd_a;
    to[2 * to_stride] = even_a - odd_a;
    to[3 * to_stride] = even_b + odd_b;
    to[4 * to_stride] = even_b - odd_b;
    to[5 * to_stride] = (SQUARE_A * SQUARE_B) * d1 - (SQUARE_A + SQUARE_B) * d3 + d5;
}

/// G g
CK_INLINE void weight_line(const V *g, int from_stride, V *to, int to_stride) {
    const float scale_a = 0.5f / (SQUARE_A * (SQUARE_A - SQUARE_B)), scale_b = 0.5f / (SQUARE_B * (SQUARE_B - SQUARE_A));
    V g0 = g[0], g1 = g[from_stride], g2 = g[2 * from_stride];
    V even_a = scale_a * (g0 + SQUARE_A * g2), odd_a = (scale_a * POINT_A) * g1;
    V even_b = scale_b * (g0 + SQUARE_B * g2), odd_b = (scale_b * POINT_B) * g1;
    to[0] = (1 / (SQUARE_A * SQUARE_B)) * g0;
    to[to_stride] = even_a + odd_a;
    to[2 * to_stride] = even_a - odd_a;
    to[3 * to_stride] = even_b + odd_b;
    to[4 * to_stride] = even_b - odd_b;
    to[5 * to_stride] = g2;
}

/// Aᵀ m
CK_INLINE void output_line(const V *m, int from_stride, V *to, int to_stride) {
    V m0 = m[0], m5 = m[5 * from_stride];
    V sum_a = m[from_stride] + m[2 * from_stride], difference_a = m[from_stride] - m[2 * from_stride];
    V sum_b = m[3 * from_stride] + m[4 * from_stride], difference_b = m[3 * from_stride] - m[4 * from_stride];
    to[0] = m0 + sum_a + sum_b;
    to[to_stride] = POINT_A * difference_a + POINT_B * difference_b;
    to[2 * to_stride] = SQUARE_A * sum_a + SQUARE_B * sum_b;
    to[3 * to_stride] = (SQUARE_A * POINT_A) * difference_a + (SQUARE_B * POINT_B) * difference_b + m5;
}

CK_INLINE void input_pixel(const float *at, int is_scaled, const V *factor, const V *offset, V *to) {
    V value = *(const V *)at;
    if (is_scaled) {
        value = value * *factor + *offset;
        // No NaN is less than 0: it stays.
        value = (V)((ck_integers)value & ~(value < (V){0}));
    }
    *to = value;
}

/// A tile's inputs, `count` of the image's channels. `block` of them lie together for each of the 36 positions.
CK_INLINE void input_tile(const int is_scaled, const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels,
                          size_t count, ptrdiff_t top, ptrdiff_t left, const float *scale, const float *shift, float *to,
                          size_t plane, size_t block) {
    // Where outside the image, the offset of a pixel is negative.
    ptrdiff_t offsets[36];
    int is_inside = 1;
    for (int y = 0; y < 6; y++) {
        for (int x = 0; x < 6; x++) {
            ptrdiff_t row = top + y, column = left + x;
            int inside = row >= 0 && row < height && column >= 0 && column < width;
            offsets[6 * y + x] = inside ? (row * width + column) * (ptrdiff_t)channels : -1;
            is_inside &= inside;
        }
    }
    for (size_t c = 0; c < count; c += CK_LANES) {
        V factor = is_scaled ? *(const V *)(scale + c) : (V){0}, offset = is_scaled ? *(const V *)(shift + c) : (V){0};
        V lines[36];
        for (int x = 0; x < 6; x++) {
            V d[6];
            if (is_inside) {
                const float *from = image + offsets[x] + c;
                for (int y = 0; y < 6; y++) input_pixel(from + y * width * (ptrdiff_t)channels, is_scaled, &factor, &offset, d + y);
            } else {
                for (int y = 0; y < 6; y++) {
                    ptrdiff_t at = offsets[6 * y + x];
                    if (at >= 0) input_pixel(image + at + c, is_scaled, &factor, &offset, d + y);
                    else d[y] = (V){0};
                }
            }
            input_line(d, 1, lines + x, 6);
        }
        float *at = to + c / block * 36 * plane + c % block;
        for (int y = 0; y < 6; y++) {
            V t[6];
            input_line(lines + 6 * y, 1, t, 1);
            for (int x = 0; x < 6; x++) *(V *)(at + (size_t)(6 * y + x) * plane) = t[x];
        }
    }
}
CK_INLINE void ck_winograd_input_body(const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels,
                                      size_t count, ptrdiff_t top, ptrdiff_t left, const float *scale,
                                      const float *shift, float *to, size_t plane, size_t block) {
    if (scale) input_tile(1, image, height, width, channels, count, top, left, scale, shift, to, plane, block);
    else input_tile(0, image, height, width, channels, count, top, left, scale, shift, to, plane, block);
}
CK_DISPATCH(ck_winograd_input,
            (const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels, size_t count, ptrdiff_t top,
             ptrdiff_t left, const float *scale, const float *shift, float *to, size_t plane, size_t block),
            (image, height, width, channels, count, top, left, scale, shift, to, plane, block))

/// A packed panel of weights, [9][inputs][32], some of its inputs, as 36 panels that lie `plane` apart.
CK_INLINE void ck_winograd_weights_body(const float *panel, size_t inputs, size_t first, size_t end, float *to, size_t plane) {
    for (size_t i = first; i < end; i++) {
        for (int half = 0; half < CK_PANEL; half += CK_LANES) {
            V g[9], lines[18];
            for (int tap = 0; tap < 9; tap++) g[tap] = *(const V *)(panel + (tap * inputs + i) * CK_PANEL + half);
            for (int x = 0; x < 3; x++) weight_line(g + x, 3, lines + x, 3);
            for (int y = 0; y < 6; y++) {
                V t[6];
                weight_line(lines + 3 * y, 1, t, 1);
                for (int x = 0; x < 6; x++)
                    *(V *)(to + (size_t)(6 * y + x) * plane + (i - first) * CK_PANEL + half) = t[x];
            }
        }
    }
}
static void ck_winograd_weights(const float *panel, size_t inputs, size_t first, size_t end, float *to, size_t plane);
CK_DISPATCH(ck_winograd_weights,
            (const float *panel, size_t inputs, size_t first, size_t end, float *to, size_t plane),
            (panel, inputs, first, end, to, plane))

/// The 4 × 4 results of a tile and one panel; `rows` and `columns` of them lie inside the image.
CK_INLINE void ck_winograd_output_body(const float *products, size_t plane, const float *bias, const float *add,
                                       float *to, size_t row_stride, size_t column_stride, int rows, int columns) {
    for (int half = 0; half < CK_PANEL; half += CK_LANES) {
        V lines[24], m[36];
        for (int p = 0; p < 36; p++) m[p] = *(const V *)(products + p * plane + half);
        for (int x = 0; x < 6; x++) output_line(m + x, 6, lines + x, 6);
        V offset = bias ? *(const V *)(bias + half) : (V){0};
        for (int y = 0; y < rows; y++) {
            V t[4];
            output_line(lines + 6 * y, 1, t, 1);
            for (int x = 0; x < columns; x++) {
                size_t at = y * row_stride + x * column_stride + half;
                V value = t[x] + offset;
                if (add) value += *(const V *)(add + at);
                *(V *)(to + at) = value;
            }
        }
    }
}
static void ck_winograd_output(const float *products, size_t plane, const float *bias, const float *add, float *to,
                               size_t row_stride, size_t column_stride, int rows, int columns);
CK_DISPATCH(ck_winograd_output,
            (const float *products, size_t plane, const float *bias, const float *add, float *to, size_t row_stride,
             size_t column_stride, int rows, int columns),
            (products, plane, bias, add, to, row_stride, column_stride, rows, columns))

void ck_winograd_products(const struct ck_winograd *it) {
    // A line more than the panel holds, so that the 36 panels do not share the same lines of the cache.
    size_t weight_plane = (it->block + 1) * CK_PANEL, product_plane = it->tiles * CK_PANEL + CK_LANES;
    float *weights = it->scratch, *products = weights + 36 * weight_plane;
    for (size_t first = 0; first < it->count; first += it->block) {
        size_t some = it->count - first < it->block ? it->count - first : it->block;
        ck_winograd_weights(it->panel, it->inputs, it->first_input + first, it->first_input + first + some, weights,
                            weight_plane);
        const float *transformed = it->transformed + first / it->block * 36 * it->plane;
        for (size_t p = 0; p < 36; p++) {
            struct ck_gemm options = {0};
            if (first > 0) {
                options.add = products + p * product_plane;
                options.add_stride = CK_PANEL;
            }
            ck_gemm_panel(it->tiles, some, transformed + p * it->plane, (ptrdiff_t)it->block, 1, weights + p * weight_plane,
                          products + p * product_plane, CK_PANEL, &options);
        }
    }
    for (size_t tile = 0; tile < it->tiles; tile++) {
        size_t number = it->first_tile + tile;
        size_t across = (it->width + 3) / 4, down = (it->height + 3) / 4;
        size_t image = number / (across * down), y = number / across % down * 4, x = number % across * 4;
        size_t at = ((image * it->height + y) * it->width + x) * it->outputs;
        ck_winograd_output(products + tile * CK_PANEL, product_plane, it->bias, it->add ? it->add + at : 0, it->result + at,
                           it->width * it->outputs, it->outputs, (int)(it->height - y < 4 ? it->height - y : 4),
                           (int)(it->width - x < 4 ? it->width - x : 4));
    }
}

size_t ck_winograd_scratch(size_t tiles, size_t block) {
    return 36 * ((block + 1) * CK_PANEL + tiles * CK_PANEL + CK_LANES);
}
