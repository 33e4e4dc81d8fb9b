import ImageProcessing
internal import Tensors

/// The local maxima of a volume that is added slice by slice. Maximal voxels that touch (26-connected) are one plateau; plateaus
/// are merged with union-find (`DisjointSets`).
struct PlateauTracker: Sendable {
    /// A connected set of maximal voxels, which all have the same value.
    private struct Plateau {
        let value: Float
        /// The position (x, y, z) of its first voxel with sub-voxel refinement: the peak if the plateau has no other voxel.
        let refined: SIMD3<Double>
        /// The sum of the positions (x, y, z) of its voxels.
        var sum: SIMD3<Double>
        /// The number of its voxels.
        var voxels: Int
    }

    /// A maximal voxel of a slice.
    private struct Maximum {
        let y: Int
        let x: Int
        let value: Float
        /// The sub-voxel refinement (x, y, z): from the voxel to the vertex of the parabola along each axis.
        let offset: SIMD3<Double>
    }

    private let height: Int
    private let width: Int
    private var plateaus: [Plateau] = []
    /// The indices of plateaus; those that turned out to be one are joined, and the root has the sums of all.
    private var sets = DisjointSets(count: 0)
    /// For each voxel of the preceding slice, and of the current one, the index of its plateau plus 1; 0 for none.
    private var above: [Int32]
    private var current: [Int32]
    /// The maximal voxels of the preceding slice, whose entries are cleared before the array is used again.
    private var aboveMaxima: [Int] = []

    init(height: Int, width: Int) {
        self.height = height
        self.width = width
        above = [Int32](repeating: 0, count: height * width)
        current = above
    }

    /// Adds the maxima of slice z: voxels above `least` that no voxel of their 5 × 5 × 5 neighbourhood exceeds.
    ///
    /// - Parameter neighbors: the slices z − 2 … z + 2, `[y][x]`; nil for slices outside of the volume.
    /// - Complexity: two comparisons for most voxels, at most 125 more for voxels that are maximal along x.
    mutating func add(_ neighbors: [UnsafePointer<Float>?], z: Int, above least: Float) {
        let rows = 32
        var found = [[Maximum]](repeating: [], count: (height + rows - 1) / rows)
        found.withUnsafeMutableBufferPointer { found in
            Threads.perform(found.count) { chunk in
                found[chunk] = maxima(in: chunk * rows..<min(chunk * rows + rows, height), neighbors, above: least)
            }
        }
        var indices: [Int] = []
        for maximum in found.joined() {
            indices.append(maximum.y * width + maximum.x)
            join(maximum, z: z)
        }
        for index in aboveMaxima { above[index] = 0 }
        swap(&above, &current)
        aboveMaxima = indices
    }

    /// The peaks so far: the mean position and the value of each plateau.
    ///
    /// - Parameter scale: the factor from values to scores.
    func peaks(scale: Double) -> [Peak] {
        plateaus.enumerated().compactMap { index, plateau in
            guard sets.isRoot(index) else { return nil }
            let center = plateau.voxels == 1 ? plateau.refined : plateau.sum / Double(plateau.voxels)
            return Peak(center: center, score: Float(Double(plateau.value) * scale))
        }
    }

    /// The maximal voxels of some rows of a slice, in order of y and x.
    private func maxima(in rows: Range<Int>, _ neighbors: [UnsafePointer<Float>?], above least: Float) -> [Maximum] {
        guard let slice = neighbors[2] else { return [] }
        var maxima: [Maximum] = []
        for y in rows {
            let row = slice + y * width
            for x in 0..<width {
                let value = row[x]
                // Most voxels fail the two comparisons along x, which spares the full neighbourhood.
                guard value > least, x == 0 || row[x - 1] <= value, x + 1 == width || row[x + 1] <= value,
                    isMaximal(value, y: y, x: x, neighbors)
                else { continue }
                func offset(_ before: Float?, _ after: Float?) -> Double {
                    guard let before, let after else { return 0 }
                    let curvature = Double(before) - 2 * Double(value) + Double(after)
                    return curvature < 0 ? (Double(before) - Double(after)) / (2 * curvature) : 0
                }
                let index = y * width + x
                maxima.append(
                    Maximum(
                        y: y, x: x, value: value,
                        offset: SIMD3(
                            offset(x > 0 ? slice[index - 1] : nil, x + 1 < width ? slice[index + 1] : nil),
                            offset(y > 0 ? slice[index - width] : nil, y + 1 < height ? slice[index + width] : nil),
                            offset(neighbors[1]?[index], neighbors[3]?[index]))))
            }
        }
        return maxima
    }

    private func isMaximal(_ value: Float, y: Int, x: Int, _ neighbors: [UnsafePointer<Float>?]) -> Bool {
        let (top, bottom) = (max(y - 2, 0), min(y + 2, height - 1))
        let (left, right) = (max(x - 2, 0), min(x + 2, width - 1))
        for slice in neighbors {
            guard let slice else { continue }
            for row in top...bottom {
                for column in left...right where slice[row * width + column] > value { return false }
            }
        }
        return true
    }

    /// Adds a maximal voxel of the current slice to the plateaus that it touches, and merges them; without one it begins a
    /// plateau. Voxels are added in order of y and x.
    private mutating func join(_ maximum: Maximum, z: Int) {
        let (y, x) = (maximum.y, maximum.x)
        let position = SIMD3(Double(x), Double(y), Double(z))
        var own: Int?
        for row in max(y - 1, 0)...min(y + 1, height - 1) {
            for column in max(x - 1, 0)...min(x + 1, width - 1) {
                for labels in [above[row * width + column], current[row * width + column]] where labels > 0 {
                    let other = sets.root(of: Int(labels) - 1)
                    guard let plateau = own, plateau != other else {
                        own = other
                        continue
                    }
                    sets.join(plateau, other)
                    let (root, joined) = (min(plateau, other), max(plateau, other))
                    plateaus[root].sum += plateaus[joined].sum
                    plateaus[root].voxels += plateaus[joined].voxels
                    own = root
                }
            }
        }
        if let own {
            plateaus[own].sum += position
            plateaus[own].voxels += 1
        } else {
            sets.grow(by: 1)
            plateaus.append(Plateau(value: maximum.value, refined: position + maximum.offset, sum: position, voxels: 1))
        }
        current[y * width + x] = Int32((own ?? plateaus.count - 1) + 1)
    }
}
