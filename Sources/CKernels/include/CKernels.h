// Loops that need instructions chosen at run time. Each function has one caller, in the target Tensors or Basics.
// Counts are numbers of floats unless they say otherwise; pointers never alias unless they say so.
#ifndef CELLAR_CKERNELS_H
#define CELLAR_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// ---- dispatch.c

/// The instruction set in use: 0 the compiler's default, 1 AVX2 with FMA, 2 AVX-512.
int ck_instruction_set(void);
/// Keeps to an instruction set of at most this number; tests use it to reach every variant.
void ck_limit_instruction_set(int highest);
/// The processors that this process may run on, or 0 where the system does not say.
int ck_allowed_processors(void);

/// Tells the processor that this thread waits for another.
static inline void ck_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// ---- sha256.c

/// Compresses `count` blocks of 64 bytes into a state of 8 words (FIPS 180-4), by the processor's SHA instructions if it has them.
void ck_sha256(uint32_t *state, const uint8_t *blocks, size_t count);
/// The same in portable C, for tests.
void ck_sha256_portable(uint32_t *state, const uint8_t *blocks, size_t count);
/// 1 where the processor has SHA instructions (SHA-NI, ARMv8), else 0.
int ck_sha256_has_instructions(void);

// ---- conversions.c

void ck_half_to_float(const uint16_t *from, float *to, size_t count);
void ck_bfloat_to_float(const uint16_t *from, float *to, size_t count);
/// Rounds to nearest, ties to even; what is too large becomes infinite, a NaN stays one.
void ck_float_to_half(const float *from, uint16_t *to, size_t count);

// ---- activations.c

enum { CK_NONE = 0, CK_SILU = 1, CK_GELU = 2, CK_QUICK_GELU = 3, CK_RELU = 4, CK_ELU = 5 };

/// to may be from.
void ck_activate(const float *from, float *to, size_t count, int activation);
/// to[r, c] = from[r, c] · gelu(from[r, columns + c]), rows of 2 · columns, to rows that lie `to_stride` apart.
void ck_gated_gelu(const float *from, float *to, size_t to_stride, size_t rows, size_t columns);
/// to += from
void ck_add(float *to, const float *from, size_t count);
/// to = a + b
void ck_sum(const float *a, const float *b, float *to, size_t count);
/// A row of pixels, each the largest of four of two rows twice as long, channel by channel; NaN where one is NaN.
void ck_max_pool(const float *upper, const float *lower, float *to, size_t columns, size_t channels);
/// to = the larger of both, channel by channel; NaN where one is NaN.
void ck_largest(const float *from, float *to, size_t channels);
/// Where `from` is the largest of its window, the gradient goes there and is 0 afterwards, so that no second one gets it.
void ck_largest_gradient(const float *from, const float *largest, float *gradient, float *to, size_t channels);
/// to = gradient · d ELU, from what ELU gave
void ck_elu_gradient(const float *result, const float *gradient, float *to, size_t count);
/// to += factor · from
void ck_accumulate(float *to, const float *from, float factor, size_t count);
/// A step of Adam: moves both moments by their rates, then values = values · decay − rate · mean / (√square · correction + ε).
void ck_adam(float *values, const float *gradients, float *means, float *squares, size_t count, float decay, float mean_rate,
             float square_rate, float rate, float correction, float epsilon);

// ---- normalization.c

/// Adds to sums[c] and squares[c] what x[r, c] − pivot[c] and its square sum up to, over the rows.
void ck_channel_moments(const float *x, size_t rows, size_t channels, const float *pivot, double *sums, double *squares);
/// y[r, c] = activation(x[r, c] · scale[c] + shift[c]); y may be x.
void ck_scale_shift(const float *x, float *y, size_t rows, size_t channels, const float *scale, const float *shift,
                    int activation);
/// Adds to sums[c] and products[c] what gradients, and gradients times x[r, c] − pivot[c], sum up to; where is_relu, only gradients
/// that relu(x · scale + shift) lets pass.
void ck_normalization_sums(const float *x, const float *gradient, size_t rows, size_t channels, const float *scale,
                           const float *shift, const float *pivot, int is_relu, double *sums, double *products);
/// to = factor[c] · (the same gradient) + slope[c] · x + offset[c]; to may be gradient.
void ck_normalization_gradient(const float *x, const float *gradient, float *to, size_t rows, size_t channels,
                               const float *scale, const float *shift, int is_relu, const float *factor, const float *slope,
                               const float *offset);
