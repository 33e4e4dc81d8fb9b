public import Basics
public import Tensors
public import Volumes

/// Writes a safetensors file that appears under its name only when it is complete.
///
/// ```swift
/// let writer = try SafetensorsWriter(output, tensors: [.init("conv.weight", [24, 1, 3, 3, 3])])
/// try writer.write(weight, named: "conv.weight")
/// try writer.finish()
/// ```
///
/// The header comes first, and needs names, shapes and types only. So tensors can be written one by one, in any order, and none
/// stays in memory. The same tensors and metadata give the same bytes. The layout is that of the reference implementation: wide
/// types before narrow ones, then by name, which keeps every element aligned. Without ``finish()``, no file is left behind.
public final class SafetensorsWriter {
    /// The name, shape and type of a tensor that a file will hold.
    public struct Declaration: Hashable, Sendable {
        /// The name in the file.
        public let name: String
        /// The extents, outermost axis first.
        public let shape: [Int]
        /// `.float32`, or `.float16`: half the size, each value rounded to the nearest float16.
        public let elementType: ElementType

        /// A tensor of this name, shape and type.
        public init(_ name: String, _ shape: [Int], _ elementType: ElementType = .float32) {
            self.name = name
            self.shape = shape
            self.elementType = elementType
        }
    }

    private let file: AtomicFile
    private let entries: [String: TensorEntry]
    /// Declared tensors that were not yet written.
    private var missing: Set<String>

    /// Creates the file under a temporary name, and writes its header.
    ///
    /// - Parameters:
    ///   - output: the path of the file, and whether it may replace another.
    ///   - tensors: all tensors that the file will hold.
    ///   - metadata: strings for the header's `__metadata__`.
    /// - Throws: ``CheckpointError`` if a name is not allowed or occurs twice, a shape is negative or too large, a type is
    ///   neither float32 nor float16, or the folder may not be written to.
    public convenience init(
        _ output: OutputFile, tensors: [Declaration], metadata: [String: String] = [:]
    ) throws(CheckpointError) {
        for tensor in tensors where tensor.elementType != .float32 && tensor.elementType != .float16 {
            throw CheckpointError(
                .unwritable,
                "cannot hold \(CheckpointError.title(tensor.name)): it is \(tensor.elementType.rawValue); give F32 or F16",
                path: output.path)
        }
        try self.init(output, copying: tensors, metadata: metadata)
    }

    /// The same for tensors of any type, whose bytes ``copy(_:of:)`` takes from other files.
    init(_ output: OutputFile, copying tensors: [Declaration], metadata: [String: String]) throws(CheckpointError) {
        let (header, entries) = try Self.layOut(tensors, metadata, path: output.path)
        self.entries = entries
        missing = Set(entries.keys)
        file = try CheckpointError.translating { () throws(VolumeError) in try AtomicFile(output) }
        try header.withUnsafeBufferPointer { bytes throws(CheckpointError) in try write(UnsafeRawBufferPointer(bytes), at: 0) }
    }

    /// The path at which ``finish()`` puts the file.
    public var path: String { file.path }

