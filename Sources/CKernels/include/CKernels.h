// Loops whose vector instructions are chosen at run time. Only the targets Tensors and Basics call them.
// Counts are numbers of floats unless they say otherwise; pointers never alias unless they say so.
#ifndef CELLAR_CKERNELS_H
#define CELLAR_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// ---- dispatch.c

/// The instruction set in use: 0 the compiler's default, 1 AVX2 with FMA, 2 AVX-512.
int ck_instruction_set(void);
/// 1 where the processor multiplies numbers of 16 bits in pairs (AVX-512-BF16 and AVX-512-VNNI), and may. Elsewhere nothing may be called with
/// other numbers than CK_FLOAT32.
int ck_multiplies_pairs(void);
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

/// Compresses `count` blocks of 64 bytes into a state of 8 words (FIPS 180-4), by the processor's SHA instructions if it has
/// them.
void ck_sha256(uint32_t *state, const uint8_t *blocks, size_t count);
/// The same in portable C, for tests.
void ck_sha256_portable(uint32_t *state, const uint8_t *blocks, size_t count);
/// 1 where the processor has SHA instructions (SHA-NI, ARMv8), else 0.
int ck_sha256_has_instructions(void);

// ---- file_system.c

/// The number of the kind of file system that holds a path (statfs(2)); -1 where the system does not say.
int64_t ck_file_system_number(const char *path);

// ---- conversions.c

void ck_half_to_float(const uint16_t *from, float *to, size_t count);
void ck_bfloat_to_float(const uint16_t *from, float *to, size_t count);
/// Rounds to nearest, ties to even; what is too large becomes infinite, a NaN stays one.
void ck_float_to_half(const float *from, uint16_t *to, size_t count);

// ---- pairs.c: two bfloat16 in the place of one float. Products in bfloat16 take their operands in pairs along the inner dimension; their sums
// are floats. Values are rounded to nearest, ties to even; an odd last one is paired with 0.

/// The numbers that are multiplied: floats, pairs of bfloat16, or pairs of integers with a scale for each row and each column (inside of Winograd's
/// convolution only).
enum ck_numbers { CK_FLOAT32 = 0, CK_BFLOAT16 = 1, CK_INT16 = 2 };
/// The floats in whose place `count` values are.
static inline size_t ck_slots(size_t count, enum ck_numbers numbers) { return numbers == CK_FLOAT32 ? count : (count + 1) / 2; }
/// Pairs neighbours: to[i] = (from[2i], from[2i + 1]).
void ck_pair_neighbours(const float *from, float *to, size_t count);
/// Pairs two rows: to[i] = (even[i], odd[i]). odd may be null for zeros.
void ck_pair_rows(const float *even, const float *odd, float *to, size_t count);
/// Pairs neighbouring rows of a panel of 32 columns: [rows][32] → [ck_slots(rows)][32]; to may be from.
void ck_pair_panel(const float *from, size_t rows, float *to);

// ---- activations.c

enum { CK_NONE = 0, CK_SILU = 1, CK_GELU = 2, CK_QUICK_GELU = 3, CK_RELU = 4, CK_ELU = 5 };

/// to may be from.
void ck_activate(const float *from, float *to, size_t count, int activation);
/// GEGLU: to[r, c] = from[r, c] · gelu(from[r, columns + c]). `from` is [rows][2 · columns]; rows of `to` lie `to_stride` apart.
void ck_gated_gelu(const float *from, float *to, size_t to_stride, size_t rows, size_t columns);
/// to += from
void ck_add(float *to, const float *from, size_t count);
/// to = a + b
void ck_sum(const float *a, const float *b, float *to, size_t count);
/// Max pooling, 2 × 2: two rows of 2 · columns pixels become one row of `columns` pixels. The result is NaN where one of the four
/// values is NaN.
void ck_max_pool(const float *upper, const float *lower, float *to, size_t columns, size_t channels);
/// to = max(to, from), element by element; NaN where one of both is NaN.
void ck_largest(const float *from, float *to, size_t channels);
/// The gradient of max pooling for one voxel of a window. Where from[c] equals largest[c] or is NaN, to[c] = gradient[c] and
/// gradient[c] becomes 0: only the first maximum of a window gets the gradient.
void ck_largest_gradient(const float *from, const float *largest, float *gradient, float *to, size_t channels);
/// The gradient of ELU: to = gradient · ELU′(x). `result` is ELU(x).
void ck_elu_gradient(const float *result, const float *gradient, float *to, size_t count);
/// to += factor · from
void ck_accumulate(float *to, const float *from, float factor, size_t count);
/// A step of Adam. First means += mean_rate · (gradient − means) and squares += square_rate · (gradient² − squares); then
/// values = values · decay − rate · mean / (√square · correction + ε).
void ck_adam(float *values, const float *gradients, float *means, float *squares, size_t count, float decay, float mean_rate,
             float square_rate, float rate, float correction, float epsilon);

