import Volumes

/// Takes the rows of a plane one after the other, and makes bytes of them, binned by a power of two in the plane.
protocol PlaneSink {
    /// Float32 for densities, bytes for labels.
    associatedtype Element: VoxelScalar

    /// The next row, of the width of the plane.
    mutating func add(_ row: UnsafeBufferPointer<Element>)
    /// The plane; after the last row.
    mutating func finish() -> SliceBytes
}

/// Where the binned rows of a plane begin and end.
struct PlaneBinning {
    let width, height: Int
    /// Voxels along a side of a pixel.
    let side: Int

    /// - Parameters:
    ///   - width: of the plane, in voxels.
    ///   - level: pixels have 2^level voxels along a side; at the far edges they have what is there.
    init(width: Int, height: Int, level: Int) {
        side = 1 << level
        (self.width, self.height) = ((width + side - 1) / side, (height + side - 1) / side)
    }
}

/// Densities as bytes; a pixel is the mean of its voxels.
struct DensityPlane: PlaneSink {
    private let binning: PlaneBinning
    private let scale: ByteScale
    private var bytes: [UInt8]
    private var sums: [Float]
    private var row = 0
    private var rowsInSums = 0
    /// The voxels along x of the last pixel of a row, which may be cut.
    private var columnsOfLast = 1

    init(_ binning: PlaneBinning, scale: ByteScale) {
        (self.binning, self.scale) = (binning, scale)
        bytes = [UInt8](repeating: 0, count: binning.width * binning.height)
        sums = [Float](repeating: 0, count: binning.side == 1 ? 0 : binning.width)
    }

    mutating func add(_ densities: UnsafeBufferPointer<Float>) {
        guard binning.side > 1 else {
            write(densities)
            return
        }
        let side = binning.side
        let whole = densities.count / side
        sums.withUnsafeMutableBufferPointer { sums in
            if side == 2 {
                for pixel in 0..<whole { sums[pixel] += densities[pixel &* 2] + densities[pixel &* 2 &+ 1] }
            } else {
                for pixel in 0..<whole {
                    var sum: Float = 0
                    for column in 0..<side { sum += densities[pixel &* side &+ column] }
                    sums[pixel] += sum
                }
            }
            for column in whole * side..<densities.count { sums[whole] += densities[column] }
        }
        columnsOfLast = densities.count - (binning.width - 1) * side
        rowsInSums += 1
        if rowsInSums == side { flush() }
    }

    private mutating func flush() {
        let factor = 1 / Float(rowsInSums * binning.side)
        for pixel in sums.indices.dropLast() { sums[pixel] *= factor }
        sums[sums.count - 1] /= Float(rowsInSums * columnsOfLast)
        sums.withUnsafeBufferPointer { write($0) }
        for pixel in sums.indices { sums[pixel] = 0 }
        rowsInSums = 0
    }

    private mutating func write(_ densities: UnsafeBufferPointer<Float>) {
        guard row < binning.height else { return }
        let (first, width) = (row * binning.width, binning.width)
        bytes.withUnsafeMutableBufferPointer { bytes in
            scale.bytes(of: densities, into: UnsafeMutableBufferPointer(rebasing: bytes[first..<first + width]))
        }
        row += 1
    }

    mutating func finish() -> SliceBytes {
        if rowsInSums > 0 { flush() }
        return SliceBytes(width: binning.width, height: binning.height, bytes: bytes, range: scale.range)
    }
}

/// Labels as they are; a pixel is the greatest label of its voxels.
struct LabelPlane: PlaneSink {
    private let binning: PlaneBinning
    private var bytes: [UInt8]
    private var row = 0

    init(_ binning: PlaneBinning) {
        self.binning = binning
        bytes = [UInt8](repeating: 0, count: binning.width * binning.height)
    }

    mutating func add(_ labels: UnsafeBufferPointer<UInt8>) {
        let (side, first) = (binning.side, row / binning.side * binning.width)
        row += 1
        guard first + binning.width <= bytes.count else { return }
        bytes.withUnsafeMutableBufferPointer { bytes in
            for pixel in 0..<binning.width {
                var greatest = bytes[first &+ pixel]
                for column in pixel &* side..<min((pixel &+ 1) &* side, labels.count) { greatest = max(greatest, labels[column]) }
                bytes[first &+ pixel] = greatest
            }
        }
    }

    mutating func finish() -> SliceBytes {
        SliceBytes(width: binning.width, height: binning.height, bytes: bytes, range: SliceBytes.labelRange)
    }
}

extension SliceBytes {
    /// The range of labels, whose bytes are their values.
    static let labelRange: ClosedRange<Float> = 0...255
}