    /// Writes the values of one tensor. A second write of the same tensor replaces the first.
    ///
    /// - Throws: ``CheckpointError`` if no tensor of this name and shape was declared, or the disk is full.
    /// - Complexity: O(elements).
    public func write(_ tensor: Tensor, named name: String) throws(CheckpointError) {
        guard let entry = entries[name] else {
            throw CheckpointError(
                .missingTensor, "was not to hold a \(CheckpointError.title(name)); declare it with the others", path: path)
        }
        guard entry.shape == tensor.shape else {
            throw CheckpointError(
                .mismatchedTensor,
                "was to hold \(CheckpointError.title(name)) with another shape than \(tensor.shape); give \(entry.shape)",
                path: path)
        }
        var failure: CheckpointError?
        tensor.withUnsafeBufferPointer { values in
            do throws(CheckpointError) {
                if entry.elementType == .float16 {
                    try writeHalves(values, at: entry.byteRange.lowerBound)
                } else {
                    try write(UnsafeRawBufferPointer(values), at: entry.byteRange.lowerBound)
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        missing.remove(name)
    }

    /// Copies the elements of a tensor from another file, without conversion, in row-major order.
    ///
    /// - Precondition: it was declared with the same name, shape and type.
    /// - Throws: ``CheckpointError`` if the other file became shorter, or the disk is full.
    func copy(_ source: TensorEntry, of file: MappedFile) throws(CheckpointError) {
        guard let entry = entries[source.name], entry.shape == source.shape, entry.elementType == source.elementType else {
            preconditionFailure("\(source.name) was not declared as it is")
        }
        let size = entry.elementType.byteCount
        try file.readElements(of: source) { (first, bytes) throws(CheckpointError) in
            try write(bytes, at: entry.byteRange.lowerBound + first * size)
        }
        missing.remove(source.name)
    }

    /// Forces the file to the disk, and gives it its name.
    ///
    /// - Throws: ``CheckpointError`` if a declared tensor was not written, or the disk fails.
    public func finish() throws(CheckpointError) {
        if let name = missing.min() {
            throw CheckpointError(
                .unwritable, "lacks \(CheckpointError.title(name)), which was declared; write it before the end", path: path)
        }
        try CheckpointError.translating { () throws(VolumeError) in try file.commit() }
    }

    /// Writes values as float16, rounded to the nearest, 2 MiB at a time.
    private func writeHalves(_ values: UnsafeBufferPointer<Float>, at offset: Int) throws(CheckpointError) {
        let step = 1 << 20
        var halves = [UInt16](repeating: 0, count: min(step, values.count))
        for start in stride(from: 0, to: values.count, by: step) {
            let range = start..<min(start + step, values.count)
            try halves.withUnsafeMutableBufferPointer { buffer throws(CheckpointError) in
                let part = UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])
                Half.float32ToFloat16(UnsafeBufferPointer(rebasing: values[range]), part)
                try write(UnsafeRawBufferPointer(part), at: offset + 2 * start)
            }
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
        try CheckpointError.translating { () throws(VolumeError) in try file.write(bytes.bytes, at: offset) }
    }
}

extension SafetensorsWriter {
    /// The bytes before the data (the length and the JSON, padded to a multiple of 8 bytes), and the place of each tensor.
    private static func layOut(
        _ tensors: [Declaration], _ metadata: [String: String], path: String
    ) throws(CheckpointError) -> (header: [UInt8], entries: [String: TensorEntry]) {
        func refusal(_ what: String) -> CheckpointError { CheckpointError(.unwritable, what, path: path) }
        var members: [String] = []
        if !metadata.isEmpty {
            let notes = metadata.sorted { $0.key < $1.key }.map { "\(json($0.key)):\(json($0.value))" }
            members.append("\(json(SafetensorsHeader.metadataName)):{\(notes.joined(separator: ","))}")
        }
        var ranges: [(tensor: Declaration, offset: Int, count: Int)] = []
        var end = 0
        for tensor in tensors.sorted(by: { ($1.elementType.byteCount, $0.name) < ($0.elementType.byteCount, $1.name) }) {
            let title = CheckpointError.title(tensor.name)
            guard tensor.name != SafetensorsHeader.metadataName, !tensor.name.contains("\0") else {
                throw refusal("cannot hold \(title): the format forbids the name")
            }
            guard tensor.shape.count <= SafetensorsHeader.axisLimit,
                let count = TensorEntry.byteCount(tensor.shape, tensor.elementType), count <= Int.max / 4 - end
            else {
                throw refusal("cannot hold \(title): the shape \(tensor.shape) has no size")
            }
            ranges.append((tensor, end, count))
            members.append(
                "\(json(tensor.name)):{\"dtype\":\"\(tensor.elementType.rawValue)\",\"shape\":\(list(tensor.shape)),"
                    + "\"data_offsets\":\(list([end, end + count]))}")
            end += count
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
        guard text.count <= SafetensorsHeader.byteCountLimit else { throw refusal("would have a header of \(text.count) bytes") }
        let start = 8 + text.count
        var entries: [String: TensorEntry] = [:]
        for (tensor, offset, count) in ranges {
            let range = start + offset..<start + offset + count
            let entry = TensorEntry(name: tensor.name, elementType: tensor.elementType, shape: tensor.shape, byteRange: range)
            guard entries.updateValue(entry, forKey: tensor.name) == nil else {
                throw refusal("cannot hold \(CheckpointError.title(tensor.name)) twice")
            }
        }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
        return (length + text, entries)
    }

    private static func list(_ numbers: [Int]) -> String { "[\(numbers.map(String.init).joined(separator: ","))]" }

    /// Text as a JSON string, in quotes and escaped.
    private static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
