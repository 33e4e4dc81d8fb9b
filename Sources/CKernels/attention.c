#include "gemm.h"
#include "vectors.h"

#include <math.h>

/// e^x of what is at most 0, in place: 0 below −87.33, NaN of NaN. The polynomial is that of elementary.h.
CK_INLINE void exponential(ck_vector *x) {
    ck_vector v = *x;
    ck_integers kept = v >= -87.336544f | v != v;
    ck_vector shifted = v * 1.44269504f + 12582912.0f;
    ck_vector n = shifted - 12582912.0f;
    ck_vector r = v - n * 0.693145751953125f;
    r = r - n * 1.42860677e-6f;
    ck_vector p = r * 0.0013901280f + 0.0083631407f;
    p = p * r + 0.0416668542f;
    p = p * r + 0.1666657776f;
    p = p * r + 0.5f;
    p = (p * r) * r + r + 1.0f;
    ck_vector power = (ck_vector)(((ck_integers)shifted << 23) + 0x3F800000);
    *x = (ck_vector)((ck_integers)(p * power) & kept);
}

CK_INLINE void ck_softmax_panel_body(float *scores, size_t keys, float *inverse) {
    ck_vector largest[2] = {{0}, {0}}, sum[2] = {{0}, {0}};
    largest[0] = largest[1] = largest[0] - INFINITY;
    for (size_t k = 0; k < keys; k++) {
        for (int half = 0; half < 2; half++) {
            ck_vector x = *(ck_vector *)(scores + k * CK_PANEL + half * CK_LANES);
            ck_integers larger = x > largest[half];
            largest[half] = (ck_vector)(((ck_integers)x & larger) | ((ck_integers)largest[half] & ~larger));
        }
    }
    // In blocks, since the errors of rounding of one long sum grow with its length.
    for (size_t first = 0; first < keys; first += 64) {
        size_t end = first + 64 < keys ? first + 64 : keys;
        ck_vector part[2] = {{0}, {0}};
        for (size_t k = first; k < end; k++) {
            for (int half = 0; half < 2; half++) {
                ck_vector *at = (ck_vector *)(scores + k * CK_PANEL + half * CK_LANES);
                ck_vector x = *at - largest[half];
                exponential(&x);
                *at = x;
                part[half] += x;
            }
        }
        sum[0] += part[0];
        sum[1] += part[1];
    }
    for (int half = 0; half < 2; half++) *(ck_vector *)(inverse + half * CK_LANES) = 1.0f / sum[half];
}
static void ck_softmax_panel(float *scores, size_t keys, float *inverse);
CK_DISPATCH(ck_softmax_panel, (float *scores, size_t keys, float *inverse), (scores, keys, inverse))

CK_INLINE void ck_accumulate_panel_body(const float *scores, size_t keys, const float *inverse, float *sums) {
    ck_vector left = *(const ck_vector *)inverse, right = *(const ck_vector *)(inverse + CK_LANES);
    for (size_t k = 0; k < keys; k++) {
        *(ck_vector *)(sums + k * CK_PANEL) += *(const ck_vector *)(scores + k * CK_PANEL) * left;
        *(ck_vector *)(sums + k * CK_PANEL + CK_LANES) += *(const ck_vector *)(scores + k * CK_PANEL + CK_LANES) * right;
    }
}
static void ck_accumulate_panel(const float *scores, size_t keys, const float *inverse, float *sums);
CK_DISPATCH(ck_accumulate_panel, (const float *scores, size_t keys, const float *inverse, float *sums),
            (scores, keys, inverse, sums))

// Everything is transposed: a score's row is a key and its 32 columns are queries, so that keys and values are read as
// they lie in memory, the softmax runs down columns, and each lane of a vector belongs to one query.
void ck_attention_panel(const struct ck_attention *it) {
    // Values are added up a few hundred keys (or pairs of keys) at a time: they stay in the cache, and errors of rounding stay small.
    enum { most_keys = 256 };
    size_t width = it->width, keys = it->keys, stride = it->stride, queries = it->queries;
    float *panel = it->scratch, *attended = panel + width * CK_PANEL, *scores = attended + width * CK_PANEL;
    for (size_t c = 0; c < width; c++) {
        for (size_t q = 0; q < queries; q++) panel[c * CK_PANEL + q] = it->query[q * stride + c] * it->scale;
        for (size_t q = queries; q < CK_PANEL; q++) panel[c * CK_PANEL + q] = 0;
    }
    struct ck_gemm plain = {0};
    if (it->numbers == CK_BFLOAT16) ck_pair_panel(panel, width, panel);
    ck_gemm_panel(it->numbers, keys, ck_slots(width, it->numbers), it->key, (ptrdiff_t)it->key_stride, 1, panel, scores, CK_PANEL, &plain);
    if (it->causal_from != SIZE_MAX) {
        for (size_t k = 0; k < keys; k++)
            for (size_t q = 0; q < queries && it->causal_from + q < k; q++) scores[k * CK_PANEL + q] = -INFINITY;
    }
    float inverse[CK_PANEL];
    ck_softmax_panel(scores, keys, inverse);
    if (it->sums) ck_accumulate_panel(scores, keys, inverse, it->sums);
    if (!it->result) return;
    if (it->numbers == CK_BFLOAT16) ck_pair_panel(scores, keys, scores);
    size_t rows = ck_slots(keys, it->numbers);
    for (size_t first = 0; first < rows; first += most_keys) {
        size_t some = rows - first < most_keys ? rows - first : most_keys;
        struct ck_gemm options = {0};
        if (first > 0) {
            options.add = attended;
            options.add_stride = CK_PANEL;
        }
        ck_gemm_panel(it->numbers, width, some, it->value + first * it->value_stride, 1, (ptrdiff_t)it->value_stride,
                      scores + first * CK_PANEL, attended, CK_PANEL, &options);
    }
    for (size_t q = 0; q < queries; q++)
        for (size_t c = 0; c < width; c++) it->result[q * stride + c] = attended[c * CK_PANEL + q] * inverse[q];
}
