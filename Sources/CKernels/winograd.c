// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, CVPR 2016, arXiv 1509.09308, section 4.3): a tile of 4 × 4
// results from 6 × 6 inputs by 36 products for each pair of channels instead of 144.
#include "gemm.h"
#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/// Some of sixteen values, and zeros.
CK_INLINE void load(const float *at, size_t lanes, V *to) {
    if (lanes >= CK_LANES) {
        *to = *(const V *)at;
        return;
    }
    float values[CK_LANES] = {0};
    for (size_t l = 0; l < lanes; l++) values[l] = at[l];
    *to = *(const V *)values;
}

/// The first of sixteen values.
CK_INLINE void store(const V *value, float *at, size_t lanes) {
    if (lanes >= CK_LANES) *(V *)at = *value;
    else for (size_t l = 0; l < lanes; l++) at[l] = ((const float *)value)[l];
}

CK_INLINE void input_pixel(const float *at, size_t lanes, int is_scaled, const V *factor, const V *offset, V *to) {
    V value;
    load(at, lanes, &value);
    if (is_scaled) {
        value = value * *factor + *offset;
        // No NaN is less than 0: it stays.
        value = (V)((ck_integers)value & ~(value < (V){0}));
    }
    *to = value;
}

/// Sixteen channels, or fewer, of a tile's inputs, as 36 vectors that lie `plane` apart.
CK_INLINE void input_channels(const int is_scaled, const float *image, ptrdiff_t row_stride, const ptrdiff_t *offsets,
                              int is_inside, size_t lanes, const float *scale, const float *shift, float *to, size_t plane) {
    V factor = {0}, offset = {0};
    if (is_scaled) {
        load(scale, lanes, &factor);
        load(shift, lanes, &offset);
    }
    V lines[36];
    for (int x = 0; x < 6; x++) {
        V d[6];
        if (is_inside) {
            const float *from = image + offsets[x];
            for (int y = 0; y < 6; y++) input_pixel(from + y * row_stride, lanes, is_scaled, &factor, &offset, d + y);
        } else {
            for (int y = 0; y < 6; y++) {
                ptrdiff_t at = offsets[6 * y + x];
                if (at >= 0) input_pixel(image + at, lanes, is_scaled, &factor, &offset, d + y);
                else d[y] = (V){0};
            }
        }
        input_line(d, 1, lines + x, 6);
    }
    for (int y = 0; y < 6; y++) {
        V t[6];
        input_line(lines + 6 * y, 1, t, 1);
        for (int x = 0; x < 6; x++) *(V *)(to + (size_t)(6 * y + x) * plane) = t[x];
    }
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
    ptrdiff_t row_stride = width * (ptrdiff_t)channels;
    size_t c = 0;
    for (; c + CK_LANES <= count; c += CK_LANES)
        input_channels(is_scaled, image + c, row_stride, offsets, is_inside, CK_LANES,
                       is_scaled ? scale + c : 0, is_scaled ? shift + c : 0,
                       to + c / block * 36 * plane + c % block, plane);
    if (c < count)
        input_channels(is_scaled, image + c, row_stride, offsets, is_inside, count - c,
                       is_scaled ? scale + c : 0, is_scaled ? shift + c : 0,
                       to + c / block * 36 * plane + c % block, plane);
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

#if defined(__x86_64__)
/// The scale of integers of at most CK_LARGEST: a value is its integer times the scale. 0 where all values are 0, or too small to divide by; NaN where
/// `nan_or_zero`, the sum of all values times 0, is NaN, so that what is not finite spreads as in floats.
CK_INLINE float scale_of(float largest, float nan_or_zero) { return (largest > 1e-30f ? largest / CK_LARGEST : 0) + nan_or_zero; }

CK_PAIRS static void winograd_input_pairs(const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels, size_t count, ptrdiff_t top,
                                          ptrdiff_t left, const float *scale, const float *shift, const float *factors, float *to,
                                          size_t plane, size_t block, float *scales, size_t scale_plane) {
    enum { most = 2 * CK_MOST_PAIRS };
    float values[36 * most];
    for (size_t first = 0; first < count; first += 2 * block, to += 36 * plane, scales += 36 * scale_plane) {
        size_t some = count - first < 2 * block ? count - first : 2 * block;
        if (scale) input_tile(1, image + first, height, width, channels, some, top, left, scale + first, shift + first, values, most, most);
        else input_tile(0, image + first, height, width, channels, some, top, left, 0, 0, values, most, most);
        size_t vectors = (some + CK_LANES - 1) / CK_LANES;
        for (size_t p = 0; p < 36; p++) {
            const float *from = values + p * most;
            __m512 largest = _mm512_setzero_ps(), nan_or_zero = _mm512_setzero_ps();
            for (size_t v = 0; v < vectors; v++) {
                __m512 value = _mm512_mul_ps(_mm512_loadu_ps(from + v * CK_LANES), _mm512_loadu_ps(factors + first + v * CK_LANES));
                largest = _mm512_max_ps(largest, _mm512_abs_ps(value));
                nan_or_zero = _mm512_fmadd_ps(value, _mm512_setzero_ps(), nan_or_zero);
            }
            float found = scale_of(_mm512_reduce_max_ps(largest), _mm512_reduce_add_ps(nan_or_zero));
            scales[p * scale_plane] = found;
            __m512 inverse = _mm512_set1_ps(found > 0 ? 1 / found : 0);
            for (size_t v = 0; v < vectors; v++) {
                __m512 value = _mm512_mul_ps(_mm512_loadu_ps(from + v * CK_LANES), _mm512_loadu_ps(factors + first + v * CK_LANES));
                __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse));
                _mm256_storeu_si256((__m256i *)(to + p * plane + v * CK_LANES / 2), _mm512_cvtsepi32_epi16(whole));
            }
        }
    }
}
#endif

