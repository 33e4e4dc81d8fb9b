#include "elementary.h"

CK_INLINE void ck_activate_body(const float *from, float *to, size_t count, int activation) {
    switch (activation) {
    case CK_SILU:
        for (size_t i = 0; i < count; i++) to[i] = ck_silu(from[i]);
        break;
    case CK_GELU:
        for (size_t i = 0; i < count; i++) to[i] = ck_gelu(from[i]);
        break;
    case CK_QUICK_GELU:
        for (size_t i = 0; i < count; i++) to[i] = ck_quick_gelu(from[i]);
        break;
    case CK_RELU:
        for (size_t i = 0; i < count; i++) to[i] = ck_relu(from[i]);
        break;
    case CK_ELU:
        for (size_t i = 0; i < count; i++) to[i] = ck_elu(from[i]);
        break;
    default:
        if (to != from) memcpy(to, from, count * sizeof(float));
    }
}
CK_DISPATCH(ck_activate, (const float *from, float *to, size_t count, int activation), (from, to, count, activation))

CK_INLINE void ck_elu_gradient_body(const float *result, const float *gradient, float *to, size_t count) {
    // Below 0 the derivative is e^x, which is the result plus 1.
    for (size_t i = 0; i < count; i++) to[i] = gradient[i] * (result[i] < 0.0f ? result[i] + 1.0f : 1.0f);
}
CK_DISPATCH(ck_elu_gradient, (const float *result, const float *gradient, float *to, size_t count),
            (result, gradient, to, count))

CK_INLINE void ck_gated_gelu_body(const float *from, float *to, size_t to_stride, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *value = from + r * 2 * columns;
        const float *gate = value + columns;
        float *result = to + r * to_stride;
        for (size_t c = 0; c < columns; c++) result[c] = value[c] * ck_gelu(gate[c]);
    }
}
CK_DISPATCH(ck_gated_gelu, (const float *from, float *to, size_t to_stride, size_t rows, size_t columns),
            (from, to, to_stride, rows, columns))

CK_INLINE void ck_add_body(float *to, const float *from, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] += from[i];
}
CK_DISPATCH(ck_add, (float *to, const float *from, size_t count), (to, from, count))

CK_INLINE void ck_sum_body(const float *a, const float *b, float *to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = a[i] + b[i];
}
CK_DISPATCH(ck_sum, (const float *a, const float *b, float *to, size_t count), (a, b, to, count))

CK_INLINE float ck_larger(float a, float b) { return a > b || a != a ? a : b; }

CK_INLINE void ck_max_pool_body(const float *upper, const float *lower, float *to, size_t columns, size_t channels) {
    for (size_t x = 0; x < columns; x++) {
        size_t left = 2 * x * channels, right = left + channels;
        for (size_t c = 0; c < channels; c++) {
            float above = ck_larger(upper[left + c], upper[right + c]);
            to[x * channels + c] = ck_larger(above, ck_larger(lower[left + c], lower[right + c]));
        }
    }
}
CK_DISPATCH(ck_max_pool, (const float *upper, const float *lower, float *to, size_t columns, size_t channels),
            (upper, lower, to, columns, channels))

CK_INLINE void ck_largest_body(const float *from, float *to, size_t channels) {
    for (size_t c = 0; c < channels; c++) to[c] = ck_larger(from[c], to[c]);
}
CK_DISPATCH(ck_largest, (const float *from, float *to, size_t channels), (from, to, channels))

CK_INLINE void ck_largest_gradient_body(const float *from, const float *largest, float *gradient, float *to, size_t channels) {
    for (size_t c = 0; c < channels; c++) {
        int is_largest = from[c] == largest[c] || from[c] != from[c];
        to[c] = is_largest ? gradient[c] : 0.0f;
        gradient[c] = is_largest ? 0.0f : gradient[c];
    }
}
CK_DISPATCH(ck_largest_gradient, (const float *from, const float *largest, float *gradient, float *to, size_t channels),
            (from, largest, gradient, to, channels))

CK_INLINE void ck_accumulate_body(float *to, const float *from, float factor, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] += factor * from[i];
}
CK_DISPATCH(ck_accumulate, (float *to, const float *from, float factor, size_t count), (to, from, factor, count))

CK_INLINE void ck_adam_body(float *values, const float *gradients, float *means, float *squares, size_t count, float decay,
                            float mean_rate, float square_rate, float rate, float correction, float epsilon) {
    for (size_t i = 0; i < count; i++) {
        float g = gradients[i];
        float mean = means[i] + mean_rate * (g - means[i]);
        float square = squares[i] + square_rate * (g * g - squares[i]);
        means[i] = mean;
        squares[i] = square;
        values[i] = values[i] * decay - rate * mean / (sqrtf(square) * correction + epsilon);
    }
}
CK_DISPATCH(ck_adam,
            (float *values, const float *gradients, float *means, float *squares, size_t count, float decay, float mean_rate,
             float square_rate, float rate, float correction, float epsilon),
            (values, gradients, means, squares, count, decay, mean_rate, square_rate, rate, correction, epsilon))
