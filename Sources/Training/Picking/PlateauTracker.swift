internal import Tensors

/// The local maxima of a volume that arrives slice by slice; those that touch, by a face, an edge or a corner, are one.
struct PlateauTracker: Sendable {
    /// A set of voxels that touch and are equal.
    private struct Plateau {
        let value: Float
        /// Its first voxel, between voxels: where it lies if there is no other.
        let refined: SIMD3<Double>
        var sum: SIMD3<Double>
        var voxels: Int
        /// Another plateau that this one turned out to be part of, or itself.
        var parent: Int
    }

    /// A maximal voxel of a slice.
    private struct Maximum {
        let y: Int
        let x: Int
        let value: Float
        let offset: SIMD3<Double>
    }

    private let height: Int
    private let width: Int
    private var plateaus: [Plateau] = []
    /// The plateau of each voxel of the last slice, and of the one that is being looked at, plus 1; 0 for none.
    private var above: [Int32]
    private var current: [Int32]
    private var aboveMaxima: [Int] = []

    init(height: Int, width: Int) {
        self.height = height
        self.width = width
        above = [Int32](repeating: 0, count: height * width)
        current = above
    }

    /// Adds the maxima of slice z: voxels above `least` that no voxel within 5 × 5 × 5 exceeds.
    ///
    /// - Parameter neighbors: the slices z − 2 … z + 2, `[y][x]`, nil for those beyond the volume.
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

    /// The peaks so far: the plateaus' middles and values.
    ///
    /// - Parameter scale: what values are multiplied with.
    func peaks(scale: Double) -> [Peak] {
        plateaus.enumerated().compactMap { index, plateau in
            guard plateau.parent == index else { return nil }
            let center = plateau.voxels == 1 ? plateau.refined : plateau.sum / Double(plateau.voxels)
            return Peak(center: center, score: Float(Double(plateau.value) * scale))
        }
    }

    private func maxima(in rows: Range<Int>, _ neighbors: [UnsafePointer<Float>?], above least: Float) -> [Maximum] {
        guard let slice = neighbors[2] else { return [] }
        var maxima: [Maximum] = []
        for y in rows {
            let row = slice + y * width
            for x in 0..<width {
                let value = row[x]
                // Few voxels exceed their neighbours along x: the others cost two comparisons.
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

    /// Puts a voxel of the current slice, which follows those before it in order of y and x, into its plateau.
    private mutating func join(_ maximum: Maximum, z: Int) {
        let (y, x) = (maximum.y, maximum.x)
        let position = SIMD3(Double(x), Double(y), Double(z))
        var own: Int?
        for row in max(y - 1, 0)...min(y + 1, height - 1) {
            for column in max(x - 1, 0)...min(x + 1, width - 1) {
                for labels in [above[row * width + column], current[row * width + column]] where labels > 0 {
                    let other = root(Int(labels) - 1)
                    guard let plateau = own, plateau != other else {
                        own = other
                        continue
                    }
                    plateaus[other].parent = plateau
                    plateaus[plateau].sum += plateaus[other].sum
                    plateaus[plateau].voxels += plateaus[other].voxels
                }
            }
        }
        if let own {
            plateaus[own].sum += position
            plateaus[own].voxels += 1
        } else {
            plateaus.append(
                Plateau(
                    value: maximum.value, refined: position + maximum.offset, sum: position, voxels: 1,
                    parent: plateaus.count))
        }
        current[y * width + x] = Int32((own ?? plateaus.count - 1) + 1)
    }

    private mutating func root(_ plateau: Int) -> Int {
        var plateau = plateau
        while plateaus[plateau].parent != plateau {
            plateaus[plateau].parent = plateaus[plateaus[plateau].parent].parent
            plateau = plateaus[plateau].parent
        }
        return plateau
    }
}
