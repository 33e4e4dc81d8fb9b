import Basics
import Catalog
import Volumes

/// Reads planes of a volume across any axis, several at a time where one costs as much as its neighbours.
///
/// A plane of constant z is a part of the file that lies together. One of constant y has a row in each slice, and one of constant x
/// a voxel in each row: they are read in blocks of planes, through a buffer of some megabytes.
struct PlaneReader {
    let volume: any Volume
    /// For messages.
    let name: String

    /// The most voxels that are read at a time: 8 MiB of float32.
    private static let bufferVoxels = 2 << 20
    /// The most bytes of the planes of a block.
    static let blockBytes = 24 << 20
    /// The most voxels of a block of rows that is read along with one row.
    private static let companyVoxels = 4 << 20
    /// The levels that planes may have.
    static let levels = 0...8

    /// The number of planes across an axis.
    func count(_ axis: SliceAxis) -> Int {
        switch axis {
        case .x: volume.shape.x
        case .y: volume.shape.y
        case .z: volume.shape.z
        }
    }

    /// The width and height of a plane in voxels.
    func size(_ axis: SliceAxis) -> (width: Int, height: Int) {
        let shape = volume.shape
        return switch axis {
        case .x: (shape.y, shape.z)
        case .y: (shape.x, shape.z)
        case .z: (shape.x, shape.y)
        }
    }

    /// - Throws: ``CatalogError`` where there is no such plane or level.
    func check(_ axis: SliceAxis, index: Int, level: Int) throws(CatalogError) {
        guard Self.levels.contains(level) else {
            throw CatalogError(
                .invalid, "a slice has no level \(level); give \(Self.levels.lowerBound) to \(Self.levels.upperBound)")
        }
        let count = count(axis)
        guard (0..<count).contains(index) else {
            throw CatalogError(.invalid, "\(name) has no slice \(index) along \(axis.rawValue); give 0 to \(count - 1)")
        }
    }

    /// The planes that are read together with one.
    func block(_ axis: SliceAxis, around index: Int) -> Range<Int> {
        let (shape, chunk) = (volume.shape, volume.chunkShape)
        let area = size(axis).width * size(axis).height
        let wanted =
            switch axis {
            case .z: min(chunk.z, 16)
            // Where a row can be read alone, some of its neighbours cost little.
            case .y: chunk.y < 64 ? max(chunk.y, min(8, Self.companyVoxels / area)) : 64
            case .x: 64
            }
        let thickness = max(1, min(wanted, Self.blockBytes / area, count(axis)))
        let first = index / thickness * thickness
        return first..<min(first + thickness, axis == .z ? shape.z : axis == .y ? shape.y : shape.x)
    }

    /// The planes of a block.
    ///
    /// - Parameter sink: makes what takes the rows of a plane.
    /// - Throws: ``VolumeError`` where the volume cannot be read.
    /// - Complexity: reads every chunk that the block touches once, through a buffer of 2²¹ voxels, or of the chunks of one slice
    ///   of chunks.
    func planes<Sink: PlaneSink>(
        _ axis: SliceAxis, _ block: Range<Int>, level: Int, _ sink: (PlaneBinning) -> Sink
    ) throws -> [SliceBytes] {
        let size = size(axis)
        let binning = PlaneBinning(width: size.width, height: size.height, level: level)
        var sinks = block.map { _ in sink(binning) }
        var voxels = VoxelPortion<Sink.Element>()
        let rows = rowsAtATime(axis, planes: block.count)
        for first in stride(from: 0, to: size.height, by: rows) {
            let part = first..<min(first + rows, size.height)
            guard let box = box(axis, planes: block, rows: part) else { continue }
            try voxels.read(box, of: volume)
            voxels.withValues { values in
                for row in 0..<part.count {
                    for plane in 0..<block.count {
                        switch axis {
                        case .z:
                            let start = (plane * part.count + row) * size.width
                            sinks[plane].add(UnsafeBufferPointer(rebasing: values[start..<start + size.width]))
                        case .y:
                            let start = (row * block.count + plane) * size.width
                            sinks[plane].add(UnsafeBufferPointer(rebasing: values[start..<start + size.width]))
                        case .x: break
                        }
                    }
                }
                if axis == .x { Self.addColumns(values, rows: part.count, width: size.width, to: &sinks) }
            }
        }
        return sinks.indices.map { sinks[$0].finish() }
    }

