import Basics
import Volumes

/// The volume in which compartments are searched, binned: what each voxel is, how much of it is free, and how far it lies from
/// the nearest membrane. It has a border of one voxel on each side, which lies outside, so that every voxel has all neighbours.
///
/// ```
/// labels[(z + 1) · sliceStride + (y + 1) · rowStride + x + 1]
/// ```
struct CompartmentGrid: Sendable {
    /// The label of a voxel of membrane.
    static let membrane: Int32 = -1
    /// The label of a voxel outside of the sample or of the volume.
    static let outside: Int32 = -2
    /// For each voxel of the grid: a label, a squared distance, an amount; and its place in the order of the flood.
    static let bytesPerVoxel = 4 + 4 + 1 + 4
    /// The most voxels of the volume along an edge of a voxel of the grid.
    static let mostBinning = 64

    /// How many voxels of the volume are one, along each axis.
    let binning: Int
    /// The shape without the border.
    let shape: VolumeShape
    /// The edges of a voxel of the grid along x, y and z in Å.
    let edges: SIMD3<Double>
    let rowStride: Int
    let sliceStride: Int
    /// 0 or a positive number for what is free; ``membrane`` or ``outside``.
    var labels: [Int32]
    /// The squared distance between the centres of a voxel and of the nearest voxel of membrane, in Å²; infinite without
    /// membrane.
    var squares: [Float]
    /// How much of a voxel lies in the sample and is no membrane, 0 … ``wholeAmount``.
    var amounts: [UInt8]
    /// Whether there is membrane.
    var hasMembrane = false

    /// The grid for a volume, all outside; binned by the least factor at which it fits the memory.
    ///
    /// - Throws: ``MiningError`` where it does not fit at ``mostBinning``.
    init(shape: VolumeShape, voxelSize: VoxelSize, memoryInBytes: Int) throws(MiningError) {
        func side(_ count: Int, _ binning: Int) -> Int { (count - 1) / binning + 1 }
        func count(_ binning: Int) -> Int {
            // A shape has at most Int.max / 16 voxels, but its border may overflow where two axes are short.
            [shape.x, shape.y, shape.z].reduce(1) { count, axis in
                let (product, overflows) = count.multipliedReportingOverflow(by: side(axis, binning) + 2)
                return overflows ? .max : product
            }
        }
        let most = min(memoryInBytes / Self.bytesPerVoxel, Int(Int32.max))
        guard let binning = (1...Self.mostBinning).first(where: { count($0) <= most }),
            let binned = VolumeShape(
                z: side(shape.z, binning), y: side(shape.y, binning), x: side(shape.x, binning))
        else {
            throw MiningError(
                .invalidSize,
                "compartments of a volume of \(shape) voxels cannot be found in \(memoryInBytes) bytes, even if "
                    + "\(Self.mostBinning) voxels along each axis are taken as one; allow more memory")
        }
        let count = count(binning)
        self.binning = binning
        self.shape = binned
        edges = voxelSize.vectorInAngstroms * Double(binning)
        rowStride = binned.x + 2
        sliceStride = rowStride * (binned.y + 2)
        labels = [Int32](repeating: Self.outside, count: count)
        squares = [Float](repeating: .infinity, count: count)
        amounts = [UInt8](repeating: 0, count: count)
    }

    /// The number of voxels of the volume in a voxel of the grid.
    private var voxels: Int { binning * binning * binning }
    /// The amount of a voxel that is free as a whole.
    var wholeAmount: Int { min(255, voxels) }
    /// The volume of one unit of an amount, in nm³.
    var amountInCubicNanometers: Double { edges.x * edges.y * edges.z / 1000 / Double(wholeAmount) }

    /// The amount of a number of voxels of the volume: 0 for none only.
    func amount(ofVoxels count: Int) -> UInt8 {
        voxels <= 255 ? UInt8(count) : UInt8(min(255, max(min(count, 1), (count * 255 + voxels / 2) / voxels)))
    }

    /// The index of the first voxel of a row.
    @inline(__always)
    func row(z: Int, y: Int) -> Int { (z &+ 1) &* sliceStride &+ (y &+ 1) &* rowStride &+ 1 }

    /// The offsets of the six neighbours that share a face: along z, y and x.
    var faceNeighbours: [Int] { [-sliceStride, -rowStride, -1, 1, rowStride, sliceStride] }

    /// The areas of the faces in Å² to the neighbours after a voxel along x, y and z.
    var faceAreas: SIMD3<Double> { SIMD3(edges.y * edges.z, edges.z * edges.x, edges.x * edges.y) }
}
