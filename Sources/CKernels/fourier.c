#include "dispatch.h"

// Products and sums are rounded one by one: so all instruction sets give the same bits.
#pragma STDC FP_CONTRACT OFF

/// One number of each of eight lines.
typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));

enum { CK_LINES = 8 };

/// Eight complex numbers.
typedef struct {
    lanes real, imaginary;
} complex_lanes;

CK_INLINE void load(complex_lanes *value, const float *real, const float *imaginary, size_t index) {
    value->real = *(const lanes *)(real + index * CK_LINES);
    value->imaginary = *(const lanes *)(imaginary + index * CK_LINES);
}

CK_INLINE void store(const complex_lanes *value, float *real, float *imaginary, size_t index) {
    *(lanes *)(real + index * CK_LINES) = value->real;
    *(lanes *)(imaginary + index * CK_LINES) = value->imaginary;
}

/// Stores the product with the complex number at w.
CK_INLINE void store_turned(const complex_lanes *value, const float *w, float *real, float *imaginary, size_t index) {
    complex_lanes product = {value->real * w[0] - value->imaginary * w[1], value->real * w[1] + value->imaginary * w[0]};
    store(&product, real, imaginary, index);
}

#define PLUS(to, a, b) (to).real = (a).real + (b).real, (to).imaginary = (a).imaginary + (b).imaginary
#define MINUS(to, a, b) (to).real = (a).real - (b).real, (to).imaginary = (a).imaginary - (b).imaginary
/// (a − b) · −i
#define MINUS_TURNED(to, a, b) (to).real = (a).imaginary - (b).imaginary, (to).imaginary = -((a).real - (b).real)

CK_INLINE void ck_fourier_stage_body(const struct ck_stage *it, const float *real, const float *imaginary, float *to_real,
                                     float *to_imaginary) {
    size_t step = it->interleave, span = it->remaining * step;
    for (size_t p = 0; p < it->remaining; p++) {
        const float *w = it->twiddles + 2 * (it->radix - 1) * p;
        for (size_t q = 0; q < step; q++) {
            size_t in = q + p * step, out = q + it->radix * p * step;
            complex_lanes a, b, c, d, e, first;
            load(&a, real, imaginary, in);
            load(&b, real, imaginary, in + span);
            if (it->radix == 2) {
                complex_lanes second;
                PLUS(first, a, b);
                MINUS(second, a, b);
                store(&first, to_real, to_imaginary, out);
                store_turned(&second, w, to_real, to_imaginary, out + step);
            } else if (it->radix == 3) {
                load(&c, real, imaginary, in + 2 * span);
                complex_lanes sum, difference, middle, turned, second, third;
                PLUS(sum, b, c);
                MINUS(difference, b, c);
                middle.real = a.real - 0.5f * sum.real, middle.imaginary = a.imaginary - 0.5f * sum.imaginary;
                turned.real = 0.8660254037844386f * difference.imaginary;
                turned.imaginary = -(0.8660254037844386f * difference.real);
                PLUS(first, a, sum);
                PLUS(second, middle, turned);
                MINUS(third, middle, turned);
                store(&first, to_real, to_imaginary, out);
                store_turned(&second, w, to_real, to_imaginary, out + step);
                store_turned(&third, w + 2, to_real, to_imaginary, out + 2 * step);
            } else if (it->radix == 4) {
                load(&c, real, imaginary, in + 2 * span);
                load(&d, real, imaginary, in + 3 * span);
                complex_lanes even_sum, even_difference, odd_sum, odd_difference, second, third, fourth;
                PLUS(even_sum, a, c);
                MINUS(even_difference, a, c);
                PLUS(odd_sum, b, d);
                MINUS_TURNED(odd_difference, b, d);
                PLUS(first, even_sum, odd_sum);
                PLUS(second, even_difference, odd_difference);
                MINUS(third, even_sum, odd_sum);
                MINUS(fourth, even_difference, odd_difference);
                store(&first, to_real, to_imaginary, out);
                store_turned(&second, w, to_real, to_imaginary, out + step);
                store_turned(&third, w + 2, to_real, to_imaginary, out + 2 * step);
                store_turned(&fourth, w + 4, to_real, to_imaginary, out + 3 * step);
            } else {
                load(&c, real, imaginary, in + 2 * span);
                load(&d, real, imaginary, in + 3 * span);
                load(&e, real, imaginary, in + 4 * span);
                // cos and sin of 72° and 144°.
                const float c1 = 0.30901699437494745f, c2 = -0.80901699437494745f;
                const float s1 = 0.9510565162951535f, s2 = 0.5877852522924731f;
                complex_lanes outer_sum, inner_sum, outer, inner, second, third, middle1, middle2, turned1, turned2;
                PLUS(outer_sum, b, e);
                PLUS(inner_sum, c, d);
                MINUS(outer, b, e);
                MINUS(inner, c, d);
                middle1.real = a.real + c1 * outer_sum.real + c2 * inner_sum.real;
                middle1.imaginary = a.imaginary + c1 * outer_sum.imaginary + c2 * inner_sum.imaginary;
                middle2.real = a.real + c2 * outer_sum.real + c1 * inner_sum.real;
                middle2.imaginary = a.imaginary + c2 * outer_sum.imaginary + c1 * inner_sum.imaginary;
                turned1.real = s1 * outer.imaginary + s2 * inner.imaginary;
                turned1.imaginary = -(s1 * outer.real + s2 * inner.real);
                turned2.real = s2 * outer.imaginary - s1 * inner.imaginary;
                turned2.imaginary = -(s2 * outer.real - s1 * inner.real);
                PLUS(first, a, outer_sum);
                PLUS(first, first, inner_sum);
                PLUS(second, middle1, turned1);
                PLUS(third, middle2, turned2);
                store(&first, to_real, to_imaginary, out);
                store_turned(&second, w, to_real, to_imaginary, out + step);
                store_turned(&third, w + 2, to_real, to_imaginary, out + 2 * step);
                MINUS(second, middle2, turned2);
                MINUS(third, middle1, turned1);
                store_turned(&second, w + 4, to_real, to_imaginary, out + 3 * step);
                store_turned(&third, w + 6, to_real, to_imaginary, out + 4 * step);
            }
        }
    }
}
CK_DISPATCH(ck_fourier_stage, (const struct ck_stage *it, const float *real, const float *imaginary, float *to_real,
                               float *to_imaginary), (it, real, imaginary, to_real, to_imaginary))

