import Tensors

/// Halves a grid by a 3×3 convolution of stride 2.
struct Downsampler: Sendable {
    let convolution: Convolution2D

    func callAsFunction(_ x: Tensor) -> Tensor { convolution(x) }
}

/// Doubles a grid: nearest neighbours, then a 3×3 convolution.
struct Upsampler: Sendable {
    let convolution: Convolution2D

    func callAsFunction(_ x: Tensor) -> Tensor { convolution(x.upsampledNearest2x()) }
}