// ---- fourier.c: eight lines at a time, [index][8], real and imaginary parts in arrays of their own. All instruction sets give
// the same bits.

/// One stage of Stockham's algorithm: see FourierTransform.
struct ck_stage {
    /// 2, 3, 4 or 5
    size_t radix;
    size_t remaining, interleave;
    /// pairs of a real and an imaginary part, radix - 1 for each of `remaining`
    const float *twiddles;
};

/// Reads radix · remaining · interleave numbers of each line, and writes as many.
void ck_fourier_stage(const struct ck_stage *stage, const float *real, const float *imaginary, float *to_real,
                      float *to_imaginary);
/// Joins up to 16 half spectra, rows `stride` apart with their imaginary parts from stride / 2 on, in pairs a + ib, and gives the
/// spectra of eight complex lines. stride / 2 is a multiple of 8.
void ck_fourier_gather(const float *values, size_t stride, size_t rows, size_t length, float *real, float *imaginary);
/// Writes the real parts of eight lines, times a scale, to the rows 0, 2, … and the imaginary parts to the rows 1, 3, …
void ck_fourier_scatter(const float *real, const float *imaginary, float scale, float *values, size_t stride, size_t rows,
                        size_t length);

// ---- normalization.c

/// sums[c] += Σ_r (x[r, c] − pivot[c]); squares[c] += Σ_r (x[r, c] − pivot[c])².
void ck_channel_moments(const float *x, size_t rows, size_t channels, const float *pivot, double *sums, double *squares);
/// y[r, c] = activation(x[r, c] · scale[c] + shift[c]); y may be x.
void ck_scale_shift(const float *x, float *y, size_t rows, size_t channels, const float *scale, const float *shift,
                    int activation);
/// sums[c] += Σ_r g[r, c]; products[c] += Σ_r g[r, c] · (x[r, c] − pivot[c]). g is the gradient; with is_relu it is 0 where
/// x · scale + shift is not above 0.
void ck_normalization_sums(const float *x, const float *gradient, size_t rows, size_t channels, const float *scale,
                           const float *shift, const float *pivot, int is_relu, double *sums, double *products);
/// to[r, c] = factor[c] · g[r, c] + slope[c] · x[r, c] + offset[c], with g as in ck_normalization_sums; to may be gradient.
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
/// The same in pairs of bfloat16: [ck_slots(inner)][32].
void ck_pack_pairs(const float *weight, size_t stride, size_t inner_stride, size_t columns, size_t inner, float *panel);
/// c = a · b + bias + add; bias (one value a column) and add (a matrix like c) may be null. Panels are packed as `numbers` says; a is not, and
/// rounded on the way.
void ck_gemm(size_t rows, size_t columns, size_t inner, const float *a, size_t a_stride, const float *panels, enum ck_numbers numbers, float *c,
             size_t c_stride, const float *bias, const float *add, size_t add_stride);

/// c += a · b, where b is one panel [inner][32] and c is [rows][32]. Only the first `columns` columns are computed. Either
/// row_stride or inner_stride of a is 1.
void ck_gemm_accumulate(size_t rows, size_t columns, size_t inner, const float *a, ptrdiff_t row_stride,
                        ptrdiff_t inner_stride, const float *b, float *c);
/// Copies the box of `kernel` voxels whose first corner is (z, y, x), [depth][rows][columns][channels]. Voxels outside of the
/// volume are zeros.
void ck_patch(const float *volume, const ptrdiff_t *extent, size_t channels, ptrdiff_t z, ptrdiff_t y, ptrdiff_t x,
              const ptrdiff_t *kernel, float *to);

// ---- attention.c

