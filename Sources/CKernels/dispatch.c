#define _GNU_SOURCE
#include "dispatch.h"

#include <sched.h>
#include <stdatomic.h>

static _Atomic int limit = 2;

static int detected(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return avx2 ? (avx512 ? 2 : 1) : 0;
#else
    return 0;
#endif
}

int ck_instruction_set(void) {
    static _Atomic int known = -1;
    int best = atomic_load_explicit(&known, memory_order_relaxed);
    if (best < 0) {
        best = detected();
        atomic_store_explicit(&known, best, memory_order_relaxed);
    }
    int highest = atomic_load_explicit(&limit, memory_order_relaxed);
    return best < highest ? best : highest;
}

int ck_multiplies_pairs(void) {
#if defined(__x86_64__)
    static _Atomic int known = -1;
    int has = atomic_load_explicit(&known, memory_order_relaxed);
    if (has < 0) {
        __builtin_cpu_init();
        has = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
        atomic_store_explicit(&known, has, memory_order_relaxed);
    }
    return has && ck_instruction_set() == 2;
#else
    return 0;
#endif
}

void ck_limit_instruction_set(int highest) { atomic_store(&limit, highest); }

int ck_allowed_processors(void) {
#if defined(__linux__)
    // The plain set holds 1,024 processors; a larger machine refuses it.
    cpu_set_t *set = 0;
    for (int processors = 1024; processors <= 1 << 18; processors *= 4) {
        size_t size = CPU_ALLOC_SIZE(processors);
        set = CPU_ALLOC(processors);
        if (!set) return 0;
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
#endif
    return 0;
}
