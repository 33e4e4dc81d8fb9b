internal import Tensors

/// A safetensors file, opened: its table of contents is checked as a whole, its tensors are read when they are asked for.
///
/// Opening reads the header only. Bytes on which header and file disagree, or that no tensor or more than one claims, are refused
/// with the tensor's name.
public final class SafetensorsFile: Sendable {
    /// Where the file lies.
    public var path: String { file.path }
    /// In the order of their bytes.
    public let tensors: [TensorEntry]
    /// What the writer noted; `format` is usually `pt`.
    public let metadata: [String: String]

    private let file: MappedFile

    /// - Throws: ``CheckpointError`` where the file cannot be read, is no safetensors file, or is damaged.
    public init(path: String) throws(CheckpointError) {
        file = try MappedFile(path: path)
        let prefix = try file.bytes(in: 0..<min(8, file.byteCount))
        let count = try SafetensorsHeader.byteCount(prefix, fileByteCount: file.byteCount, path: path)
        let json = try file.bytes(in: 8..<8 + count)
        let header = try SafetensorsHeader(json: json, fileByteCount: file.byteCount, path: path)
        tensors = header.tensors
        metadata = header.metadata
    }

    /// The elements as float32.
    ///
    /// Aligned float32 is a view of the mapped file: nothing is copied, and the tensor keeps the file open. Float16 and bfloat16
    /// are converted, exactly, through a buffer of 2 MB.
    ///
    /// - Parameter entry: One of ``tensors``.
    /// - Throws: ``CheckpointError`` where the type is another, or the file has changed since it was opened.
    func tensor(_ entry: TensorEntry) throws(CheckpointError) -> Tensor {
        try checkHoldsFloats(entry)
        switch entry.elementType {
        case .float16: return try converted(entry, Half.float16ToFloat32)
        case .bfloat16: return try converted(entry, Half.bfloat16ToFloat32)
        default:
            if let floats = try file.floats(in: entry.byteRange) {
                return Tensor(shape: entry.shape, mapping: floats, owner: file)
            }
            return try filled(entry.shape) { target throws(CheckpointError) in
                try file.read(at: entry.byteRange.lowerBound, into: UnsafeMutableRawBufferPointer(target))
            }
        }
    }

    /// Throws where a tensor is of a type that ``tensor(_:)`` does not read.
    func checkHoldsFloats(_ entry: TensorEntry) throws(CheckpointError) {
        guard [.float32, .float16, .bfloat16].contains(entry.elementType) else {
            throw .mismatched(entry, needing: "floats (F32, F16, BF16)", path: path)
        }
    }

    /// The elements of a tensor of integers or truth values.
    ///
    /// - Throws: ``CheckpointError`` where the type is another, or the file has changed since it was opened.
    func integers(_ entry: TensorEntry) throws(CheckpointError) -> [Int] {
        let bytes = try file.bytes(in: entry.byteRange)
        func load<Value: FixedWidthInteger>(_: Value.Type) -> [Int] {
            bytes.withUnsafeBytes { raw in
                (0..<entry.count).map { index in
                    let value = raw.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
                    return Int(Value(littleEndian: value))
                }
            }
        }
        switch entry.elementType {
        case .int64: return load(Int64.self)
        case .int32: return load(Int32.self)
        case .int16: return load(Int16.self)
        case .int8: return load(Int8.self)
        case .uint8, .boolean: return load(UInt8.self)
        case .float64, .float32, .float16, .bfloat16:
            throw .mismatched(entry, needing: "integers", path: path)
        }
    }

    /// Lets go of the memory through which a float32 tensor was seen. The tensor stays valid: its values come from the file
    /// again.
    func releasePages(_ entry: TensorEntry) { file.releasePages(entry.byteRange) }

    private func converted(
        _ entry: TensorEntry, _ convert: (UnsafeBufferPointer<UInt16>, UnsafeMutableBufferPointer<Float>) -> Void
    ) throws(CheckpointError) -> Tensor {
        try filled(entry.shape) { target throws(CheckpointError) in
            let step = 1 << 20
            var halves = [UInt16](repeating: 0, count: min(step, target.count))
            for start in stride(from: 0, to: target.count, by: step) {
                let range = start..<min(start + step, target.count)
                try halves.withUnsafeMutableBufferPointer { buffer throws(CheckpointError) in
                    let part = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
                    try file.read(at: entry.byteRange.lowerBound + 2 * start, into: UnsafeMutableRawBufferPointer(part))
                    convert(UnsafeBufferPointer(part), UnsafeMutableBufferPointer(rebasing: target[range]))
                }
            }
        }
    }

    /// A tensor that a closure fills; it is thrown away if the closure throws.
    private func filled(
        _ shape: [Int], _ fill: (UnsafeMutableBufferPointer<Float>) throws(CheckpointError) -> Void
    ) throws(CheckpointError) -> Tensor {
        var failure: CheckpointError?
        let tensor = Tensor(shape: shape) { target in
            do throws(CheckpointError) { try fill(target) } catch { failure = error }
        }
        if let failure { throw failure }
        return tensor
    }
}
