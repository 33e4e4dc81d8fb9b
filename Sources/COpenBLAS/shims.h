// Debian keeps the header of OpenBLAS in a folder of its own; other systems, where pkg-config says.
#ifndef CELLAR_COPENBLAS_SHIMS_H
#define CELLAR_COPENBLAS_SHIMS_H

#include <stddef.h>

#if __has_include(<openblas-pthread/cblas.h>)
#include <openblas-pthread/cblas.h>
#elif __has_include(<openblas/cblas.h>)
#include <openblas/cblas.h>
#else
#include <cblas.h>
#endif

// LAPACK's interface is Fortran's, for which Debian's OpenBLAS has no header: every argument is a pointer, each text is
// followed by its length at the end.
void ssyevr_(const char *job, const char *range, const char *triangle, const int *n, float *a, const int *stride,
             const float *lower, const float *upper, const int *first, const int *last, const float *tolerance,
             int *found, float *values, float *vectors, const int *vector_stride, int *support, float *work,
             const int *work_count, int *integers, const int *integer_count, int *info, size_t, size_t, size_t);

#endif