    /// Adds the columns of boxes `[row][y][plane]` to planes: each plane is one x.
    private static func addColumns<Sink: PlaneSink>(
        _ values: UnsafeBufferPointer<Sink.Element>, rows: Int, width: Int, to sinks: inout [Sink]
    ) {
        let planes = sinks.count
        withUnsafeTemporaryAllocation(of: Sink.Element.self, capacity: width) { column in
            for row in 0..<rows {
                let start = row * width * planes
                for plane in 0..<planes {
                    for y in 0..<width { column.initializeElement(at: y, to: values[start &+ y &* planes &+ plane]) }
                    sinks[plane].add(UnsafeBufferPointer(column))
                }
            }
        }
    }

    /// The rows of a plane that are read at a time: so many that the buffer holds what has to be read for them.
    private func rowsAtATime(_ axis: SliceAxis, planes: Int) -> Int {
        let (shape, chunk) = (volume.shape, volume.chunkShape)
        /// The voxels along an axis that are decoded for a part of it.
        func decoded(_ part: Int, _ chunk: Int, _ all: Int) -> Int { min(all, (part + chunk - 1) / chunk * chunk) }
        switch axis {
        case .z:
            // Rows of a chunk are read together.
            let most = max(1, Self.bufferVoxels / (planes * shape.x))
            return most >= chunk.y ? max(1, most / chunk.y) * chunk.y : chunk.y
        case .y, .x:
            let rows =
                axis == .y
                ? decoded(planes, chunk.y, shape.y) * shape.x : shape.y * decoded(planes, chunk.x, shape.x)
            let most = max(1, Self.bufferVoxels / rows)
            return most >= chunk.z ? most / chunk.z * chunk.z : min(chunk.z, 16)
        }
    }

    private func box(_ axis: SliceAxis, planes: Range<Int>, rows: Range<Int>) -> Box? {
        let shape = volume.shape
        return switch axis {
        case .z: Box(z: planes, y: rows, x: 0..<shape.x)
        case .y: Box(z: rows, y: planes, x: 0..<shape.x)
        case .x: Box(z: rows, y: 0..<shape.y, x: planes)
        }
    }
}

/// A part of a volume in memory, which is used again for the next part.
struct VoxelPortion<Value: VoxelScalar> {
    private var stored: [UInt8] = []
    private var converted: [Float] = []
    private var count = 0
    private var isConverted = false

    /// Reads a box in its own type, or as float32 where that is asked for.
    ///
    /// - Throws: ``VolumeError`` where it cannot be read, or has neither this type nor float32 was asked for.
    mutating func read(_ box: Box, of volume: any Volume) throws(VolumeError) {
        let type = volume.scalarType
        isConverted = type != Value.scalarType
        guard !isConverted || Value.scalarType == .float32 else {
            throw VolumeError(mistake: .unsupported, "has voxels of \(type), which are no labels here", path: volume.header.path)
        }
        count = box.shape.count
        let byteCount = count * type.size
        if stored.count < byteCount { stored = [UInt8](repeating: 0, count: byteCount) }
        var span = stored.mutableSpan
        try span.withUnsafeMutableBytes { bytes throws(VolumeError) in
            try volume.read(box, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount]))
        }
        guard isConverted else { return }
        if converted.count < count { converted = [Float](repeating: 0, count: count) }
        let voxels = count
        stored.withUnsafeBytes { bytes in
            converted.withUnsafeMutableBufferPointer { floats in
                type.convert(
                    UnsafeRawBufferPointer(rebasing: bytes[..<byteCount]),
                    into: UnsafeMutableBufferPointer(rebasing: floats[..<voxels]))
            }
        }
    }

    /// The voxels that were read last, `[z][y][x]`.
    func withValues(_ body: (UnsafeBufferPointer<Value>) -> Void) {
        if isConverted {
            converted.withUnsafeBytes { body(UnsafeBufferPointer(rebasing: $0.assumingMemoryBound(to: Value.self)[..<count])) }
        } else {
            stored.withUnsafeBytes { body(UnsafeBufferPointer(rebasing: $0.assumingMemoryBound(to: Value.self)[..<count])) }
        }
    }
}
