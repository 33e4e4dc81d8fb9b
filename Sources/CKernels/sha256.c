// SHA-256 (FIPS 180-4): the compression function over whole blocks of 64 bytes, in portable C, with the SHA instructions of
// x86 (SHA-NI) and with those of ARMv8. All three give the same state for the same bytes.
#include "CKernels.h"

#include <stdatomic.h>
#include <string.h>

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2).
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotated(uint32_t x, int bits) { return x >> bits | x << (32 - bits); }

void ck_sha256_portable(uint32_t *state, const uint8_t *blocks, size_t count) {
    for (; count > 0; count--, blocks += 64) {
        uint32_t w[16];
        for (int t = 0; t < 16; t++) {
            const uint8_t *byte = blocks + 4 * t;
            w[t] = (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (int t = 0; t < 64; t++) {
            if (t >= 16) {
                // Only the last 16 words of the message schedule are kept, in a ring.
                uint32_t w15 = w[(t + 1) & 15], w2 = w[(t + 14) & 15];
                w[t & 15] += (rotated(w15, 7) ^ rotated(w15, 18) ^ w15 >> 3) + w[(t + 9) & 15] +
                             (rotated(w2, 17) ^ rotated(w2, 19) ^ w2 >> 10);
            }
            uint32_t t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t & 15];
            uint32_t t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static int detected(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return 0;
    return __get_cpuid(1, &a, &b, &c, &d) && c >> 19 & 1 && c >> 9 & 1;  // SSE4.1 and SSSE3
}

// Four rounds with the words `m` of the schedule: sha256rnds2 does two, from the two words in the low half of its third operand.
#define ROUNDS(m, t)                                                                                                   \
    do {                                                                                                               \
        __m128i sum = _mm_add_epi32(m, _mm_loadu_si128((const __m128i *)(K + t)));                                     \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                                                 \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));                                        \
    } while (0)

// The next four words of the schedule, in place of the oldest four, m0; m1, m2, m3 are the twelve after these.
#define SCHEDULE(m0, m1, m2, m3)                                                                                       \
    m0 = _mm_sha256msg2_epu32(                                                                                         \
        _mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4)), m3)

__attribute__((target("sha,sse4.1,ssse3"))) static void hardware(uint32_t *state, const uint8_t *blocks, size_t count) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    // The instructions hold the state as (a, b, e, f) and (c, d, g, h), the first word in the highest lane.
    __m128i dcba = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1B);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    __m128i abef = _mm_unpackhi_epi64(hgfe, dcba), cdgh = _mm_unpacklo_epi64(hgfe, dcba);
    for (; count > 0; count--, blocks += 64) {
        const __m128i abefBefore = abef, cdghBefore = cdgh;
        __m128i m0 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks), swap);
        __m128i m1 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16)), swap);
        __m128i m2 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 32)), swap);
        __m128i m3 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 48)), swap);
        ROUNDS(m0, 0); ROUNDS(m1, 4); ROUNDS(m2, 8); ROUNDS(m3, 12);
        for (int t = 16; t < 64; t += 16) {
            SCHEDULE(m0, m1, m2, m3); ROUNDS(m0, t);
            SCHEDULE(m1, m2, m3, m0); ROUNDS(m1, t + 4);
            SCHEDULE(m2, m3, m0, m1); ROUNDS(m2, t + 8);
            SCHEDULE(m3, m0, m1, m2); ROUNDS(m3, t + 12);
        }
        abef = _mm_add_epi32(abef, abefBefore), cdgh = _mm_add_epi32(cdgh, cdghBefore);
    }
    _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(_mm_unpackhi_epi64(cdgh, abef), 0x1B));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_shuffle_epi32(_mm_unpacklo_epi64(cdgh, abef), 0x1B));
}

#elif defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

static int detected(void) {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) >> 6 & 1) != 0;  // HWCAP_SHA2
#elif defined(__APPLE__)
    return 1;
#else
    return 0;
#endif
}

#define ROUNDS(m, t)                                                                                                   \
    do {                                                                                                               \
        uint32x4_t sum = vaddq_u32(m, vld1q_u32(K + t)), before = abcd;                                                \
        abcd = vsha256hq_u32(abcd, efgh, sum);                                                                         \
        efgh = vsha256h2q_u32(efgh, before, sum);                                                                      \
    } while (0)

#define SCHEDULE(m0, m1, m2, m3) m0 = vsha256su1q_u32(vsha256su0q_u32(m0, m1), m2, m3)

__attribute__((target("sha2"))) static void hardware(uint32_t *state, const uint8_t *blocks, size_t count) {
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    for (; count > 0; count--, blocks += 64) {
        const uint32x4_t abcdBefore = abcd, efghBefore = efgh;
        uint32x4_t m0 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks)));
        uint32x4_t m1 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16)));
        uint32x4_t m2 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 32)));
        uint32x4_t m3 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 48)));
        ROUNDS(m0, 0); ROUNDS(m1, 4); ROUNDS(m2, 8); ROUNDS(m3, 12);
        for (int t = 16; t < 64; t += 16) {
            SCHEDULE(m0, m1, m2, m3); ROUNDS(m0, t);
            SCHEDULE(m1, m2, m3, m0); ROUNDS(m1, t + 4);
            SCHEDULE(m2, m3, m0, m1); ROUNDS(m2, t + 8);
            SCHEDULE(m3, m0, m1, m2); ROUNDS(m3, t + 12);
        }
        abcd = vaddq_u32(abcd, abcdBefore), efgh = vaddq_u32(efgh, efghBefore);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

#else
static int detected(void) { return 0; }
static void hardware(uint32_t *state, const uint8_t *blocks, size_t count) { ck_sha256_portable(state, blocks, count); }
#endif

int ck_sha256_has_instructions(void) {
    static _Atomic int known = -1;
    int has = atomic_load_explicit(&known, memory_order_relaxed);
    if (has < 0) {
        has = detected();
        atomic_store_explicit(&known, has, memory_order_relaxed);
    }
    return has;
}

void ck_sha256(uint32_t *state, const uint8_t *blocks, size_t count) {
    if (ck_sha256_has_instructions()) hardware(state, blocks, count);
    else ck_sha256_portable(state, blocks, count);
}
