internal import CKernels

extension Tensor {
    /// What a thread works on at a time in operations that only read and write: 256 KiB, a fraction of its cache.
    static let chunk = 1 << 16

    private static func chunked(_ count: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
        Threads.perform((count + chunk - 1) / chunk) { index in
            body(index * chunk, min(chunk, count - index * chunk))
        }
    }

    /// The sum of two tensors of equal shape.
    public func adding(_ other: Tensor) -> Tensor {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Tensor.chunked(count) { first, count in
                    ck_sum(storage.base + first, other.storage.base + first, result + first, count)
                }
            })
    }

    /// Adds a tensor of equal shape.
    public mutating func add(_ other: Tensor) {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            Tensor.chunked(buffer.count) { first, count in ck_add(base + first, other.storage.base + first, count) }
        }
    }

    /// Adds a value to each channel (the last axis): `[C]` for all images, or `[N, C]` for each its own.
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

    public func applying(_ activation: Activation) -> Tensor {
        if case .none = activation { return self }
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Tensor.chunked(count) { first, count in
                    ck_activate(storage.base + first, result + first, count, activation.kernel)
                }
            })
    }

    /// The first half of the channels, each times the GELU of its partner in the second half: `[..., 2c]` → `[..., c]`.
    public func gatedGELU() -> Tensor {
        let width = (shape.last ?? 0) / 2
        precondition(shape.last == 2 * width, "\(shape) has no two halves of channels")
        let rows = width > 0 ? count / (2 * width) : 0
        let rowsOfChunk = max(Tensor.chunk / max(2 * width, 1), 1)
        return Tensor(
            shape: shape.dropLast() + [width],
            storage: .filled(count: rows * width) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    let first = index * rowsOfChunk
                    ck_gated_gelu(
                        storage.base + first * 2 * width, result + first * width, width, min(rowsOfChunk, rows - first), width)
                }
            })
    }
}