/// Rows of x normalised to mean 0 and variance 1, times weight plus bias, either of which may be null.
void ck_layer_norm(const float *x, float *y, size_t rows, size_t channels, float epsilon, const float *weight,
                   const float *bias);

// ---- gemm.c: products with a matrix packed in panels of 32 columns, [panel][inner][32], the last filled with zeros

/// The floats of a packed matrix.
size_t ck_packed_count(size_t columns, size_t inner);
/// Packs up to 32 columns of `inner` values, `stride` from one column to the next, `inner_stride` from value to value.
void ck_pack_panel(const float *weight, size_t stride, size_t inner_stride, size_t columns, size_t inner, float *panel);
/// c = a · b + bias + add; bias (one value a column) and add (a matrix like c) may be null.
void ck_gemm(size_t rows, size_t columns, size_t inner, const float *a, size_t a_stride, const float *panels, float *c,
             size_t c_stride, const float *bias, const float *add, size_t add_stride);

/// c += a · b for one panel b, [inner][32], and c, [rows][32], of whose columns some are wanted; one of a's strides is 1.
void ck_gemm_accumulate(size_t rows, size_t columns, size_t inner, const float *a, ptrdiff_t row_stride,
                        ptrdiff_t inner_stride, const float *b, float *c);
/// The neighbourhood of a voxel, [depth][rows][columns][channels], whose corner may lie outside the volume, where there are zeros.
void ck_patch(const float *volume, const ptrdiff_t *extent, size_t channels, ptrdiff_t z, ptrdiff_t y, ptrdiff_t x,
              const ptrdiff_t *kernel, float *to);

// ---- attention.c

/// One head of one image, for up to 32 queries.
struct ck_attention {
    const float *query, *key, *value;
    /// null for only the sums; may not be any of the inputs
    float *result;
    /// from one query or result to the next, and from one key or value to the next
    size_t stride, key_stride;
    size_t queries, keys, width;
    float scale;
    /// the first query's number where queries see no later keys, SIZE_MAX otherwise
    size_t causal_from;
    /// [keys][32], to which the softmax is added, or null
    float *sums;
    /// (2 · width + keys) · 32
    float *scratch;
};
void ck_attention_panel(const struct ck_attention *it);

// ---- winograd.c: convolution 3 × 3 with stride 1 and a padding of 1, or 3 × 3 × 3 as three of them

/// Transforms `count` channels of the 6 × 6 inputs of one tile, whose corner may lie outside the image. Where scale and shift
/// are not null, pixels are relu(pixel · scale[c] + shift[c]) first; what lies outside stays 0.
void ck_winograd_input(const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels, size_t count,
                       ptrdiff_t top, ptrdiff_t left, const float *scale, const float *shift, float *to, size_t plane,
                       size_t block);

/// Tiles of slices of equal size, counted slice by slice: in each, `down` rows of `across` tiles, from a first one.
struct ck_tiles {
    size_t height, width;
    size_t top, left, down, across;
};

/// One panel of up to 32 outputs of a range of tiles, summed over some of the inputs.
struct ck_winograd {
    struct ck_tiles tiles;
    size_t first_tile, count;
    /// [block of inputs][36][tiles][block], with `plane` floats for each of the 36
    const float *transformed;
    size_t plane, block;
    /// the slices that a result sums over, and how far apart their transformed tiles lie
    size_t depth, depth_step;
    /// of all, the inputs that are transformed
    size_t inputs, first_input, some;
    /// of all outputs, those of the panel
    size_t outputs, columns;
    /// [depth][9][inputs][32]
    const float *panel;
    const float *bias, *add;
    /// like bias and add at the panel's first channel, and at the first slice
    float *result;
    float *scratch;
};
void ck_winograd_products(const struct ck_winograd *it);
/// The floats of its scratch memory.
size_t ck_winograd_scratch(size_t tiles, size_t block);

/// Derivatives by a tile's results, of up to 32 outputs, moved to the 36 positions, which lie `plane` apart; whole vectors of 16 are written.
void ck_winograd_gradient(const struct ck_tiles *tiles, size_t number, const float *gradient, size_t outputs, size_t columns,
                          float *to, size_t plane);
/// Derivatives by the weights of one panel, [9][inputs][32], from sums over all tiles, [36][inputs][32]; of some outputs.
void ck_winograd_weight_gradient(const float *sums, size_t plane, size_t inputs, size_t outputs, float *to);

#endif
