import Basics
import Foundation
import ImageProcessing
import Mining
import Volumes

/// A surface that is known by a formula, in a volume of cubic voxels.
struct MembraneScene {
    let edge: Double
    /// The side of the volume in voxels.
    let side: Int
    var points: MembranePoints

    init(edge: Double, side: Int, mostPlaces: Int = .max) throws {
        (self.edge, self.side) = (edge, side)
        guard let shape = VolumeShape(z: side, y: side, x: side), let voxel = VoxelSize(cubicInAngstroms: edge) else {
            throw MiningError(.invalidSize, "no volume")
        }
        points = MembranePoints(shape: shape, voxelSize: voxel, mostPlaces: mostPlaces)
    }

    /// Adds a surface as the finder of centre surfaces gives it: a place where the foot of a voxel's centre lies within the voxel.
    ///
    /// - Parameters:
    ///   - foot: for a place in Å the nearest one on the surface; nil where there is none.
    ///   - noise: how far places lie off the surface at most, in voxels.
    mutating func add(piece: Int32 = 1, noise: Double = 0, seed: UInt64 = 1, foot: (SIMD3<Double>) -> SIMD3<Double>?) throws {
        var random = RandomStream(state: seed)
        for z in 0..<side {
            for y in 0..<side {
                for x in 0..<side {
                    let voxel = SIMD3(Double(x), Double(y), Double(z))
                    guard let foot = foot(voxel * edge) else { continue }
                    let offset = foot / edge - voxel
                    guard max(abs(offset.x), abs(offset.y), abs(offset.z)) <= 0.5 else { continue }
                    let cell = ((offset + 0.5) * 6).rounded(.down).clamped(lowerBound: .zero, upperBound: SIMD3(repeating: 5))
                    var place = voxel + (cell + 0.5) / 6 - 0.5
                    if noise > 0 {
                        let length = (offset * offset).sum().squareRoot()
                        if length > 1e-6 { place += offset / length * noise * (2 * random.unit() - 1) }
                    }
                    place.clamp(lowerBound: SIMD3(repeating: -0.5), upperBound: SIMD3(repeating: Double(side) - 0.5))
                    try points.add(place, piece: piece)
                }
            }
        }
    }

    func measured(_ parameters: MembraneParameters? = nil) throws -> [MeasuredMembrane] {
        try MembraneMeasurement(points, parameters: parameters ?? MembraneParameters()) {}.finish()
    }
}

func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }

/// The foot on a sphere; with `wedge`, its top and bottom beyond 60° are missing.
func sphere(_ center: SIMD3<Double>, _ radius: Double, wedge: Bool = false) -> (SIMD3<Double>) -> SIMD3<Double>? {
    { place in
        let vector = place - center
        let distance = length(vector)
        guard abs(distance - radius) < 40, !wedge || abs(vector.z) < 0.866 * distance else { return nil }
        return center + vector * (radius / distance)
    }
}

/// The foot on a tube around an axis through the center.
func tube(
    _ center: SIMD3<Double>, _ radius: Double, axis: SIMD3<Double>, wedge: Bool = false
) -> (SIMD3<Double>) -> SIMD3<Double>? {
    let axis = axis / length(axis)
    return { place in
        let vector = place - center
        let along = (vector * axis).sum()
        let across = vector - along * axis
        let distance = length(across)
        guard abs(distance - radius) < 40, !wedge || abs(across.z) < 0.866 * distance else { return nil }
        return center + along * axis + across * (radius / distance)
    }
}

func plane(_ center: SIMD3<Double>, normal: SIMD3<Double>) -> (SIMD3<Double>) -> SIMD3<Double>? {
    let normal = normal / length(normal)
    return { place in
        let distance = ((place - center) * normal).sum()
        return abs(distance) < 40 ? place - distance * normal : nil
    }
}
