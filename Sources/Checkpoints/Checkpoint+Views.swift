public import Basics

/// A tensor of a checkpoint under another name, or some of its rows.
///
/// Networks are written down in several layouts: the same tensors have other names, or several tensors are stored as one. A view
/// says which tensor a network's name stands for.
public struct TensorView: Hashable, Sendable {
    /// The name in the checkpoint that is viewed.
    public let name: String
    /// The part of the first axis that is seen, in equal parts: `(1, of: 3)` is the second third of the rows; nil for all.
    public let part: Part?

    /// One of several equal parts of a tensor's first axis.
    public struct Part: Hashable, Sendable {
        let index: Int
        let count: Int

        /// - Precondition: `index` is one of `0..<count`.
        public init(_ index: Int, of count: Int) {
            precondition((0..<count).contains(index), "\(index) is none of \(count) parts")
            (self.index, self.count) = (index, count)
        }
    }

    /// The tensor of this name, or a part of its rows.
    public init(_ name: String, part: Part? = nil) {
        (self.name, self.part) = (name, part)
    }
}

extension Checkpoint {
    /// The same files with other names: a checkpoint that has just the tensors of these views. Nothing is read or copied, and a
    /// float32 tensor is mapped as before, also where it is a part of another. Errors name tensors as the file does.
    ///
    /// - Parameter views: the tensors to see, by their new names.
    /// - Throws: ``CheckpointError`` if a tensor is missing, or its rows cannot be divided into equal parts.
    public func renamed(_ views: [String: TensorView]) throws(CheckpointError) -> Checkpoint {
        var renamed: [String: Location] = [:]
        renamed.reserveCapacity(views.count)
        // In order, so that the same flaw gives the same sentence.
        for (name, view) in views.sorted(by: { $0.key < $1.key }) {
            guard let location = locations[view.name] else {
                throw CheckpointError(
                    .missingTensor,
                    "has no \(CheckpointError.title(view.name)), which a network of this kind has: the file is incomplete, get it again",
                    path: path)
            }
            guard let entry = location.entry.seen(as: name, view.part) else {
                throw CheckpointError(
                    .mismatchedTensor,
                    "\(location.title) has the shape \(location.entry.shape), which cannot be divided into \(view.part?.count ?? 1) "
                        + "equal parts: the file is damaged, get it again", path: location.file.path)
            }
            renamed[name] = Location(
                file: location.file, entry: entry, originalName: location.originalName ?? location.entry.name)
        }
        return Checkpoint(path: path, files: files, locations: renamed)
    }

    /// Adds all tensors to a hash, in the order of their names: name, type, shape, and the elements in row-major order as they are
    /// stored. So the hash does not depend on the format of the file, on the order in it, or on tensors that a view leaves out.
    ///
    /// - Throws: ``CheckpointError`` if a file became shorter since it was opened.
    /// - Complexity: O(bytes), in pieces of 2 MiB.
    public func update(_ hash: inout SHA256) throws(CheckpointError) {
        for name in names {
            guard let location = locations[name] else { continue }
            let entry = location.entry
            hash.update("\(name)\0\(entry.elementType.rawValue)\0\(entry.shape)\0".utf8)
            try location.file.readElements(of: entry) { (_, bytes) throws(CheckpointError) in hash.update(bytes) }
        }
    }
}

extension TensorEntry {
    /// The entry under another name, or of one part of the first axis; nil if there are no such equal parts.
    fileprivate func seen(as name: String, _ part: TensorView.Part?) -> TensorEntry? {
        guard let part else {
            return TensorEntry(name: name, elementType: elementType, shape: shape, byteRange: byteRange, strides: strides)
        }
        guard let rows = shape.first, rows % part.count == 0 else { return nil }
        let partShape = [rows / part.count] + shape.dropFirst()
        guard !shape.contains(0) else {
            return TensorEntry(
                name: name, elementType: elementType, shape: partShape,
                byteRange: byteRange.lowerBound..<byteRange.lowerBound)
        }
        guard let strides else {
            let size = byteRange.count / part.count
            let first = byteRange.lowerBound + part.index * size
            return TensorEntry(name: name, elementType: elementType, shape: partShape, byteRange: first..<first + size)
        }
        let first = byteRange.lowerBound + part.index * partShape[0] * strides[0] * elementType.byteCount
        let span = zip(partShape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
        return TensorEntry(
            name: name, elementType: elementType, shape: partShape, byteRange: first..<first + span * elementType.byteCount,
            strides: strides)
    }
}
