import Basics
import Foundation

/// The metadata of an OME-Zarr image that is written, or served: `.zgroup`, `.zattrs`, and `.zarray` of each resolution.
package struct NewImage: Sendable {
    let name: String
    let remarks: [String]
    let voxelSize: VoxelSize?
    let areLabels: Bool
    /// The shape of each resolution, the highest first.
    package let levels: [VolumeShape]
    /// The number of voxels of a chunk along y and x.
    let chunkLength: Int
    /// The number of voxels of a chunk along z: as many, or fewer where a layer of chunks would take too much memory.
    let chunkDepth: Int
    /// Whether chunks have their length also where the volume is smaller.
    private let hasWholeChunks: Bool
    /// How lower resolutions were made.
    private let method: String
    /// The names of the values of labels.
    private let classes: [(value: Int, name: String)]

    /// The number of resolutions: as many as the CryoET Data Portal stores of every volume, also of one that fits a chunk, so that
    /// a program that asks for the third one finds it.
    private static let levelCount = 3

    /// - Parameters:
    ///   - chunkLength: the most voxels of a chunk along each axis; an odd number counts as the next one.
    ///   - layerLimit: the most voxels of a layer of chunks, which is at least two slices.
    init(
        name: String, remarks: [String], voxelSize: VoxelSize?, areLabels: Bool, shape: VolumeShape, chunkLength: Int,
        layerLimit: Int
    ) {
        (self.name, self.remarks, self.voxelSize, self.areLabels) = (name, remarks, voxelSize, areLabels)
        (hasWholeChunks, method, classes) = (false, areLabels ? "first of 2 x 2 x 2" : "mean of 2 x 2 x 2", [])
        let length = max(2, chunkLength + chunkLength % 2)
        self.chunkLength = length
        // Halved as often as needed, so that the depth mostly is a power of two, as that of other programs.
        var depth = length
        while depth > 2, depth * shape.voxelsPerSlice > layerLimit { depth = max(2, depth / 4 * 2) }
        chunkDepth = depth
        var levels = [shape]
        while levels.count < Self.levelCount, let last = levels.last {
            levels.append(VolumeShape(z: (last.z + 1) / 2, y: (last.y + 1) / 2, x: (last.x + 1) / 2) ?? last)
        }
        self.levels = levels
    }

    /// An image that is computed while it is read: resolutions until one fits a chunk, and whole chunks of the same length along
    /// all axes.
    ///
    /// - Parameters:
    ///   - halving: how lower resolutions are made; ``VoxelHalving/maximum`` also says that the voxels are labels.
    ///   - classes: the names of the values of labels.
    package init(
        served name: String, remarks: [String], voxelSize: VoxelSize?, halving: VoxelHalving,
        classes: [(value: Int, name: String)] = [], shape: VolumeShape, chunkLength: Int
    ) {
        (self.name, self.remarks, self.voxelSize, self.areLabels) = (name, remarks, voxelSize, halving == .maximum)
        (self.chunkLength, chunkDepth, hasWholeChunks) = (chunkLength, chunkLength, true)
        (method, self.classes) = ("\(halving.rawValue) of 2 x 2 x 2", classes)
        var levels = [shape]
        while let last = levels.last, max(last.z, last.y, last.x) > chunkLength,
            let next = VolumeShape(z: (last.z + 1) / 2, y: (last.y + 1) / 2, x: (last.x + 1) / 2)
        {
            levels.append(next)
        }
        self.levels = levels
    }

    /// The shape of the chunks of a resolution: no chunk is larger than the volume, unless all are whole.
    func chunkShape(_ level: Int) -> VolumeShape {
        let shape = levels[level]
        if hasWholeChunks { return VolumeShape(z: chunkDepth, y: chunkLength, x: chunkLength) ?? shape }
        return VolumeShape(z: min(chunkDepth, shape.z), y: min(chunkLength, shape.y), x: min(chunkLength, shape.x)) ?? shape
    }

    /// The keys of the metadata files and their contents.
    ///
    /// - Parameter compressor: of the chunks; nil where they are not compressed.
    func files(scalarType: ScalarType, compressor: ZarrCompressor?) throws(VolumeError) -> [(key: String, bytes: [UInt8])] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            var files = [
                (key: ".zgroup", bytes: [UInt8](try encoder.encode(Group()))),
                (key: ".zattrs", bytes: [UInt8](try encoder.encode(attributes))),
            ]
            for level in levels.indices {
                let (shape, chunk) = (levels[level], chunkShape(level))
                let array = ArrayMetadata(
                    shape: [shape.z, shape.y, shape.x], chunks: [chunk.z, chunk.y, chunk.x], dtype: scalarType.zarrCode,
                    compressor: compressor)
                files.append((key: "\(level)/.zarray", bytes: [UInt8](try encoder.encode(array))))
            }
            return files
        } catch {
            throw VolumeError(mistake: .unwritable, "cannot be written, as its metadata are no JSON (\(error))", path: name)
        }
    }

    /// The metadata file with a key, as `.zattrs` or `0/.zarray`, of an image whose chunks are not compressed; nil where there is
    /// none.
    package func file(_ key: String, scalarType: ScalarType) throws(VolumeError) -> [UInt8]? {
        try files(scalarType: scalarType, compressor: nil).first { $0.key == key }?.bytes
    }

    private var attributes: Attributes {
        let unit = voxelSize == nil ? nil : "angstrom"
        let datasets = levels.indices.map { level in
            let factor = Double(1 << level)
            let size: [Double] = voxelSize.map { [$0.zInAngstroms, $0.yInAngstroms, $0.xInAngstroms] } ?? [1, 1, 1]
            return Attributes.Dataset(
                path: "\(level)", coordinateTransformations: [.init(scale: size.map { Self.rounded($0 * factor) })])
        }
        return Attributes(
            multiscales: [
                .init(
                    name: name, axes: ["z", "y", "x"].map { .init(name: $0, unit: unit) }, datasets: datasets,
                    metadata: .init(method: method, remarks: remarks))
            ], label: areLabels ? .init(properties: properties, source: hasWholeChunks ? .init() : nil) : nil)
    }

    private var properties: [Attributes.Property]? {
        classes.isEmpty ? nil : classes.map { Attributes.Property(value: $0.value, name: $0.name) }
    }

    /// Nine digits: more than any header has, and without those that float64 adds.
    private static func rounded(_ length: Double) -> Double { (length * 1e6).rounded() / 1e6 }

    // MARK: The documents

    private struct Group: Encodable {
        let version = 2

        enum CodingKeys: String, CodingKey { case version = "zarr_format" }
    }

    private struct Attributes: Encodable {
        struct Image: Encodable {
            let version = "0.4"
            let name: String
            let axes: [Axis]
            let datasets: [Dataset]
            let metadata: Metadata
        }
        /// How resolutions were made, and where the voxels come from.
        struct Metadata: Encodable {
            let method: String
            let remarks: [String]
        }
        struct Axis: Encodable {
            let name: String
            let type = "space"
            let unit: String?
        }
        struct Dataset: Encodable {
            let path: String
            let coordinateTransformations: [Scale]
        }
        struct Scale: Encodable {
            let type = "scale"
            let scale: [Double]
        }
        struct Label: Encodable {
            let version = "0.4"
            let properties: [Property]?
            let source: Source?
        }
        /// Where the image of labels is that are served: beside `labels/`, in which they are.
        struct Source: Encodable {
            let image = "../../"
        }
        /// What a value of labels means.
        struct Property: Encodable {
            let value: Int
            let name: String

            enum CodingKeys: String, CodingKey {
                case value = "label-value"
                case name = "class"
            }
        }

        let multiscales: [Image]
        /// Says that voxels are labels: napari shows them as such.
        let label: Label?

        enum CodingKeys: String, CodingKey {
            case multiscales
            case label = "image-label"
        }
    }

    private struct ArrayMetadata: Encodable {
        let version = 2
        let shape: [Int]
        let chunks: [Int]
        let dtype: String
        let compressor: ZarrCompressor?
        let fill = 0
        let order = "C"
        let filters: [String]? = nil
        let separator = "/"

        enum CodingKeys: String, CodingKey {
            case version = "zarr_format"
            case shape, chunks, dtype, compressor
            case fill = "fill_value"
            case order, filters
            case separator = "dimension_separator"
        }

        // The keys `filters` and `compressor` must be there, with null.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(version, forKey: .version)
            try container.encode(shape, forKey: .shape)
            try container.encode(chunks, forKey: .chunks)
            try container.encode(dtype, forKey: .dtype)
            try container.encode(compressor, forKey: .compressor)
            try container.encode(fill, forKey: .fill)
            try container.encode(order, forKey: .order)
            try container.encode(filters, forKey: .filters)
            try container.encode(separator, forKey: .separator)
        }
    }
}

