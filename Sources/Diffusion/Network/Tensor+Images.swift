import Tensors

extension Tensor {
    /// The images of a stack, each with its own first axis of extent 1.
    var images: [Tensor] {
        guard shape[0] != 1 else { return [self] }
        let count = self.count / shape[0]
        return (0..<shape[0]).map { index in
            Tensor(shape: [1] + shape.dropFirst()) { target in
                withUnsafeBufferPointer { source in
                    _ = target.initialize(from: source[index * count..<(index + 1) * count])
                }
            }
        }
    }

    /// One stack of images of one shape.
    static func stacking(_ images: [Tensor]) -> Tensor {
        guard images.count != 1, let first = images.first else { return images.first ?? Tensor(shape: [0]) }
        return Tensor(shape: [images.count] + first.shape.dropFirst()) { target in
            var rest = target
            for image in images {
                image.withUnsafeBufferPointer { source in
                    _ = rest.initialize(from: source)
                    rest = UnsafeMutableBufferPointer(rebasing: rest[source.count...])
                }
            }
        }
    }
}