/// Turns eight rows of eight numbers into eight columns.
CK_INLINE void transpose(lanes *r) {
    lanes s[8], t[8];
    for (int i = 0; i < 8; i += 2) {
        s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            t[i + j] = __builtin_shufflevector(s[i + j], s[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            t[i + j + 2] = __builtin_shufflevector(s[i + j], s[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(t[i], t[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(t[i], t[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/// Loads eight numbers of every second row, from `first` on, and transposes them; rows from `rows` on are zeros.
CK_INLINE void load_columns(lanes *columns, const float *values, size_t stride, size_t rows, size_t row, size_t first) {
    for (size_t i = 0; i < CK_LINES; i++) {
        lanes zero = {0};
        columns[i] = row + 2 * i < rows ? *(const lanes *)(values + (row + 2 * i) * stride + first) : zero;
    }
    transpose(columns);
}

CK_INLINE void ck_fourier_gather_body(const float *values, size_t stride, size_t rows, size_t length, float *real,
                                      float *imaginary) {
    size_t half = stride / 2;
    for (size_t first = 0; first <= length / 2; first += CK_LINES) {
        lanes ar[8], ai[8], br[8], bi[8];
        load_columns(ar, values, stride, rows, 0, first);
        load_columns(ai, values, stride, rows, 0, half + first);
        load_columns(br, values, stride, rows, 1, first);
        load_columns(bi, values, stride, rows, 1, half + first);
        for (size_t i = 0; i < CK_LINES && first + i <= length / 2; i++) {
            size_t k = first + i, mirror = k == 0 ? 0 : length - k;
            *(lanes *)(real + mirror * CK_LINES) = ar[i] + bi[i];
            *(lanes *)(imaginary + mirror * CK_LINES) = br[i] - ai[i];
            *(lanes *)(real + k * CK_LINES) = ar[i] - bi[i];
            *(lanes *)(imaginary + k * CK_LINES) = ai[i] + br[i];
        }
    }
}
CK_DISPATCH(ck_fourier_gather, (const float *values, size_t stride, size_t rows, size_t length, float *real, float *imaginary),
            (values, stride, rows, length, real, imaginary))

CK_INLINE void ck_fourier_scatter_body(const float *real, const float *imaginary, float scale, float *values, size_t stride,
                                       size_t rows, size_t length) {
    for (size_t first = 0; first < length; first += CK_LINES) {
        size_t count = length - first < CK_LINES ? length - first : CK_LINES;
        for (size_t part = 0; part < 2; part++) {
            const float *source = part == 0 ? real : imaginary;
            lanes columns[8];
            for (size_t i = 0; i < CK_LINES; i++) {
                lanes zero = {0};
                columns[i] = i < count ? *(const lanes *)(source + (first + i) * CK_LINES) * scale : zero;
            }
            transpose(columns);
            for (size_t i = 0; i < CK_LINES && part + 2 * i < rows; i++) {
                float *target = values + (part + 2 * i) * stride + first;
                if (count == CK_LINES) {
                    *(lanes *)target = columns[i];
                } else {
                    for (size_t j = 0; j < count; j++) target[j] = columns[i][j];
                }
            }
        }
    }
}
CK_DISPATCH(ck_fourier_scatter, (const float *real, const float *imaginary, float scale, float *values, size_t stride,
                                 size_t rows, size_t length), (real, imaginary, scale, values, stride, rows, length))
