// Pairs of bfloat16: the upper halves of two floats, rounded, in the place of one.
#include "gemm.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

CK_INLINE uint32_t rounded(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    // A NaN whose fraction is only ones would become a zero.
    return (bits & 0x7FFFFFFF) > 0x7F800000 ? bits >> 16 | 0x40 : nearest;
}

CK_INLINE void pair(float even, float odd, float *to) {
    uint32_t both = rounded(even) | rounded(odd) << 16;
    memcpy(to, &both, 4);
}

CK_INLINE void pair_neighbours(const float *from, float *to, size_t count) {
    for (size_t i = 0; i + 1 < count; i += 2) pair(from[i], from[i + 1], to + i / 2);
    if (count % 2) pair(from[count - 1], 0, to + count / 2);
}

CK_INLINE void pair_rows(const float *even, const float *odd, float *to, size_t count) {
    for (size_t i = 0; i < count; i++) pair(even[i], odd ? odd[i] : 0, to + i);
}

#if defined(__x86_64__)
CK_PAIRS static void pair_neighbours_bfloat(const float *from, float *to, size_t count) {
    size_t i = 0;
    for (; i + 32 <= count; i += 32)
        _mm512_storeu_si512(to + i / 2, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i)));
    pair_neighbours(from + i, to + i / 2, count - i);
}

CK_PAIRS CK_INLINE void pair_rows_bfloat(const float *even, const float *odd, float *to, size_t count) {
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m512 second = odd ? _mm512_loadu_ps(odd + i) : _mm512_setzero_ps();
        __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(even + i)));
        __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
        _mm512_storeu_si512(to + i, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
    pair_rows(even + i, odd ? odd + i : 0, to + i, count - i);
}

CK_PAIRS static void pair_two_rows_bfloat(const float *even, const float *odd, float *to, size_t count) {
    pair_rows_bfloat(even, odd, to, count);
}

CK_PAIRS static void pair_panel_bfloat(const float *from, size_t rows, float *to) {
    for (size_t r = 0; r < rows; r += 2)
        pair_rows_bfloat(from + r * CK_PANEL, r + 1 < rows ? from + (r + 1) * CK_PANEL : 0, to + r / 2 * CK_PANEL, CK_PANEL);
}
#endif

void ck_pair_neighbours(const float *from, float *to, size_t count) {
#if defined(__x86_64__)
    if (ck_multiplies_pairs()) {
        pair_neighbours_bfloat(from, to, count);
        return;
    }
#endif
    pair_neighbours(from, to, count);
}

void ck_pair_rows(const float *even, const float *odd, float *to, size_t count) {
#if defined(__x86_64__)
    if (ck_multiplies_pairs()) {
        pair_two_rows_bfloat(even, odd, to, count);
        return;
    }
#endif
    pair_rows(even, odd, to, count);
}

void ck_pair_panel(const float *from, size_t rows, float *to) {
#if defined(__x86_64__)
    if (ck_multiplies_pairs()) {
        pair_panel_bfloat(from, rows, to);
        return;
    }
#endif
    for (size_t r = 0; r < rows; r += 2)
        pair_rows(from + r * CK_PANEL, r + 1 < rows ? from + (r + 1) * CK_PANEL : 0, to + r / 2 * CK_PANEL, CK_PANEL);
}
