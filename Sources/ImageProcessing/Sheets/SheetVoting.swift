import Basics
import Foundation
import Tensors

/// Finds the ridges of plates' responses in a tile, and lets them confirm each other along the sheet.
///
/// A voxel is on a ridge where its response is not less than that a voxel further on either side along its own normal (non-maximum suppression, J.
/// Canny, IEEE PAMI 8 (1986)). Its votes are the mean of the ridges around it, weighted by a flat Gaussian in the plane of its normal; those of
/// other normals do not count. It is tensor voting with the normals that are known (G. Medioni, M.-S. Lee, C.-K. Tang, *A Computational Framework
/// for Segmentation and Grouping* (2000)), read where the ridges are: a sheet confirms itself over tens of nanometres, a particle does not.
struct SheetVoting: Sendable {
    /// A place on a ridge.
    struct Ridge: Sendable {
        /// x, y, z in voxels of the tile of the search.
        let place: SIMD3<Double>
        let votes: Float
    }

    private struct Neighbour: Sendable {
        /// The distance in the tile's arrays.
        let offset: Int
        let weight: Float
    }

    /// The radius of the neighbourhood in voxels of the search: x, y, z.
    let reach: SIMD3<Int>
    /// The step of one voxel along each normal, x y z.
    private let steps: [SIMD3<Double>]
    private let neighbours: [[Neighbour]]
    /// For each pair of normals 1 where they confirm each other, else 0.
    private let agree: [Float]
    private let count: Int

    /// The neighbourhood ends at so many σ.
    static let extent = 2.0

    init(z: SheetAxis, y: SheetAxis, x: SheetAxis, _ parameters: SheetParameters) {
        let spacing = SIMD3(x.spacing, y.spacing, z.spacing)
        let mean = cbrt(spacing.x * spacing.y * spacing.z)
        let widths = Self.widths(parameters, spacing: mean)
        let radius = Self.extent * widths.along
        let reach = SIMD3<Int>((radius / spacing).rounded(.up))
        let directions = parameters.directions
        let (row, slice) = (x.searched, x.searched * y.searched)
        neighbours = directions.map { normal in
            var found: [(offset: Int, weight: Double)] = []
            for dz in -reach.z...reach.z {
                for dy in -reach.y...reach.y {
                    for dx in -reach.x...reach.x {
                        let away = SIMD3(Double(dx), Double(dy), Double(dz)) * spacing
                        let height = (away * normal).sum()
                        let beside = max((away * away).sum() - height * height, 0)
                        guard abs(height) <= Self.extent * widths.across, beside <= radius * radius else { continue }
                        let exponent = pow(height / widths.across, 2) + beside / (widths.along * widths.along)
                        found.append((dz * slice + dy * row + dx, exp(-exponent / 2)))
                    }
                }
            }
            let sum = found.reduce(0) { $0 + $1.weight }
            // Four are added up at a time.
            let padding = Array(repeating: Neighbour(offset: 0, weight: 0), count: (4 - found.count % 4) % 4)
            return found.map { Neighbour(offset: $0.offset, weight: Float($0.weight / sum)) } + padding
        }
        steps = directions.map { $0 * mean / spacing }
        agree = directions.flatMap { a in directions.map { abs((a * $0).sum()) > parameters.agreement ? 1 : 0 } }
        (self.reach, count) = (reach, directions.count)
    }

    /// The σ of the neighbourhood across and along a sheet in Å, for voxels that may be longer than either.
    static func widths(_ parameters: SheetParameters, spacing: Double) -> (across: Double, along: Double) {
        let across = max(parameters.votingThickness, 0.75 * spacing)
        return (across, max(parameters.votingWidth, 2 * across))
    }

    /// The ridges in a part of a tile.
    ///
    /// - Parameters:
    ///   - responses: of the whole tile.
    ///   - ranges: the voxels whose ridges are wanted. Around them, ``reach`` voxels vote.
    /// - Complexity: some 1000 additions for each voxel on a ridge, which is every third; on all cores. Memory is a float for each voxel.
    func ridges(of responses: SheetResponses, z: Range<Int>, y: Range<Int>, x: Range<Int>) -> [Ridge] {
        let (depth, rows, columns) = (responses.z, responses.y, responses.x)
        func around(_ range: Range<Int>, _ reach: Int, _ count: Int) -> Range<Int> {
            (range.lowerBound - reach..<range.upperBound + reach).clamped(to: 0..<count)
        }
        let (zs, ys, xs) = (around(z, reach.z, depth), around(y, reach.y, rows), around(x, reach.x, columns))
        var strengths = [Float](repeating: 0, count: depth * rows * columns)
        return strengths.withUnsafeMutableBufferPointer { strengths in
            Threads.perform(zs.count) { index in
                let slice = zs.lowerBound + index
                for row in ys {
                    for column in xs {
                        let voxel = (slice * rows + row) * columns + column
                        guard responses.excess[voxel] > 0 else { continue }
                        let (before, after) = beside(responses, slice, row, column)
                        let here = responses.best[voxel]
                        if here >= before, here >= after { strengths[voxel] = responses.excess[voxel] }
                    }
                }
            }
            // Each slice has its own list, so that their order does not depend on the threads.
            var lists = [[Ridge]](repeating: [], count: z.count)
            lists.withUnsafeMutableBufferPointer { lists in
                let strengths = UnsafeBufferPointer(strengths)
                Threads.perform(z.count) { index in
                    lists[index] = vote(
                        responses, strengths, slice: z.lowerBound + index, y: y, x: x)
                }
            }
            return lists.flatMap(\.self)
        }
    }

