import Basics
import Catalog
package import CellarKit
import Figures
import Rendering
import Synchronization
import Volumes

/// Slices, layers, points and thumbnails of the tomograms of a catalog.
///
/// Any number of threads may use it; a call blocks its thread while a file is read. What was made is kept, the longest unused
/// giving way, up to a number of bytes; while slices are made, a call needs some megabytes more, and one call at a time 24 MiB
/// more.
package final class TomogramImages: Sendable {
    let project: Project
    private let tomograms: OpenTomograms
    private let slices: BoundedCache<SliceKey, SliceBytes>
    private let thumbnails: BoundedCache<String, [UInt8]>
    private let ranges = BoundedCache<String, ClosedRange<Float>>(limit: 4096)
    private let layerVolumes = BoundedCache<String, any Volume>(limit: 8)
    /// Held while several planes are made at a time, with their number so far: others wait, and then find what they want.
    private let blocks = Mutex(0)

    private struct SliceKey: Hashable {
        let content: String
        let axis: SliceAxis
        let index, level: Int
    }

    /// - Parameter bytes: the most that is kept; an eighth of it for thumbnails.
    package init(_ project: Project, bytes: Int) {
        self.project = project
        tomograms = OpenTomograms(project)
        slices = BoundedCache(limit: bytes - bytes / 8)
        thumbnails = BoundedCache(limit: bytes / 8)
    }

    /// The bytes that are kept now.
    package var keptBytes: Int { slices.cost + thumbnails.cost }

    // MARK: Densities

    /// A slice of a tomogram: densities as bytes, from the percentile 0.1 of the tomogram, which becomes 0, to 99.9, which becomes
    /// 255.
    ///
    /// - Parameters:
    ///   - tomogram: its id.
    ///   - index: of the slice along the axis, from 0.
    ///   - level: pixels have 2^level voxels along a side, whose mean they are: 0 to 8.
    /// - Throws: ``CatalogError``: `.notFound` where there is no such tomogram, `.invalid` where there is no such slice or level;
    ///   ``VolumeError`` where the file cannot be read.
    /// - Complexity: along z one slice is read; along y some rows of each slice, and along x 64 columns of each row, which gives
    ///   their neighbours, too.
    package func slice(of tomogram: Int64, axis: SliceAxis, index: Int, level: Int) throws -> SliceBytes {
        let tomogram = try tomograms.tomogram(tomogram)
        let reader = PlaneReader(volume: tomogram.volume, name: tomogram.record.name)
        return try slice(tomogram.version, reader, axis: axis, index: index, level: level) { block in
            let scale = ByteScale(try range(of: tomogram))
            return try reader.planes(axis, block, level: level) { DensityPlane($0, scale: scale) }
        }
    }

    private func range(of tomogram: OpenTomogram) throws -> ClosedRange<Float> {
        try ranges.value(for: "\(tomogram.id) \(tomogram.version)", cost: 1) {
            try DensityRange.range(of: tomogram, project.results())
        }
    }

    /// A slice that is kept, or is made with its block.
    private func slice(
        _ content: String, _ reader: PlaneReader, axis: SliceAxis, index: Int, level: Int,
        _ planes: (Range<Int>) throws -> [SliceBytes]
    ) throws -> SliceBytes {
        try reader.check(axis, index: index, level: level)
        let key = SliceKey(content: content, axis: axis, index: index, level: level)
        if let slice = slices[key] { return slice }
        let block = reader.block(axis, around: index)
        func make() throws -> SliceBytes {
            let made = try planes(block)
            for (plane, bytes) in zip(block, made) {
                let key = SliceKey(content: content, axis: axis, index: plane, level: level)
                slices.insert(bytes, for: key, cost: bytes.bytes.count + 256)
            }
            return made[index - block.lowerBound]
        }
        guard block.count > 1 else { return try make() }
        return try blocks.withLock { count in
            if let slice = slices[key] { return slice }
            count += block.count
            return try make()
        }
    }

    // MARK: Layers

    /// What can be drawn over the slices of a tomogram, in the order in which it is drawn.
    ///
    /// - Throws: ``CatalogError`` where there is no such tomogram, ``VolumeError`` where its file cannot be opened.
    /// - Complexity: some queries; opens those artifacts that say which classes they have.
    package func layers(of tomogram: Int64) throws -> [ViewerLayer] {
        try finder(tomograms.tomogram(tomogram)).layers().map(\.layer)
    }

    /// A slice of a layer: a map as bytes over its range, or labels as their values; 0 where the layer has nothing.
    ///
    /// - Parameters:
    ///   - layer: its id.
    ///   - level: pixels have 2^level voxels along a side: their mean, or of labels the greatest.
    /// - Throws: ``CatalogError``: `.notFound` where there is no such tomogram or layer, `.invalid` where there is no such slice or
    ///   level, or the layer has points; others where its artifact or file cannot be read.
    /// - Complexity: along z one slice is read; along others the whole layer, for several slices.
    package func slice(of layer: String, tomogram: Int64, axis: SliceAxis, index: Int, level: Int) throws -> SliceBytes {
        let tomogram = try tomograms.tomogram(tomogram)
        // Checked by the tomogram, before an artifact is opened.
        try PlaneReader(volume: tomogram.volume, name: tomogram.record.name).check(axis, index: index, level: level)
        let found = try finder(tomogram).layer(layer)
        guard let content = found.volume else {
            throw CatalogError(.invalid, "the layer \(layer) has points, and no slices; ask for its points")
        }
        let reader = PlaneReader(volume: try volume(of: content), name: tomogram.record.name)
        return try slice(content.key, reader, axis: axis, index: index, level: level) { block in
            let range: ClosedRange<Float>
            switch content.pixels {
            case .labels: return try reader.planes(axis, block, level: level) { LabelPlane($0) }
            case .numbers(let numbers): range = numbers
            case .scaled(let read): range = try read()
            }
            let scale = ByteScale(range)
            return try reader.planes(axis, block, level: level) { DensityPlane($0, scale: scale) }
        }
    }

    /// The points of a layer.
    ///
    /// - Throws: ``CatalogError``: `.notFound` where there is no such tomogram or layer, `.invalid` where the layer has no points,
    ///   or the tomogram no voxel size.
    package func points(of layer: String, tomogram: Int64) throws -> [ViewerPoint] {
        let found = try finder(tomograms.tomogram(tomogram)).layer(layer)
        guard case .points(let points) = found.content else {
            throw CatalogError(.invalid, "the layer \(layer) has slices, and no points; ask for its slices")
        }
        return try points()
    }

    func finder(_ tomogram: OpenTomogram) throws -> LayerFinder { try LayerFinder(project, tomogram) }

    func volume(of layer: LayerVolume) throws -> any Volume {
        try layerVolumes.value(for: layer.key, cost: 1, layer.open)
    }

    func opened(_ record: TomogramRecord) throws -> OpenTomogram { try tomograms.opened(record) }

    // MARK: Thumbnails

    /// A PNG picture of the middle of a tomogram, at most 160 × 160 pixels.
    ///
    /// - Throws: ``CatalogError`` where there is no such tomogram, ``VolumeError`` where its file cannot be read.
    /// - Complexity: reads eight slices where the picture is not kept.
    package func thumbnail(of tomogram: Int64) throws -> [UInt8] {
        let tomogram = try tomograms.tomogram(tomogram)
        if let png = thumbnails[tomogram.version] { return png }
        let png = try Thumbnail.png(of: tomogram.volume)
        thumbnails.insert(png, for: tomogram.version, cost: png.count + 256)
        return png
    }

    /// A PNG picture of what surrounds a place; see ``ParticlePicture``.
    package func picture(of tomogram: Int64, around place: SIMD3<Double>, side: Int) throws -> [UInt8] {
        try PNGEncoder().encode(ParticlePicture.around(place, in: tomograms.tomogram(tomogram).volume, side: side))
    }
}
