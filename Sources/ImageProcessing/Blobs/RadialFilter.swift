import Basics
import Volumes

/// Filters the slices of a volume with a ``RadialKernel``, slice by slice.
///
/// The volume is continued as in a mirror beyond its six faces. A slice of the result depends on ``reach`` slices on either side
/// of it and on nothing else, so that a part of a volume has the same bits as the whole.
///
/// Memory is 2 · reach + 1 slices of float32 (or all, where there are fewer), and three more.
struct RadialFilter: Sendable {
    /// One Gaussian of the kernel.
    private struct Term: Sendable {
        let weight: Float
        let filter: SymmetricFilter
        let radius: Int
    }

    let shape: VolumeShape
    /// How many slices on either side the result of a slice depends on.
    let reach: Int
    private let terms: [Term]

    /// - Parameters:
    ///   - kernel: Gaussians are cut off at 4 σ.
    ///   - shape: of the whole volume.
    /// - Throws: ``ImageError`` where a σ is not above 0, or above 1000 voxels.
    init(_ kernel: RadialKernel, shape: VolumeShape) throws(ImageError) {
        var terms: [Term] = []
        for term in kernel.terms {
            let gaussian = try GaussianKernel(sigma: term.sigma)
            terms.append(
                Term(
                    weight: Float(term.weight), filter: SymmetricFilter(gaussian, border: .reflect101), radius: gaussian.radius))
        }
        self.terms = terms
        self.shape = shape
        reach = terms.map(\.radius).max() ?? 0
    }

    /// Gives the filtered slices of a range, in order of z.
    ///
    /// - Parameters:
    ///   - z: slices of the volume.
    ///   - load: the densities `[y][x]` of any slice of the volume. It is called once for each that is needed, in order of z.
    ///   - body: receives the index of each slice, and its result `[y][x]`.
    /// - Throws: ``ImageError`` where a slice has another size than the volume; what the closures throw.
    /// - Complexity: for each voxel and Gaussian 6 reach multiplications and additions at most.
    func forEachSlice(
        of z: Range<Int>, load: (_ z: Int) throws -> Image<Float>, _ body: (_ z: Int, _ result: Image<Float>) throws -> Void
    ) throws {
        let (height, width) = (shape.y, shape.x)
        let stride = width.rounded(upToMultipleOf: SymmetricFilter.lanes)
        // A little more than the slice, so that one row of all slices does not share a few places of the cache.
        let slotSize = height * stride + SymmetricFilter.lanes
        let slots = min(2 * reach + 1, shape.z)
        var ring = [Float](repeating: 0, count: slots * slotSize)
        var line = [Float](repeating: 0, count: stride)
        var next = max(0, z.lowerBound - reach)
        for slice in z {
            while next <= min(slice + reach, shape.z - 1) {
                let densities = try load(next)
                guard densities.height == height, densities.width == width else {
                    throw ImageError(
                        .invalidSize,
                        "slice \(next) of \(densities.width) × \(densities.height) pixels does not fit a volume of \(shape) voxels; "
                            + "give slices of \(shape.x) × \(shape.y)")
                }
                let first = next % slots * slotSize
                for y in 0..<height {
                    let target = first + y * stride
                    ring.replaceSubrange(target..<target + width, with: densities.values[y * width..<(y + 1) * width])
                }
                next += 1
            }
            let result = Image<Float>(uncheckedHeight: height, width: width) { values in
                values.initialize(repeating: 0)
                ring.withUnsafeBufferPointer { ring in
                    line.withUnsafeMutableBufferPointer { line in
                        for term in terms { add(term, of: slice, ring, slotSize: slotSize, line, to: values) }
                    }
                }
            }
            try body(slice, result)
        }
    }

    /// Adds the answer of one Gaussian: along z while a row is loaded, along x and y by the filter of images.
    private func add(
        _ term: Term, of slice: Int, _ ring: UnsafeBufferPointer<Float>, slotSize: Int,
        _ line: UnsafeMutableBufferPointer<Float>, to values: UnsafeMutableBufferPointer<Float>
    ) {
        let (width, weight) = (shape.x, term.weight)
        let slots = ring.count / slotSize
        let firsts = (-term.radius...term.radius).map {
            BorderRule.reflect101.inside(slice + $0, shape.z) % slots * slotSize
        }
        firsts.withUnsafeBufferPointer { firsts in
            term.filter(height: shape.y, width: width) { y, row in
                let offset = y * line.count
                term.filter.sum(
                    ring, middle: firsts[term.radius] + offset, before: { firsts[term.radius - $0] + offset },
                    after: { firsts[term.radius + $0] + offset }, into: line)
                _ = row.update(fromContentsOf: UnsafeBufferPointer(rebasing: line[..<width]))
            } emit: { y, row in
                let first = y * width
                for x in 0..<width { values[first &+ x] += weight * row[x] }
            }
        }
    }
}