void ck_winograd_input_pairs(const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels, size_t count, ptrdiff_t top, ptrdiff_t left,
                             const float *scale, const float *shift, const float *factors, float *to, size_t plane, size_t block, float *scales,
                             size_t scale_plane) {
#if defined(__x86_64__)
    winograd_input_pairs(image, height, width, channels, count, top, left, scale, shift, factors, to, plane, block, scales, scale_plane);
#endif
}

/// A packed panel of weights, [9][inputs][32], some of its inputs, as 36 panels that lie `plane` apart.
CK_INLINE void ck_winograd_weights_body(const float *panel, size_t inputs, size_t columns, size_t first, size_t end, float *to,
                                        size_t plane) {
    for (size_t i = first; i < end; i++) {
        for (size_t half = 0; half < columns; half += CK_LANES) {
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
static void ck_winograd_weights(const float *panel, size_t inputs, size_t columns, size_t first, size_t end, float *to,
                                size_t plane);
CK_DISPATCH(ck_winograd_weights,
            (const float *panel, size_t inputs, size_t columns, size_t first, size_t end, float *to, size_t plane),
            (panel, inputs, columns, first, end, to, plane))

#if defined(__x86_64__)
/// Sixteen outputs of one input of a panel of pairs of bfloat16, transformed: 36 vectors.
CK_PAIRS CK_INLINE void weights_of_pair(const float *at, size_t tap_stride, int is_odd, V *to) {
    V g[9], lines[18];
    for (int tap = 0; tap < 9; tap++) {
        ck_integers pair = *(const ck_integers *)(at + tap * tap_stride);
        g[tap] = (V)(is_odd ? pair & (int32_t)0xFFFF0000 : pair << 16);
    }
    for (int x = 0; x < 3; x++) weight_line(g + x, 3, lines + x, 3);
    for (int y = 0; y < 6; y++) weight_line(lines + 3 * y, 1, to + 6 * y, 1);
}

CK_PAIRS static void winograd_weight_scales(const float *panel, size_t pairs, size_t columns, size_t first, size_t end, float *scales) {
    for (size_t half = 0; half < columns; half += CK_LANES) {
        __m512 largest[36], nan_or_zero[36];
        for (int p = 0; p < 36; p++) largest[p] = nan_or_zero[p] = _mm512_setzero_ps();
        for (size_t i = first; i < end; i++) {
            for (int is_odd = 0; is_odd < 2; is_odd++) {
                V t[36];
                weights_of_pair(panel + i * CK_PANEL + half, pairs * CK_PANEL, is_odd, t);
                for (int p = 0; p < 36; p++) {
                    largest[p] = _mm512_max_ps(largest[p], _mm512_abs_ps((__m512)t[p]));
                    nan_or_zero[p] = _mm512_fmadd_ps((__m512)t[p], _mm512_setzero_ps(), nan_or_zero[p]);
                }
            }
        }
        for (int p = 0; p < 36; p++)
            for (int l = 0; l < CK_LANES; l++) scales[p * CK_PANEL + half + l] = scale_of(largest[p][l], nan_or_zero[p][l]);
    }
}

/// Some pairs of a panel of weights as 36 panels of pairs of integers, which lie `plane` apart; times the scales, [36][32], they are the weights.
CK_PAIRS static void winograd_weight_pairs(const float *panel, size_t pairs, size_t columns, size_t first, size_t end, const float *scales,
                                           float *to, size_t plane) {
    for (size_t half = 0; half < columns; half += CK_LANES) {
        __m512 inverse[36];
        for (int p = 0; p < 36; p++) {
            __m512 scale = _mm512_loadu_ps(scales + p * CK_PANEL + half);
            __mmask16 is_used = _mm512_cmp_ps_mask(scale, _mm512_setzero_ps(), _CMP_GT_OQ);
            inverse[p] = _mm512_maskz_div_ps(is_used, _mm512_set1_ps(1), scale);
        }
        for (size_t i = first; i < end; i++) {
            V even[36], odd[36];
            weights_of_pair(panel + i * CK_PANEL + half, pairs * CK_PANEL, 0, even);
            weights_of_pair(panel + i * CK_PANEL + half, pairs * CK_PANEL, 1, odd);
            for (int p = 0; p < 36; p++) {
                __m512i low = _mm512_cvtps_epi32(_mm512_mul_ps((__m512)even[p], inverse[p]));
                __m512i high = _mm512_cvtps_epi32(_mm512_mul_ps((__m512)odd[p], inverse[p]));
                // The lower half of the one, and the other in the upper half.
                __m512i both = _mm512_mask_blend_epi16(0xAAAAAAAA, low, _mm512_slli_epi32(high, 16));
                _mm512_storeu_si512(to + p * plane + (i - first) * CK_PANEL + half, both);
            }
        }
    }
}
#endif

void ck_winograd_weight_scales(const float *panel, size_t pairs, size_t columns, size_t first, size_t end, float *scales) {
#if defined(__x86_64__)
    winograd_weight_scales(panel, pairs, columns, first, end, scales);
#endif
}

/// The 4 × 4 results of a tile and up to 32 outputs of a panel; `rows` and `columns` of them lie inside the image.
CK_INLINE void ck_winograd_output_body(const float *products, size_t plane, size_t outputs, const float *bias, const float *add,
                                       int is_rectified, float *to, size_t row_stride, size_t column_stride, int rows,
                                       int columns) {
    for (size_t half = 0; half < outputs; half += CK_LANES) {
        size_t lanes = outputs - half < CK_LANES ? outputs - half : CK_LANES;
        V lines[24], m[36];
        for (int p = 0; p < 36; p++) m[p] = *(const V *)(products + p * plane + half);
        for (int x = 0; x < 6; x++) output_line(m + x, 6, lines + x, 6);
        V offset = {0};
        if (bias) load(bias + half, lanes, &offset);
        for (int y = 0; y < rows; y++) {
            V t[4];
            output_line(lines + 6 * y, 1, t, 1);
            for (int x = 0; x < columns; x++) {
                size_t at = y * row_stride + x * column_stride + half;
                V value = t[x] + offset;
                if (add) {
                    V before;
                    load(add + at, lanes, &before);
                    value += before;
                }
                // No NaN is less than 0: it stays.
                if (is_rectified) value = (V)((ck_integers)value & ~(value < (V){0}));
                store(&value, to + at, lanes);
            }
        }
    }
}
static void ck_winograd_output(const float *products, size_t plane, size_t outputs, const float *bias, const float *add,
                               int is_rectified, float *to, size_t row_stride, size_t column_stride, int rows, int columns);
CK_DISPATCH(ck_winograd_output,
            (const float *products, size_t plane, size_t outputs, const float *bias, const float *add, int is_rectified, float *to,
             size_t row_stride, size_t column_stride, int rows, int columns),
            (products, plane, outputs, bias, add, is_rectified, to, row_stride, column_stride, rows, columns))

/// Where a tile of a group lies: its first pixel, from the first slice's, and how much of it lies inside the image.
struct place {
    size_t pixel;
    int rows, columns;
};
static struct place place_of(const struct ck_tiles *tiles, size_t number) {
    size_t strip = tiles->down * tiles->across, rest = number % strip;
    size_t y = (tiles->top + rest / tiles->across) * 4, x = (tiles->left + rest % tiles->across) * 4;
    return (struct place){(number / strip * tiles->height + y) * tiles->width + x,
                          (int)(tiles->height - y < 4 ? tiles->height - y : 4),
                          (int)(tiles->width - x < 4 ? tiles->width - x : 4)};
}

/// Transforms the weights of some inputs, from `first` of those that are given.
static void transform_weights(const struct ck_winograd *it, size_t first, size_t some, size_t depth, const float *scales, float *to, size_t plane) {
    const float *panel = it->panel + depth * 9 * it->inputs * CK_PANEL;
    size_t from = it->first_input + first;
#if defined(__x86_64__)
    if (it->numbers == CK_INT16) {
        winograd_weight_pairs(panel, it->inputs, it->columns, from, from + some, scales, to, plane);
        return;
    }
#endif
    ck_winograd_weights(panel, it->inputs, it->columns, from, from + some, to, plane);
}

void ck_winograd_products(const struct ck_winograd *it) {
    // A line more than the panel holds, so that the 36 panels do not share the same lines of the cache.
    size_t weight_plane = (it->block + 1) * CK_PANEL, product_plane = it->count * CK_PANEL + CK_LANES;
    size_t blocks = (it->inputs + it->block - 1) / it->block;
    float *weights = it->scratch, *products = weights + 36 * weight_plane;
    for (size_t first = 0; first < it->some; first += it->block) {
        size_t some = it->some - first < it->block ? it->some - first : it->block;
        for (size_t depth = 0; depth < it->depth; depth++) {
            size_t block = first / it->block, step = depth * it->depth_step;
            const float *transformed = it->transformed + block * 36 * it->plane + step;
            const float *row_scales = 0, *column_scales = 0;
            if (it->numbers == CK_INT16) {
                row_scales = it->input_scales + block * 36 * it->scale_plane + step / it->block;
                column_scales = it->weight_scales + (depth * blocks + it->first_input / it->block + block) * 36 * CK_PANEL;
            }
            transform_weights(it, first, some, depth, column_scales, weights, weight_plane);
            for (size_t p = 0; p < 36; p++) {
                struct ck_gemm options = {.columns = it->columns};
                if (row_scales) {
                    options.row_scales = row_scales + p * it->scale_plane;
                    options.column_scales = column_scales + p * CK_PANEL;
                }
                if (first > 0 || depth > 0) {
                    options.add = products + p * product_plane;
                    options.add_stride = CK_PANEL;
                }
                ck_gemm_panel(it->numbers, it->count, some, transformed + p * it->plane, (ptrdiff_t)it->block, 1,
                              weights + p * weight_plane, products + p * product_plane, CK_PANEL, &options);
            }
        }
    }
    for (size_t tile = 0; tile < it->count; tile++) {
        struct place place = place_of(&it->tiles, it->first_tile + tile);
        size_t at = place.pixel * it->outputs;
        ck_winograd_output(products + tile * CK_PANEL, product_plane, it->columns, it->bias, it->add ? it->add + at : 0,
                           it->is_rectified, it->result + at, it->tiles.width * it->outputs, it->outputs, place.rows, place.columns);
    }
}

size_t ck_winograd_scratch(size_t tiles, size_t block) {
    return 36 * ((block + 1) * CK_PANEL + tiles * CK_PANEL + CK_LANES);
}

// ---- The way back to the weights: the same algorithm, transposed. What came of a tile is moved to the 36 positions by A where
// results were moved from them by Aᵀ; there it meets the transformed inputs, and their sums over all tiles go back through Gᵀ.

/// A y
CK_INLINE void gradient_line(const V *y, int from_stride, V *to, int to_stride) {
    V y0 = y[0], y1 = y[from_stride], y2 = y[2 * from_stride], y3 = y[3 * from_stride];
    V even_a = y0 + SQUARE_A * y2, odd_a = POINT_A * y1 + (SQUARE_A * POINT_A) * y3;
    V even_b = y0 + SQUARE_B * y2, odd_b = POINT_B * y1 + (SQUARE_B * POINT_B) * y3;
    to[0] = y0;
    to[to_stride] = even_a + odd_a;
    to[2 * to_stride] = even_a - odd_a;
    to[3 * to_stride] = even_b + odd_b;
    to[4 * to_stride] = even_b - odd_b;
    to[5 * to_stride] = y3;
}

/// Gᵀ m
CK_INLINE void weight_gradient_line(const V *m, int from_stride, V *to, int to_stride) {
    const float scale_a = 0.5f / (SQUARE_A * (SQUARE_A - SQUARE_B)), scale_b = 0.5f / (SQUARE_B * (SQUARE_B - SQUARE_A));
    V m0 = m[0], m5 = m[5 * from_stride];
    V sum_a = m[from_stride] + m[2 * from_stride], difference_a = m[from_stride] - m[2 * from_stride];
    V sum_b = m[3 * from_stride] + m[4 * from_stride], difference_b = m[3 * from_stride] - m[4 * from_stride];
    to[0] = (1 / (SQUARE_A * SQUARE_B)) * m0 + scale_a * sum_a + scale_b * sum_b;
    to[to_stride] = (scale_a * POINT_A) * difference_a + (scale_b * POINT_B) * difference_b;
    to[2 * to_stride] = (scale_a * SQUARE_A) * sum_a + (scale_b * SQUARE_B) * sum_b + m5;
}

CK_INLINE void ck_winograd_gradient_tile_body(const float *gradient, size_t row_stride, size_t column_stride, int rows,
                                              int columns, size_t outputs, float *to, size_t plane) {
    for (size_t half = 0; half < outputs; half += CK_LANES) {
        size_t lanes = outputs - half < CK_LANES ? outputs - half : CK_LANES;
        V lines[24];
        for (int x = 0; x < 4; x++) {
            V y[4];
            for (int r = 0; r < 4; r++) {
                if (r < rows && x < columns) load(gradient + r * row_stride + x * column_stride + half, lanes, y + r);
                else y[r] = (V){0};
            }
            gradient_line(y, 1, lines + x, 4);
        }
        for (int r = 0; r < 6; r++) {
            V t[6];
            gradient_line(lines + 4 * r, 1, t, 1);
            for (int x = 0; x < 6; x++) *(V *)(to + (size_t)(6 * r + x) * plane + half) = t[x];
        }
    }
}
static void ck_winograd_gradient_tile(const float *gradient, size_t row_stride, size_t column_stride, int rows, int columns,
                                      size_t outputs, float *to, size_t plane);
CK_DISPATCH(ck_winograd_gradient_tile,
            (const float *gradient, size_t row_stride, size_t column_stride, int rows, int columns, size_t outputs, float *to,
             size_t plane),
            (gradient, row_stride, column_stride, rows, columns, outputs, to, plane))

void ck_winograd_gradient(const struct ck_tiles *tiles, size_t number, const float *gradient, size_t outputs, size_t columns,
                          float *to, size_t plane) {
    struct place place = place_of(tiles, number);
    ck_winograd_gradient_tile(gradient + place.pixel * outputs, tiles->width * outputs, outputs, place.rows, place.columns,
                              columns, to, plane);
}

CK_INLINE void ck_winograd_weight_gradient_body(const float *sums, size_t plane, size_t inputs, size_t outputs, float *to) {
    for (size_t i = 0; i < inputs; i++) {
        for (size_t half = 0; half < outputs; half += CK_LANES) {
            V m[36], lines[18];
            for (int p = 0; p < 36; p++) m[p] = *(const V *)(sums + (size_t)p * plane + i * CK_PANEL + half);
            for (int x = 0; x < 6; x++) weight_gradient_line(m + x, 6, lines + x, 6);
            for (int y = 0; y < 3; y++) {
                V t[3];
                weight_gradient_line(lines + 6 * y, 1, t, 1);
                for (int x = 0; x < 3; x++) *(V *)(to + ((size_t)(3 * y + x) * inputs + i) * CK_PANEL + half) = t[x];
            }
        }
    }
}
CK_DISPATCH(ck_winograd_weight_gradient, (const float *sums, size_t plane, size_t inputs, size_t outputs, float *to),
            (sums, plane, inputs, outputs, to))
