#include "dispatch.h"

#include <string.h>

CK_INLINE float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

CK_INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

// The half's exponent and fraction moved into a float's place are the value times 2^-112, also where it is subnormal.
CK_INLINE void ck_half_to_float_body(const uint16_t *from, float *to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t half = from[i];
        uint32_t magnitude = half & 0x7FFF;
        uint32_t finite = bits_of(float_of(magnitude << 13) * 0x1p112f);
        uint32_t special = magnitude << 13 | 0x7F800000;
        to[i] = float_of((magnitude >= 0x7C00 ? special : finite) | (half & 0x8000) << 16);
    }
}
CK_DISPATCH(ck_half_to_float, (const uint16_t *from, float *to, size_t count), (from, to, count))

CK_INLINE void ck_bfloat_to_float_body(const uint16_t *from, float *to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = float_of((uint32_t)from[i] << 16);
}
CK_DISPATCH(ck_bfloat_to_float, (const uint16_t *from, float *to, size_t count), (from, to, count))

// Below 2^-14 the result is subnormal: adding 0.5 leaves the float's own rounding to put the last bit at 2^-24.
CK_INLINE void ck_float_to_half_body(const float *from, uint16_t *to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = bits_of(from[i]);
        uint32_t magnitude = bits & 0x7FFFFFFF;
        uint32_t normal = (magnitude + 0xFFF + (magnitude >> 13 & 1) - 0x38000000) >> 13;
        uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - 0x3F000000;
        uint32_t half = magnitude < 0x38800000 ? subnormal : normal;
        half = magnitude >= 0x477FF000 ? 0x7C00 : half;
        half = magnitude > 0x7F800000 ? 0x7E00 : half;
        to[i] = (uint16_t)(half | (bits >> 16 & 0x8000));
    }
}
CK_DISPATCH(ck_float_to_half, (const float *from, uint16_t *to, size_t count), (from, to, count))
