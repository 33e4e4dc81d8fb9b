public import Basics
import Glibc

/// A dataset of an HDF5 file as a volume: `[z][y][x]`, or `[y][x]` as one slice, of integers or floats; further axes in
/// front must have the extent 1.
///
/// Numbers of other byte orders and widths are converted by HDF5; truth values and other enumerations are read as the
/// integers they are stored as. What lies in other files (external storage, virtual datasets, external links) is refused,
/// as a volume is the file that it is named after.
///
/// What libhdf5 might not survive in a damaged file, it meets in a copy of this process first
/// (``HDF5Library/isolated(_:path:body:)``): opening, and reading from chunks, whose index and filters are met then.
public struct HDF5Volume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape
    private let dataset: HDF5Dataset

    /// The greatest chunk in bytes that is read: HDF5 holds whole ones in memory.
    public static let chunkByteLimit = 512 << 20

    /// Opens a dataset.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - dataset: the path inside the file: `/volumes/raw`.
    /// - Throws: ``VolumeError`` where the file cannot be read or is no HDF5, has no such dataset (the message names those
    ///   it has), or the dataset is no volume that is read here.
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
        guard box.isInside(shape), destination.count == box.shape.count * scalarType.size else {
            throw .outOfBounds("the box \(box.x) × \(box.y) × \(box.z)", shape: shape, path: header.path)
        }
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

    /// Returns false where reading failed, which it then does here too, with its reason.
    private func readIsolated(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(HDF5Error) -> Bool {
        let action = "cannot read \(dataset.name)"
        guard let shared = SharedBuffer(count: destination.count + 1) else {
            throw HDF5Error(action, reason: String(cString: strerror(errno)), systemError: errno, path: header.path)
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

    /// Three numbers as those of a dataset with more axes in front, or with the first one missing.
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
            // Where not even the list can be read, the first error is the one that matters.
            let found = ((try? file.volumePaths(limit: 12)) ?? []).map { "'\($0)'" }.joined(separator: ", ")
            throw VolumeError(
                .malformed,
                found.isEmpty
                    ? "\(error.message), and the file has no dataset of two axes or more"
                    : "\(error.message); the datasets of two axes or more are \(found)",
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
            throw VolumeError(.malformed, "\(dataset.name) has the shape \(axes), which no volume has", path: dataset.path)
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
            ? VolumeError(.malformed, "is not an HDF5 file", path: error.path) : error.volumeError
    }
}
