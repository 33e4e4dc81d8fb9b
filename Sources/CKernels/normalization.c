#include "elementary.h"

// Sums of up to 16 rows in single precision, then in double: exact enough for any number of rows.
CK_INLINE void ck_channel_moments_body(const float *x, size_t rows, size_t channels, const float *pivot, double *sums,
                                       double *squares) {
    for (size_t first = 0; first < rows; first += 16) {
        size_t end = first + 16 < rows ? first + 16 : rows;
        for (size_t block = 0; block < channels; block += 64) {
            size_t width = channels - block < 64 ? channels - block : 64;
            float sum[64] = {0}, square[64] = {0};
            for (size_t r = first; r < end; r++) {
                const float *row = x + r * channels + block;
                for (size_t c = 0; c < width; c++) {
                    float d = row[c] - pivot[block + c];
                    sum[c] += d;
                    square[c] += d * d;
                }
            }
            for (size_t c = 0; c < width; c++) {
                sums[block + c] += sum[c];
                squares[block + c] += square[c];
            }
        }
    }
}
CK_DISPATCH(ck_channel_moments,
            (const float *x, size_t rows, size_t channels, const float *pivot, double *sums, double *squares),
            (x, rows, channels, pivot, sums, squares))

CK_INLINE void ck_scale_shift_body(const float *x, float *y, size_t rows, size_t channels, const float *scale,
                                   const float *shift, int activation) {
    if (activation == CK_SILU) {
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < channels; c++)
                y[r * channels + c] = ck_silu(x[r * channels + c] * scale[c] + shift[c]);
        return;
    }
    if (activation == CK_RELU) {
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < channels; c++)
                y[r * channels + c] = ck_relu(x[r * channels + c] * scale[c] + shift[c]);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < channels; c++) y[r * channels + c] = x[r * channels + c] * scale[c] + shift[c];
    }
}
CK_DISPATCH(ck_scale_shift,
            (const float *x, float *y, size_t rows, size_t channels, const float *scale, const float *shift,
             int activation),
            (x, y, rows, channels, scale, shift, activation))

CK_INLINE void ck_layer_norm_body(const float *x, float *y, size_t rows, size_t channels, float epsilon,
                                  const float *weight, const float *bias) {
    // Sums in 32 lanes, which a compiler may keep in vectors.
    enum { lanes = 32 };
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * channels;
        float *result = y + r * channels;
        float mean = 0, variance = 0;
        for (int pass = 0; pass < 2; pass++) {
            float partial[lanes] = {0};
            size_t c = 0;
            for (; c + lanes <= channels; c += lanes)
                for (int l = 0; l < lanes; l++) {
                    float d = row[c + l] - mean;
                    partial[l] += pass ? d * d : d;
                }
            double total = 0;
            for (; c < channels; c++) {
                float d = row[c] - mean;
                total += pass ? d * d : d;
            }
            for (int l = 0; l < lanes; l++) total += partial[l];
            if (pass) variance = (float)(total / (double)channels);
            else mean = (float)(total / (double)channels);
        }
        float scale = 1.0f / sqrtf(variance + epsilon);
        for (size_t c = 0; c < channels; c++) {
            float value = (row[c] - mean) * scale;
            result[c] = value * (weight ? weight[c] : 1.0f) + (bias ? bias[c] : 0.0f);
        }
    }
}
CK_DISPATCH(ck_layer_norm,
            (const float *x, float *y, size_t rows, size_t channels, float epsilon, const float *weight,
             const float *bias),
            (x, y, rows, channels, epsilon, weight, bias))

/// A gradient where relu(x · scale + shift) lets it pass, or all of it.
CK_INLINE float ck_passed(float gradient, float x, float scale, float shift, int is_relu) {
    return is_relu && x * scale + shift <= 0.0f ? 0.0f : gradient;
}

CK_INLINE void gradient_sums(const float *x, const float *gradient, size_t rows, size_t channels, const float *scale,
                             const float *shift, const float *pivot, const int is_relu, double *sums, double *products) {
    for (size_t first = 0; first < rows; first += 16) {
        size_t end = first + 16 < rows ? first + 16 : rows;
        for (size_t block = 0; block < channels; block += 64) {
            size_t width = channels - block < 64 ? channels - block : 64;
            float sum[64] = {0}, product[64] = {0};
            for (size_t r = first; r < end; r++) {
                const float *row = x + r * channels + block, *to = gradient + r * channels + block;
                for (size_t c = 0; c < width; c++) {
                    float g = ck_passed(to[c], row[c], scale[block + c], shift[block + c], is_relu);
                    sum[c] += g;
                    product[c] += g * (row[c] - pivot[block + c]);
                }
            }
            for (size_t c = 0; c < width; c++) {
                sums[block + c] += sum[c];
                products[block + c] += product[c];
            }
        }
    }
}
CK_INLINE void ck_normalization_sums_body(const float *x, const float *gradient, size_t rows, size_t channels,
                                          const float *scale, const float *shift, const float *pivot, int is_relu,
                                          double *sums, double *products) {
    if (is_relu) gradient_sums(x, gradient, rows, channels, scale, shift, pivot, 1, sums, products);
    else gradient_sums(x, gradient, rows, channels, scale, shift, pivot, 0, sums, products);
}
CK_DISPATCH(ck_normalization_sums,
            (const float *x, const float *gradient, size_t rows, size_t channels, const float *scale, const float *shift,
             const float *pivot, int is_relu, double *sums, double *products),
            (x, gradient, rows, channels, scale, shift, pivot, is_relu, sums, products))

CK_INLINE void ck_normalization_gradient_body(const float *x, const float *gradient, float *to, size_t rows, size_t channels,
                                              const float *scale, const float *shift, int is_relu, const float *factor,
                                              const float *slope, const float *offset) {
    if (is_relu) {
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0, i = r * channels; c < channels; c++, i++)
                to[i] = factor[c] * ck_passed(gradient[i], x[i], scale[c], shift[c], 1) + slope[c] * x[i] + offset[c];
        return;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0, i = r * channels; c < channels; c++, i++)
            to[i] = factor[c] * gradient[i] + slope[c] * x[i] + offset[c];
}
CK_DISPATCH(ck_normalization_gradient,
            (const float *x, const float *gradient, float *to, size_t rows, size_t channels, const float *scale,
             const float *shift, int is_relu, const float *factor, const float *slope, const float *offset),
            (x, gradient, to, rows, channels, scale, shift, is_relu, factor, slope, offset))