extension ScalarType {
    /// NumPy's code for little-endian values of this type.
    fileprivate var zarrCode: String {
        let kind = isFloatingPoint ? "f" : rawValue.hasPrefix("u") ? "u" : "i"
        return "\(size == 1 ? "|" : "<")\(kind)\(size)"
    }
}

/// The compression of chunks that are written, as `.zarray` names it.
enum ZarrCompressor: Encodable {
    /// Blosc with lz4, level 5, bytes shuffled: what the field's programs write.
    case blosc(BloscLibrary)
    /// For machines without the library.
    case zlib

    /// The one that this machine has.
    static var best: ZarrCompressor { BloscLibrary.shared.map(Self.blosc) ?? .zlib }

    private static let (zlibLevel, bloscLevel) = (1, 5)
    /// The most threads that compress a chunk.
    private static let threadLimit = 8

    /// The chunk as it is stored; nil where the library fails.
    ///
    /// - Complexity: one pass over the chunk; allocates as many bytes.
    func encode(_ chunk: UnsafeRawBufferPointer, elementSize: Int) -> [UInt8]? {
        switch self {
        case .blosc(let library):
            library.encode(
                chunk, elementSize: elementSize, level: Self.bloscLevel,
                threads: min(Self.threadLimit, ProcessInfo.processInfo.activeProcessorCount))
        case .zlib: Deflate.zlib(chunk, level: Self.zlibLevel)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .blosc:
            try container.encode("blosc", forKey: .id)
            try container.encode("lz4", forKey: .name)
            try container.encode(Self.bloscLevel, forKey: .bloscLevel)
            try container.encode(1, forKey: .shuffle)
            try container.encode(0, forKey: .blockSize)
        case .zlib:
            try container.encode("zlib", forKey: .id)
            try container.encode(Self.zlibLevel, forKey: .zlibLevel)
        }
    }

    private enum Key: String, CodingKey {
        case id, shuffle
        case name = "cname"
        case bloscLevel = "clevel"
        case blockSize = "blocksize"
        case zlibLevel = "level"
    }
}
