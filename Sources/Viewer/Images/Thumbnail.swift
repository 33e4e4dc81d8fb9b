import Basics
import Catalog
import Rendering
import Volumes

/// A small picture of a tomogram: the mean of some slices in its middle, binned, with a contrast of its own.
enum Thumbnail {
    /// The longest side in pixels.
    static let longestSide = 160
    /// The slices that are averaged, where the tomogram has as many.
    private static let depth = 8
    private static let rowVoxels = 1 << 20
    private static let percentiles = (low: 0.5, high: 99.5)

    /// A PNG picture.
    ///
    /// - Throws: ``VolumeError`` where the file cannot be read, ``RenderingError`` where zlib has no memory.
    /// - Complexity: reads eight slices, some rows at a time.
    static func png(of volume: any Volume) throws -> [UInt8] {
        let shape = volume.shape
        let side = (max(shape.x, shape.y) + longestSide - 1) / longestSide
        let (width, height) = ((shape.x + side - 1) / side, (shape.y + side - 1) / side)
        let depth = min(depth, shape.z)
        let slices = (shape.z - depth) / 2..<(shape.z - depth) / 2 + depth
        var (sums, counts) = ([Double](repeating: 0, count: width * height), [Int](repeating: 0, count: width * height))
        var voxels = VoxelPortion<Float>()
        // Slices that are stored together are read together, and so are the rows of a chunk.
        let together = volume.chunkShape.z == 1 ? 1 : depth
        let most = max(side, rowVoxels / (together * shape.x) / side * side)
        let rows = max(volume.chunkShape.y, most)
        for slice in stride(from: slices.lowerBound, to: slices.upperBound, by: together) {
            for first in stride(from: 0, to: shape.y, by: rows) {
                let part = first..<min(first + rows, shape.y)
                guard let box = Box(z: slice..<min(slice + together, slices.upperBound), y: part, x: 0..<shape.x) else {
                    continue
                }
                try voxels.read(box, of: volume)
                voxels.withValues { values in
                    for row in 0..<box.z.count * part.count {
                        let target = (first + row % part.count) / side * width
                        for pixel in 0..<width {
                            var (sum, count) = (Float(0), 0)
                            for column in pixel * side..<min((pixel + 1) * side, shape.x) {
                                let value = values[row &* shape.x &+ column]
                                // NaN and infinity stand for what was not recorded.
                                if value.isFinite { (sum, count) = (sum + value, count &+ 1) }
                            }
                            sums[target + pixel] += Double(sum)
                            counts[target + pixel] += count
                        }
                    }
                }
            }
        }
        let means = zip(sums, counts).map { $1 > 0 ? Float($0 / Double($1)) : .nan }
        let scale = ByteScale(range(of: means))
        let pixels = [UInt8](unsafeUninitializedCapacity: means.count) { bytes, count in
            let bytes = UnsafeMutableBufferPointer(rebasing: bytes[..<means.count])
            means.withUnsafeBufferPointer { scale.bytes(of: $0, into: bytes) }
            count = means.count
        }
        guard let picture = GreyImage(height: height, width: width, pixels: pixels) else {
            throw CatalogError(mistake: .invalid, "has no slice that can be drawn", path: volume.header.path)
        }
        return try PNGEncoder().encode(picture)
    }

    private static func range(of means: [Float]) -> ClosedRange<Float> {
        let sorted = means.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else { return 0...0 }
        func percentile(_ percentage: Double) -> Float {
            Float(
                Quantile.value(atRank: Quantile.rank(ofPercentile: percentage, count: sorted.count), count: sorted.count) {
                    Double(sorted[$0])
                })
        }
        let (low, high) = (percentile(percentiles.low), percentile(percentiles.high))
        return low <= high ? low...high : 0...0
    }
}
