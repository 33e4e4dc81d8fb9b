internal import CKernels

extension Tensor {
    /// Adds a factor times a tensor of equal shape.
    public mutating func add(_ other: Tensor, times factor: Float) {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let count = buffer.count
            Threads.perform((count + Tensor.chunk - 1) / Tensor.chunk) { index in
                let first = index * Tensor.chunk
                ck_accumulate(base + first, other.storage.base + first, factor, Swift.min(Tensor.chunk, count - first))
            }
        }
    }

    /// Derivatives by what ELU took, from those by what it gave, which this is.
    public func eluGradient(_ gradient: Tensor) -> Tensor {
        precondition(shape == gradient.shape, "\(gradient.shape) does not come of \(shape)")
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Threads.perform((count + Tensor.chunk - 1) / Tensor.chunk) { index in
                    let first = index * Tensor.chunk
                    ck_elu_gradient(
                        storage.base + first, gradient.storage.base + first, result + first,
                        Swift.min(Tensor.chunk, count - first))
                }
            })
    }

    /// What lies in a range of the last axis: the inverse of `concatenating`.
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

    /// The sum of each channel over all voxels, in double precision: the derivative by a bias.
    public func channelSums() -> Tensor {
        let channels = shape.last ?? 1
        let zeros = [Float](repeating: 0, count: channels)
        let sums = ChannelMoments.sums(images: 1, rows: count / Swift.max(channels, 1), channels: channels) {
            _, first, rows, sums in
            ck_channel_moments(storage.base + first * channels, rows, channels, zeros, sums, sums + channels)
        }
        return Tensor(shape: [channels], values: sums.prefix(channels).map { Float($0) })
    }
}
