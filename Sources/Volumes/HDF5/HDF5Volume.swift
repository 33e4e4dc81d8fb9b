public import Basics

/// A dataset of an HDF5 file as a volume: `[z][y][x]`, or `[y][x]` as one slice, of integers or floats. More axes in front
/// of these must have the extent 1.
///
/// HDF5 converts numbers of other byte orders and widths. Booleans and other enumerations are read as the integers that
/// store them. Voxels in other files (external storage, virtual datasets, external links) are refused: a volume is in the
/// file that it is named after.
///
/// libhdf5 may crash on a damaged file. So the steps where it can crash run in a forked copy of this process
/// (``HDF5Library/isolated(_:path:body:)``): opening is tried there first, and chunked data, with their index and filters,
/// are read there.
public struct HDF5Volume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape
    private let dataset: HDF5Dataset

    /// The size limit in bytes of a decoded chunk: HDF5 holds whole chunks in memory.
    public static let chunkByteLimit = 512 << 20

    /// Opens a dataset.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - dataset: the path inside the file: `/volumes/raw`.
    /// - Throws: ``VolumeError``: `.unreadable`, `.truncated` or `.malformed` where the file cannot be read, is not HDF5 or has
    ///   no such dataset (the message lists its datasets); `.unsupported` for a type, shape, filter or storage that is not
    ///   read; `.tooLarge` for chunks beyond ``chunkByteLimit``.
    /// - Complexity: reads metadata only, twice, and one fork.
    public init(path: String, dataset member: String) throws(VolumeError) {
        do throws(HDF5Error) {
            try HDF5Library.isolated("cannot open the file", path: path) { _ = try? HDF5Volume(opening: member, in: path) }
        } catch {
            throw error.volumeError
        }
        try self.init(opening: member, in: path)
    }

    private init(opening member: String, in path: String) throws(VolumeError) {
        let file: HDF5File
        do throws(HDF5Error) { file = try .open(path) } catch { throw .opening(error) }
        let dataset = try Self.open(member, in: file)
        guard case .scalar(let scalarType, let isExact) = dataset.elementType else {
            throw .unsupported(dataset, "has elements of the type \(dataset.elementType.words); name one of numbers")
        }
        self.shape = try Self.shape(of: dataset)
        self.scalarType = scalarType
        self.chunkShape = try Self.chunkShape(of: dataset, shape, scalarType)
        for filter in dataset.filters where !filter.isAvailable {
            throw .unsupported(
                dataset,
                "needs a codec that is not supported, the HDF5 filter \(filter.id) (\(filter.name)); "
                    + "rewrite it with deflate, as 'h5repack -f GZIP=1' does")
        }
        self.dataset = dataset
        let voxelSize: HDF5VoxelSize
        do throws(HDF5Error) { voxelSize = try HDF5VoxelSize(dataset: dataset) } catch { throw error.volumeError }
        header = VolumeHeader(
            path: path, format: "HDF5", voxelSize: voxelSize.value,
            notes: voxelSize.notes + (isExact ? [] : ["the elements are stored as another type and read as \(scalarType)"]))
    }

    public func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        try box.check(inside: shape, destination: destination, scalarType: scalarType, path: header.path)
        do throws(HDF5Error) {
            if case .chunked = dataset.layout, try readIsolated(box, into: destination) { return }
            try readDirectly(box, into: destination)
        } catch {
            throw error.volumeError
        }
    }

    private func readDirectly(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(HDF5Error) {
        try dataset.read(
            start: Self.fit([box.z.lowerBound, box.y.lowerBound, box.x.lowerBound], to: dataset.shape.count, filler: 0),
            count: Self.fit([box.shape.z, box.shape.y, box.shape.x], to: dataset.shape.count, filler: 1),
            as: scalarType, into: destination)
    }

    /// Reads in a forked copy of this process, into shared memory. Returns false where reading failed there; the caller then
    /// reads directly, which fails with the reason.
    private func readIsolated(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(HDF5Error) -> Bool {
        let action = "cannot read \(dataset.name)"
        guard let shared = SharedBuffer(count: destination.count + 1) else {
            throw HDF5Error(action, .last, path: header.path)
        }
        let (voxels, done) = (UnsafeMutableRawBufferPointer(rebasing: shared.bytes.dropLast()), shared.bytes.count - 1)
        let bytes = shared.bytes
        try HDF5Library.isolated(action, path: header.path) {
            if (try? readDirectly(box, into: voxels)) != nil { bytes[done] = 1 }
        }
        guard bytes[done] == 1 else { return false }
        destination.copyMemory(from: UnsafeRawBufferPointer(voxels))
        return true
    }

    /// Turns (z, y, x) into `rank` numbers: puts `filler` in front for more axes, or drops z for two.
    private static func fit(_ axes: [Int], to rank: Int, filler: Int) -> [Int] {
        Array(repeating: filler, count: max(0, rank - 3)) + axes.suffix(min(3, rank))
    }

    private static func open(_ member: String, in file: HDF5File) throws(VolumeError) -> HDF5Dataset {
        let dataset: HDF5Dataset
        do throws(HDF5Error) {
            dataset = try .open(member, in: file)
        } catch {
            guard error.systemError == nil else { throw error.volumeError }
            guard !file.leadsElsewhere(member) else {
                throw VolumeError(
                    .unsupported, "the dataset '\(member)' is a link into another file; name that file instead", path: file.path)
            }
            // If the list cannot be read either, the first error is reported without it.
            let found = ((try? file.volumePaths(limit: 12)) ?? []).map { "'\($0)'" }.joined(separator: ", ")
            throw VolumeError(
                .malformed,
                found.isEmpty
                    ? "\(error.message), and the file has no dataset of two axes or more; give another file"
                    : "\(error.message); name one of the datasets of two axes or more: \(found)",
                path: file.path)
        }
        if case .elsewhere(let place) = dataset.layout {
            throw .unsupported(dataset, "keeps its elements \(place), which is not read; copy it into one plain dataset")
        }
        return dataset
    }

    private static func shape(of dataset: HDF5Dataset) throws(VolumeError) -> VolumeShape {
        let axes = dataset.shape
        guard axes.count >= 2, axes.dropLast(3).allSatisfy({ $0 == 1 }) else {
            throw .unsupported(dataset, "has the shape \(axes); a volume has three axes, and more only of extent 1 in front")
        }
        let three = [1, 1, 1] + axes
        guard let shape = VolumeShape(z: three[three.count - 3], y: three[three.count - 2], x: three[three.count - 1]) else {
            throw VolumeError(
                .malformed, "\(dataset.name) has the shape \(axes), which no volume has; name another dataset", path: dataset.path
            )
        }
        return shape
    }

    private static func chunkShape(
        of dataset: HDF5Dataset, _ shape: VolumeShape, _ scalarType: ScalarType
    ) throws(VolumeError) -> VolumeShape {
        guard case .chunked(let chunk) = dataset.layout else { return VolumeShape(z: 1, y: 1, x: shape.x) ?? shape }
        guard let byteCount = chunk.byteCount(of: scalarType), byteCount <= chunkByteLimit else {
            throw VolumeError(
                .tooLarge,
                "\(dataset.name) has chunks of the shape \(chunk), larger than \(chunkByteLimit >> 20) MiB; "
                    + "rewrite it with smaller ones", path: dataset.path)
        }
        let three = [1, 1, 1] + chunk
        return VolumeShape(
            z: min(three[three.count - 3], shape.z), y: min(three[three.count - 2], shape.y),
            x: min(three[three.count - 1], shape.x))
            ?? shape
    }
}

extension HDF5ElementType {
    fileprivate var words: String {
        switch self {
        case .scalar(let scalarType, _): "\(scalarType)"
        case .other(let words): "'\(words)'"
        }
    }
}

extension VolumeError {
    fileprivate static func unsupported(_ dataset: HDF5Dataset, _ what: String) -> VolumeError {
        VolumeError(.unsupported, "\(dataset.name) \(what)", path: dataset.path)
    }

    fileprivate static func opening(_ error: HDF5Error) -> VolumeError {
        error.reason == "file signature not found"
            ? VolumeError(.malformed, "is not an HDF5 file; copy it again, or give another file", path: error.path)
            : error.volumeError
    }
}

/// The voxel size from attributes of a dataset, or else of its file. HDF5 has no convention for it. These attributes are in
/// use; ambiguous ones are ignored, because a wrong voxel size is worse than none.
private struct HDF5VoxelSize {
    let value: VoxelSize?
    /// How the attribute was understood, one sentence each.
    let notes: [String]

    /// An attribute that may hold a voxel size: one number, or three in the order z, y, x.
    private struct Convention {
        let attribute: String
        /// The unit if no other attribute gives one; nil if the value is then ambiguous and ignored.
        let usualUnit: LengthUnit?
    }

    private static let conventions = [
        Convention(attribute: "voxel_size", usualUnit: .angstrom),
        Convention(attribute: "pixel_size", usualUnit: .angstrom),
        // ilastik and PlantSeg write micrometres, as the name says.
        Convention(attribute: "element_size_um", usualUnit: .micrometer),
        // Some programs write nanometres, others micrometres or factors.
        Convention(attribute: "resolution", usualUnit: nil),
    ]

    /// - Throws: ``HDF5Error`` where the system refused to read. Attributes that HDF5 cannot read are ignored.
    init(dataset: HDF5Dataset) throws(HDF5Error) {
        for object in [dataset, dataset.file] as [any HDF5Object] {
            for convention in Self.conventions {
                guard let edges = try Self.edges(of: object, convention), let value = VoxelSize(edges) else { continue }
                self.value = value
                let isCubic = value.xInAngstroms == value.yInAngstroms && value.yInAngstroms == value.zInAngstroms
                self.notes = isCubic ? [] : ["the attribute '\(convention.attribute)' was read in the order z, y, x"]
                return
            }
        }
        value = nil
        notes = []
    }

    /// The edges in Å, one or three in the order z, y, x; nil where the object has no such attribute or its unit is unknown.
    private static func edges(of object: any HDF5Object, _ convention: Convention) throws(HDF5Error) -> [Double]? {
        func attribute(_ name: String) throws(HDF5Error) -> HDF5AttributeValue? {
            do throws(HDF5Error) {
                return try object.attributeNames().contains(name) ? object.readAttribute(name) : nil
            } catch {
                guard error.systemError == nil else { throw error }
                return nil
            }
        }
        let edges: [Double]
        switch try attribute(convention.attribute) {
        case .reals(let values, _): edges = values
        case .integers(let values, _): edges = values.map { Double($0) }
        default: return nil
        }
        var unit = convention.usualUnit
        for name in ["\(convention.attribute)_unit", "unit", "units"] {
            guard case .string(let text)? = try attribute(name) else { continue }
            unit = LengthUnit(named: text)
            break
        }
        guard let unit else { return nil }
        return edges.map { $0 * unit.inAngstroms }
    }
}

extension VoxelSize {
    /// One edge of a cube, or three in the order z, y, x.
    fileprivate init?(_ edges: [Double]) {
        switch edges.count {
        case 1: self.init(cubicInAngstroms: edges[0])
        case 3: self.init(xInAngstroms: edges[2], yInAngstroms: edges[1], zInAngstroms: edges[0])
        default: return nil
        }
    }
}