/// One head of one image, for up to 32 queries.
struct ck_attention {
    const float *query, *key, *value;
    /// null for only the sums; may not be any of the inputs
    float *result;
    /// from one query or result to the next, from one key to the next, and from one value to the next
    size_t stride, key_stride, value_stride;
    size_t queries, keys, width;
    float scale;
    /// the first query's number where queries see no later keys, SIZE_MAX otherwise
    size_t causal_from;
    /// [keys][32], to which the softmax is added, or null
    float *sums;
    /// (2 · width + keys) · 32
    float *scratch;
    /// of bfloat16, keys are pairs of channels, `key_stride` pairs from one key to the next, and values pairs of keys, `value_stride` pairs from
    /// one pair of keys to the next; of floats, both strides are the same
    enum ck_numbers numbers;
};
void ck_attention_panel(const struct ck_attention *it);

// ---- winograd.c: convolution 3 × 3 with stride 1 and a padding of 1, or 3 × 3 × 3 as three of them

/// Transforms `count` channels of the 6 × 6 inputs of one tile, whose corner may lie outside the image. Where scale and shift
/// are not null, pixels are relu(pixel · scale[c] + shift[c]) first; what lies outside stays 0.
void ck_winograd_input(const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels, size_t count,
                       ptrdiff_t top, ptrdiff_t left, const float *scale, const float *shift, float *to, size_t plane,
                       size_t block);
/// The same in pairs of integers of at most CK_LARGEST, which `block` and `plane` count. What they stand for is the integer times a scale, one for
/// each block and position of the tile: [block][36], positions `scale_plane` apart. A block has at most CK_MOST_PAIRS. Before, each channel is
/// multiplied with its factor; there are factors for a multiple of 16 channels.
void ck_winograd_input_pairs(const float *image, ptrdiff_t height, ptrdiff_t width, size_t channels, size_t count, ptrdiff_t top, ptrdiff_t left,
                             const float *scale, const float *shift, const float *factors, float *to, size_t plane, size_t block, float *scales,
                             size_t scale_plane);
/// 13 bits with the sign: 2 · CK_MOST_PAIRS products of two such integers add up to less than 2³¹.
enum { CK_LARGEST = 4095, CK_MOST_PAIRS = 64 };
/// The scales of the transformed weights of a panel of pairs of bfloat16, [9][pairs][32], for some of its pairs: [36][32].
void ck_winograd_weight_scales(const float *panel, size_t pairs, size_t columns, size_t first, size_t end, float *scales);

/// Tiles of slices of equal size, counted slice by slice: in each, `down` rows of `across` tiles, from a first one.
struct ck_tiles {
    size_t height, width;
    size_t top, left, down, across;
};

/// The product of one panel of weights (up to 32 outputs) with a range of transformed tiles, summed over a range of the inputs. Inputs are
/// counted in pairs where the numbers are integers.
struct ck_winograd {
    /// CK_FLOAT32, or CK_INT16: then the panel is of pairs of bfloat16
    enum ck_numbers numbers;
    /// of integers: the scales of transformed inputs, [block of inputs][36][tiles], `scale_plane` for each of the 36, the first tile's first; and of
    /// weights, [depth][block of all inputs][36][32]
    const float *input_scales, *weight_scales;
    size_t scale_plane;
    struct ck_tiles tiles;
    size_t first_tile, count;
    /// [block of inputs][36][tiles][block], with `plane` floats for each of the 36
    const float *transformed;
    size_t plane, block;
    /// the depth of the kernel (1 or 3), and the distance in floats from a tile to the same tile of the next slice
    size_t depth, depth_step;
    /// all inputs; the first one that is transformed, and how many are
    size_t inputs, first_input, some;
    /// all outputs, and the number of them in this panel
    size_t outputs, columns;
    /// [depth][9][inputs][32]
    const float *panel;
    const float *bias, *add;
    /// not 0 where what is below 0 becomes 0 (ReLU), after bias and add
    int is_rectified;
    /// bias, add and result begin at the panel's first output; add and result at the first slice
    float *result;
    float *scratch;
};
void ck_winograd_products(const struct ck_winograd *it);
/// The floats of its scratch memory.
size_t ck_winograd_scratch(size_t tiles, size_t block);

/// The gradient with respect to the 4 × 4 results of a tile (up to 32 outputs), transformed by A to the 36 positions, which
/// lie `plane` floats apart. Whole vectors of 16 are written.
void ck_winograd_gradient(const struct ck_tiles *tiles, size_t number, const float *gradient, size_t outputs, size_t columns,
                          float *to, size_t plane);
/// The gradient with respect to the weights of one panel, [9][inputs][32], from the sums over all tiles, [36][inputs][32],
/// transformed by Gᵀ. Only the first `outputs` columns are computed.
void ck_winograd_weight_gradient(const float *sums, size_t plane, size_t inputs, size_t outputs, float *to);

#endif
