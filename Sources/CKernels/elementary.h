// Elementary functions in single precision, written so that a compiler makes vectors of them. The coefficients are
// weighted least-squares fits (Lawson iteration towards the minimax polynomial) of the functions named beside them.
#ifndef CELLAR_CKERNELS_ELEMENTARY_H
#define CELLAR_CKERNELS_ELEMENTARY_H

#include <math.h>
#include <string.h>

#include "dispatch.h"

/// e^x to 1 or 2 units in the last place: 0 below −87.33, infinity above 88.72, NaN of NaN.
CK_INLINE float ck_exp(float x) {
    // 2^n · e^r, |r| ≤ ln 2 / 2; adding 1.5 · 2^23 rounds to an integer, which then lies in the low bits.
    float clamped = x < -87.336544f ? -87.336544f : x;
    clamped = clamped > 88.722839f ? 88.722839f : clamped;
    float shifted = clamped * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = clamped - n * 0.693145751953125f;  // ln 2 in two parts, the first of few bits
    r = r - n * 1.42860677e-6f;
    // (e^r − 1 − r) / r²
    float p = 0.0013901280f;
    p = p * r + 0.0083631407f;
    p = p * r + 0.0416668542f;
    p = p * r + 0.1666657776f;
    p = p * r + 0.5f;
    float power = (p * r) * r + r + 1.0f;
    // In two steps, since 2^128 is no float.
    int32_t exponent;
    memcpy(&exponent, &shifted, 4);
    exponent -= 0x4B400000;
    int32_t half = exponent >> 1;
    int32_t first_bits = (half + 127) << 23, second_bits = (exponent - half + 127) << 23;
    float first, second;
    memcpy(&first, &first_bits, 4);
    memcpy(&second, &second_bits, 4);
    float result = power * first * second;
    result = x < -87.336544f ? 0.0f : result;
    result = x > 88.722839f ? INFINITY : result;
    return x != x ? x : result;
}

/// The error function, to 1e-7.
CK_INLINE float ck_erf(float x) {
    float t = fabsf(x);
    float s = x * x;
    // erf(x) / x in x², |x| ≤ 1
    float inner = -0.00056314189f;
    inner = inner * s + 0.00491755083f;
    inner = inner * s - 0.02671131119f;
    inner = inner * s + 0.1128017977f;
    inner = inner * s - 0.3761232495f;
    inner = inner * s + 1.1283791065f;
    inner = inner * x;
    // −ln(erfc t), 1 ≤ t ≤ 4; beyond, erf is 1
    float u = t > 4.0f ? 4.0f : t;
    float q = -0.00018638009f;
    q = q * u + 0.00294766668f;
    q = q * u - 0.0218380969f;
    q = q * u + 0.1031068191f;
    q = q * u + 0.6381447315f;
    q = q * u + 1.127089262f;
    q = q * u + 0.00034151258f;
    float outer = copysignf(1.0f - ck_exp(-q), x);
    return t > 1.0f ? outer : inner;
}

/// NaN of NaN.
CK_INLINE float ck_relu(float x) { return x < 0.0f ? 0.0f : x; }
CK_INLINE float ck_elu(float x) {
    float y = ck_exp(x < 0.0f ? x : 0.0f) - 1.0f;
    // Near 0 the difference would lose digits.
    float small = x * (1.0f + x * (0.5f + x * (0.166666667f + x * 0.0416666667f)));
    y = x > -0.05f ? small : y;
    return x < 0.0f ? y : x;
}
CK_INLINE float ck_silu(float x) { return x / (1.0f + ck_exp(-x)); }
CK_INLINE float ck_gelu(float x) { return 0.5f * x * (1.0f + ck_erf(x * 0.70710678f)); }
CK_INLINE float ck_quick_gelu(float x) { return x / (1.0f + ck_exp(-1.702f * x)); }

#endif
