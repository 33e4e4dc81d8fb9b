import Basics
import Foundation
import Volumes

/// Curvatures of membranes at the places of a grid, by quadrics in the neighbourhood of each (a Monge patch).
///
/// 1. The quadric of the neighbours of the same piece at a middle radius, whose normals agree with that of the place, corrects
///    the normal, and says roughly how strongly the membrane bends.
/// 2. The second quadric has a neighbourhood of half the least radius of curvature, within limits. What lies farther from the
///    first quadric than two voxels is left out: other sheets, and folds.
///
/// A sphere and a tube are no quadrics: z = k/2 · (x² + y² + z²), so the heights of the second fit are less by q z², where q is k/2
/// for them, and H between a tube and a saddle. So a sphere is measured without bias at any radius of the neighbourhood.
///
/// Source: F. Cazals, M. Pouget, *Estimating differential quantities using polynomial fitting of osculating jets*, CAGD 22
/// (2005), with the degree 2.
struct MembraneCurvature: Sendable {
    let grid: MembraneGrid
    let normals: [SIMD3<Float>]
    /// What area each place stands for in Å²; 0 without a normal.
    let areas: [Float]
    let leastRadius: Double
    let greatestRadius: Double

    /// What is found at a place; the first two are NaN where the neighbourhood is cut.
    struct Point {
        var mean = Float.nan
        var gaussian = Float.nan
        var radius: Float = 0
        var residual: Float = 0
        /// The area of the places around, in that of the disc; NaN where it is cut.
        var fill = Float.nan
    }

    /// Of a neighbourhood's radius: where the mean of the neighbours is farther from the place, it is cut. It is 0.3 for half a disc.
    static let mostEccentric = 0.12
    /// The same for the area that a place stands for.
    private static let mostEccentricFill = 0.05
    /// The number of neighbours that are taken, about; of more a sample.
    private static let neighbours = 500.0

    init(_ grid: MembraneGrid, _ normals: [SIMD3<Float>], _ parameters: MembraneParameters) {
        (self.grid, self.normals) = (grid, normals)
        let edge = grid.edges.max()
        leastRadius = max(parameters.leastRadiusInAngstroms, 5 * edge)
        greatestRadius = max(parameters.greatestRadiusInAngstroms, 10 * edge, leastRadius)
        // A voxel has a place where the foot of its centre on the surface lies within it.
        let edges = grid.edges
        let volume = edges.x * edges.y * edges.z
        areas = normals.map { normal in
            let (x, y, z) = (Double(abs(normal.x)), Double(abs(normal.y)), Double(abs(normal.z)))
            return Float(volume * max(x / edges.x, y / edges.y, z / edges.z))
        }
    }

    func measure(check: () throws -> Void) throws -> [Point] {
        var points = [Point](repeating: Point(), count: grid.places.count)
        try points.withUnsafeMutableBufferPointer { buffer in
            // Safe, because each part writes its own places.
            nonisolated(unsafe) let buffer = buffer
            try MembraneGrid.parts(of: grid.places.count, check: check) { range in
                for index in range where normals[index] != .zero { buffer[index] = point(at: index) }
            }
        }
        return points
    }

    private struct Frame {
        let (u, v, n): (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)

        init(_ normal: SIMD3<Double>, near axis: SIMD3<Double>) {
            n = normal / (normal * normal).sum().squareRoot()
            let across = axis - (axis * n).sum() * n
            u = across / (across * across).sum().squareRoot()
            v = n.cross(u)
        }
    }

    private func point(at index: Int) -> Point {
        let normal = SIMD3<Double>(normals[index])
        let size = SIMD3(abs(normal.x), abs(normal.y), abs(normal.z))
        let axis = size.x == size.min() ? SIMD3(1.0, 0, 0) : size.y == size.min() ? SIMD3(0.0, 1, 0) : SIMD3(0.0, 0, 1)
        var frame = Frame(normal, near: axis)
        let middle = min(max(80, 1.2 * leastRadius), greatestRadius)
        var result = Point()
        guard let (coarse, imbalance, fill) = fit(at: index, frame, radius: middle, previous: nil, bend: 0) else { return result }
        // In the smaller neighbourhood, since the other one may hold the whole piece.
        if imbalance <= Self.mostEccentricFill * Self.mostEccentricFill { result.fill = Float(fill) }
        let (mean, gaussian) = coarse.curvatures(length: middle)
        let root = max(0, mean * mean - gaussian).squareRoot()
        let strongest = mean < 0 ? mean - root : mean + root
        let radius = min(max(0.5 / max(abs(strongest), 1e-9), leastRadius), greatestRadius)
        frame = Frame(frame.n - (coarse.d / middle) * frame.u - (coarse.e / middle) * frame.v, near: frame.u)
        let ratio = (radius / middle) * (radius / middle)
        // In the turned frame the slopes are gone.
        let previous = QuadricFit.Solution(
            f: coarse.f, d: 0, e: 0, a: coarse.a * ratio, b: coarse.b * ratio, c: coarse.c * ratio, residual: coarse.residual)
        let bend = gaussian >= 0 ? strongest / 2 : mean
        guard let (fine, eccentricity, _) = fit(at: index, frame, radius: radius, previous: previous, bend: bend)
        else { return result }
        result.radius = Float(radius)
        result.residual = Float(fine.residual)
        guard eccentricity <= Self.mostEccentric * Self.mostEccentric else { return result }
        let curvatures = fine.curvatures(length: radius)
        (result.mean, result.gaussian) = (Float(curvatures.mean), Float(curvatures.gaussian))
        return result
    }

    /// The quadric around a place, in units of the radius across; the square of how far the mean of the neighbours is off; and their
    /// area in that of the disc.
    private func fit(
        at index: Int, _ frame: Frame, radius: Double, previous: QuadricFit.Solution?, bend: Double
    ) -> (solution: QuadricFit.Solution, eccentricity: Double, fill: Double)? {
        let (normal, piece, scale) = (normals[index], grid.pieces[index], 1 / radius)
        let edge = grid.edges.max()
        let expected = Double.pi * radius * radius / max(Double(areas[index]), 1e-9)
        let part = min(1, Self.neighbours / expected)
        let rank = part >= 1 ? UInt32.max : UInt32(part * Double(UInt32.max))
        var (quadric, area) = (QuadricFit(), 0.0)
        grid.forEach(near: grid.places[index], within: Float(radius), rank: rank) { other, vector, square in
            guard grid.pieces[other] == piece else { return }
            let vector = SIMD3<Double>(vector)
            let (u, v, z) = ((vector * frame.u).sum() * scale, (vector * frame.v).sum() * scale, (vector * frame.n).sum())
            if let previous {
                guard abs(z - bend * z * z - previous.height(u, v)) <= 2 * edge + 0.1 * radius else { return }
            } else {
                guard abs((normals[other] * normal).sum()) >= 0.5, abs(z) <= 2 * edge + 0.6 * radius else { return }
            }
            area += Double(areas[other])
            quadric.add(u, v, z - bend * z * z, weight: 1 - 0.9 * Double(square) * scale * scale)
        }
        guard let solution = quadric.solve() else { return nil }
        return (solution, quadric.eccentricity, area / part / (.pi * radius * radius))
    }
}
