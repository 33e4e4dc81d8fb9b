internal import Volumes

extension Artifact {
    /// Reads rows of a dataset of any type as float32, slowest axis first. Integers beyond 2²⁴ and float64 are rounded to the
    /// nearest float32.
    ///
    /// - Parameter rows: indices along the first axis; nil for all.
    /// - Throws: ``BlobError`` where there is no such dataset or row, or it is damaged.
    /// - Complexity: decodes the chunks that contain the rows, on all cores; besides the result, it holds the stored values in
    ///   parts of about 16 MiB, or of the rows of one chunk if these are larger.
    public func readFloats(_ name: String, rows: Range<Int>? = nil) throws(BlobError) -> [Float] {
        let description = try description(of: name)
        let rows = rows ?? 0..<description.shape[0]
        if description.scalarType == .float32 { return try readRows(name, rows) }
        let count = try byteCount(of: rows, in: description) / description.scalarType.size
        var failure: BlobError?
        let floats = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(BlobError) {
                try readFloats(description, rows, into: buffer)
                initialized = count
            } catch {
                failure = error
                initialized = 0
            }
        }
        if let failure { throw failure }
        return floats
    }

    private func readFloats(
        _ description: DatasetDescription, _ rows: Range<Int>, into floats: UnsafeMutableBufferPointer<Float>
    ) throws(BlobError) {
        let elementsPerRow = description.rowByteCount / description.scalarType.size
        try forEachPart(of: description, rows) { (part, bytes) throws(BlobError) in
            let first = (part.lowerBound - rows.lowerBound) * elementsPerRow
            let target = UnsafeMutableBufferPointer(rebasing: floats[first..<first + part.count * elementsPerRow])
            description.scalarType.convert(bytes, into: target)
        }
    }
}