    private func vote(
        _ responses: SheetResponses, _ strengths: UnsafeBufferPointer<Float>, slice: Int, y: Range<Int>, x: Range<Int>
    ) -> [Ridge] {
        let (depth, rows, columns) = (responses.z, responses.y, responses.x)
        // What the neighbourhood would not fit around does not vote; tiles are larger than that.
        func inner(_ range: Range<Int>, _ reach: Int, _ count: Int) -> Range<Int> {
            reach < count - reach ? range.clamped(to: reach..<count - reach) : 0..<0
        }
        guard !inner(slice..<slice + 1, reach.z, depth).isEmpty else { return [] }
        var found: [Ridge] = []
        responses.normals.withUnsafeBufferPointer { normals in
            agree.withUnsafeBufferPointer { agree in
                for row in inner(y, reach.y, rows) {
                    for column in inner(x, reach.x, columns) {
                        let voxel = (slice * rows + row) * columns + column
                        guard strengths[voxel] > 0 else { continue }
                        let normal = Int(normals[voxel])
                        // Without branches, which no processor foresees: what is no ridge, or another normal's, adds 0.
                        var sums = SIMD4<Float>.zero
                        let own = normal &* count
                        neighbours[normal].withUnsafeBufferPointer { neighbours in
                            for first in stride(from: 0, to: neighbours.count, by: 4) {
                                @inline(__always)
                                func vote(_ index: Int) -> Float {
                                    let neighbour = neighbours[first &+ index]
                                    let other = voxel &+ neighbour.offset
                                    return neighbour.weight * (strengths[other] * agree[own &+ Int(normals[other])])
                                }
                                sums += SIMD4(vote(0), vote(1), vote(2), vote(3))
                            }
                        }
                        let sum = sums.sum()
                        let (before, after) = beside(responses, slice, row, column)
                        let here = responses.best[voxel]
                        // The top of the parabola through the three responses.
                        let bend = Double(2 * here - before - after)
                        let shift = bend > 0 ? min(max(Double(after - before) / (2 * bend), -0.5), 0.5) : 0
                        let place = SIMD3(Double(column), Double(row), Double(slice)) + shift * steps[normal]
                        found.append(Ridge(place: place, votes: sum))
                    }
                }
            }
        }
        return found
    }

    /// The responses one voxel before and behind a voxel along its normal, interpolated linearly.
    private func beside(_ responses: SheetResponses, _ slice: Int, _ row: Int, _ column: Int) -> (Float, Float) {
        let voxel = (slice * responses.y + row) * responses.x + column
        let step = steps[Int(responses.normals[voxel])]
        let here = SIMD3(Double(column), Double(row), Double(slice))
        return (responses.interpolated(here - step), responses.interpolated(here + step))
    }
}

extension SheetResponses {
    /// The greatest response at a place x, y, z, interpolated linearly between eight voxels; beyond the tile as at its border.
    func interpolated(_ place: SIMD3<Double>) -> Float {
        let last = SIMD3<Double>(Double(x - 1), Double(y - 1), Double(z - 1))
        let inside = place.clamped(lowerBound: .zero, upperBound: last)
        let floor = inside.rounded(.down)
        let part = SIMD3<Float>(inside - floor)
        let low = SIMD3<Int>(floor)
        let (right, down, deep) = (low.x + 1 < x ? 1 : 0, low.y + 1 < y ? x : 0, low.z + 1 < z ? x * y : 0)
        let first = (low.z * y + low.y) * x + low.x
        return best.withUnsafeBufferPointer { best in
            func row(_ start: Int) -> Float { best[start] + part.x * (best[start + right] - best[start]) }
            func slice(_ start: Int) -> Float {
                let (here, there) = (row(start), row(start + down))
                return here + part.y * (there - here)
            }
            let (here, there) = (slice(first), slice(first + deep))
            return here + part.z * (there - here)
        }
    }
}
