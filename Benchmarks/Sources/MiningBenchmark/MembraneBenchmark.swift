import Basics
import BenchmarkSupport
import Foundation
import ImageProcessing
import Mining
import Volumes

/// How right radii, areas and thicknesses of membranes are that are drawn as voxels, and whose centre surfaces are found as in the pipeline.
struct MembraneBenchmark {
    private let edge: Double
    /// The thickness at which membranes are drawn, in Å.
    private static let thickness = 80.0

    init(angstromsPerVoxel: Double) { edge = angstromsPerVoxel }

    /// Spheres and tubes of 20 to 200 nm, and a plane.
    func shapes() throws {
        for radius in [200.0, 500, 1000, 2000] {
            try measure("sphere", radius) { place in
                let distance = Self.length(place)
                return distance - radius
            } say: { membrane in
                let area = (membrane.areaInSquareAngstroms ?? .nan) / (4 * .pi * radius * radius)
                return (membrane.sphereRadiusInAngstroms ?? .infinity, "area \(Report.text(area, 3)), K/H² ")
            }
            for (name, axis) in [("tube along x", SIMD3(1.0, 0, 0)), ("oblique tube", SIMD3(1.0, 2, 0.7))] {
                let axis = axis / Self.length(axis)
                try measure(name, radius) { place in
                    let across = place - (place * axis).sum() * axis
                    return Self.length(across) - radius
                } say: { membrane in
                    (membrane.tubeRadiusInAngstroms ?? .infinity, "K/H² ")
                }
            }
        }
        for (name, normal) in [("plane", SIMD3(0.0, 0, 1)), ("oblique plane", SIMD3(1.0, 2, 0.7))] {
            let normal = normal / Self.length(normal)
            try measure(name, 600) { place in
                (place * normal).sum()
            } say: { membrane in
                (membrane.sphereRadiusInAngstroms ?? .infinity, "")
            }
        }
    }

    private static func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }

    /// - Parameters:
    ///   - distance: how far a place in Å from the middle lies from the surface.
    ///   - say: the radius that was found, and words before the roundness.
    private func measure(
        _ name: String, _ radius: Double, distance: (SIMD3<Double>) -> Double, say: (MeasuredMembrane) -> (Double, String)
    ) throws {
        let side = Int(2 * radius / edge) + 20
        guard let shape = VolumeShape(z: side, y: side, x: side), let voxelSize = VoxelSize(cubicInAngstroms: edge) else {
            return
        }
        let middle = SIMD3(0.31, 0.12, 0.47) + Double(side) / 2
        func place(_ index: Int, _ z: Int) -> SIMD3<Double> {
            (SIMD3(Double(index % side), Double(index / side), Double(z)) - middle) * edge
        }
        var finder = CentreSurfaceFinder(shape: shape, voxelSize: voxelSize)
        var (points, next) = (MembranePoints(shape: shape, voxelSize: voxelSize), 0)
        for z in 0..<side {
            let mask = Mask(
                height: side, width: side,
                values: (0..<side * side).map { abs(distance(place($0, z))) <= Self.thickness / 2 })
            guard let mask else { continue }
            for codes in try finder.add(mask) {
                try points.add(codes: codes.values, z: next)
                next += 1
            }
        }
        var membranes: [MeasuredMembrane] = []
        let use = try ProcessUse.measure {
            var measurement = try MembraneMeasurement(points, parameters: MembraneParameters()) {}
            for z in 0..<side where measurement.needs(z: z) {
                // As dark as a membrane, blurred.
                let density = (0..<side * side).map { index -> Float in
                    let apart = distance(place(index, z)) / (Self.thickness / 2)
                    return Float(-exp(-apart * apart * 0.6931))
                }
                try measurement.add(density: density, z: z)
            }
            membranes = measurement.finish()
        }
        guard let membrane = membranes.first else { return Report.row("\(name) of \(radius) Å", "nothing") }
        let (found, words) = say(membrane)
        let roundness = membrane.roundness.map { Report.text($0, 2) } ?? "flat"
        let thickness = Report.text(membrane.profile?.thicknessInAngstroms ?? .nan, 1)
        Report.row(
            "Cellar: \(name) of \(Report.text(radius / 10, 0)) nm, voxels of \(Report.text(edge, 0)) Å",
            "radius × \(Report.text(found / radius, 3)), \(words)\(roundness), \(thickness) Å thick (\(Self.thickness) were drawn), "
                + "\(points.count) places, \(Report.text(use.seconds, 2)) s, \(Report.text(use.processorSeconds, 2)) s of processor"
        )
    }
}
