internal import CKernels

extension Tensor {
    /// Nearest-neighbour upsampling by 2: `[N, H, W, C]` → `[N, 2H, 2W, C]`.
    public func upsampledNearest2x() -> Tensor {
        let (images, height, width, channels) = imageShape
        return Tensor(
            shape: [images, 2 * height, 2 * width, channels],
            storage: .filled(count: 4 * count) { result in
                Threads.perform(images * height) { row in
                    let source = storage.base + row * width * channels
                    let target = result + row * 4 * width * channels
                    for column in 0..<width {
                        let pixel = source + column * channels
                        (target + 2 * column * channels).update(from: pixel, count: channels)
                        (target + (2 * column + 1) * channels).update(from: pixel, count: channels)
                    }
                    (target + 2 * width * channels).update(from: target, count: 2 * width * channels)
                }
            })
    }

    /// Max pooling with 2 × 2 windows and stride 2: `[N, H, W, C]` → `[N, H / 2, W / 2, C]`. An odd last row or column is left
    /// out, as in PyTorch. The result is NaN where one of the four values is.
    public func maxPooled2x() -> Tensor {
        let (images, height, width, channels) = imageShape
        let (rows, columns) = (height / 2, width / 2)
        return Tensor(
            shape: [images, rows, columns, channels],
            storage: .filled(count: images * rows * columns * channels) { result in
                Threads.perform(images * rows) { row in
                    let upper = storage.base + (row / rows * height + 2 * (row % rows)) * width * channels
                    ck_max_pool(upper, upper + width * channels, result + row * columns * channels, columns, channels)
                }
            })
    }

    /// Adds one value to each channel of `[N, …, C]`.
    ///
    /// - Parameter channels: `[C]`, the same values for all images, or `[N, C]`, values for each image.
    public func adding(channels: Tensor) -> Tensor {
        let width = shape.last ?? 1
        let images = channels.shape.count == 2 ? channels.shape[0] : 1
        precondition(
            channels.shape.last == width && channels.shape.count <= 2 && (images == 1 || images == shape[0]),
            "\(channels.shape) are no channels of \(shape)")
        guard count > 0 else { return self }
        let rows = count / width
        let rowsOfImage = rows / images
        let rowsOfChunk = max(Tensor.chunk / width, 1)
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    for row in index * rowsOfChunk..<min((index + 1) * rowsOfChunk, rows) {
                        ck_sum(
                            storage.base + row * width, channels.storage.base + row / rowsOfImage * width, result + row * width,
                            width)
                    }
                }
            })
    }

    /// Global average pooling: the mean of each channel over the pixels of each image, `[N, H, W, C]` → `[N, C]`, summed in
    /// double precision.
    ///
    /// - Precondition: the images are not empty.
    public func channelMeans() -> Tensor {
        let (images, height, width, channels) = imageShape
        precondition(height * width > 0, "\(shape) has no pixels to take a mean of")
        return Tensor(
            shape: [images, channels],
            storage: .filled(count: images * channels) { result in
                Threads.perform(images) { image in
                    let first = storage.base + image * height * width * channels
                    var sums = [Double](repeating: 0, count: channels)
                    for pixel in 0..<height * width {
                        for c in 0..<channels { sums[c] += Double(first[pixel * channels + c]) }
                    }
                    for c in 0..<channels { result[image * channels + c] = Float(sums[c] / Double(height * width)) }
                }
            })
    }

    /// The sum of each channel over all other axes, `[…, C]` → `[C]`, in double precision: the gradient of a bias.
    public func channelSums() -> Tensor {
        let channels = shape.last ?? 1
        let zeros = [Float](repeating: 0, count: channels)
        let sums = ChannelMoments.sums(images: 1, rows: count / Swift.max(channels, 1), channels: channels) {
            _, first, rows, sums in
            ck_channel_moments(storage.base + first * channels, rows, channels, zeros, sums, sums + channels)
        }
        return Tensor(shape: [channels], values: sums.prefix(channels).map { Float($0) })
    }

    /// Concatenates tensors along the last axis (channels): `[…, C₁]`, `[…, C₂]`, … → `[…, C₁ + C₂ + …]`.
    ///
    /// - Precondition: all other axes are equal.
    public static func concatenating(_ parts: [Tensor]) -> Tensor {
        guard let first = parts.first else { return Tensor(shape: [0]) }
        let leading = Array(first.shape.dropLast())
        let widths = parts.map { $0.shape.last ?? 1 }
        precondition(
            parts.allSatisfy { Array($0.shape.dropLast()) == leading },
            "\(parts.map(\.shape)) differ in more than their channels")
        let width = widths.reduce(0, +)
        let rows = Tensor.count(of: leading)
        let rowsOfChunk = max(Tensor.chunk / max(width, 1), 1)
        return Tensor(
            shape: leading + [width],
            storage: .filled(count: rows * width) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    for row in index * rowsOfChunk..<min((index + 1) * rowsOfChunk, rows) {
                        var target = result + row * width
                        for (part, width) in zip(parts, widths) {
                            target.update(from: part.storage.base + row * width, count: width)
                            target += width
                        }
                    }
                }
            })
    }

    /// A slice of the last axis (channels), copied: `[…, C]` → `[…, range.count]`. The inverse of ``concatenating(_:)``.
    public func channels(_ range: Range<Int>) -> Tensor {
        let width = shape.last ?? 1
        precondition(0 <= range.lowerBound && range.upperBound <= width, "\(shape) has no channels \(range)")
        let rows = width > 0 ? count / width : 0
        let rowsOfChunk = Swift.max(Tensor.chunk / Swift.max(width, 1), 1)
        return Tensor(
            shape: shape.dropLast() + [range.count],
            storage: .filled(count: rows * range.count) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    for row in index * rowsOfChunk..<Swift.min((index + 1) * rowsOfChunk, rows) {
                        (result + row * range.count).update(
                            from: storage.base + row * width + range.lowerBound, count: range.count)
                    }
                }
            })
    }

    /// The lengths of a batch of images `[N, H, W, C]`: images, height, width, channels.
    ///
    /// - Precondition: the tensor has four axes.
    var imageShape: (Int, Int, Int, Int) {
        precondition(shape.count == 4, "\(shape) is no batch of images")
        return (shape[0], shape[1], shape[2], shape[3])
    }
}
