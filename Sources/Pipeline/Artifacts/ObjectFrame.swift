import CatalogSchema
import Foundation
import ImageProcessing
import Volumes

/// The position of a slab in its tomogram: converts objects in voxels of the slab to objects of the catalog, in Å.
struct ObjectFrame {
    let voxelSize: VoxelSize
    /// The first slice of the slab, as an index in the tomogram.
    let firstSlice: Int

    /// A position in Å in the tomogram, of one in voxels of the slab.
    private func position(_ x: Double, _ y: Double, _ z: Double) -> SIMD3<Double> {
        SIMD3(x, y, z + Double(firstSlice)) * voxelSize.vectorInAngstroms
    }

    /// A particle that was linked.
    func object(_ particle: LinkedObject, number: Int) -> FoundObject {
        object(
            PseudoLabels.macromolecule, number: number, at: position(particle.x, particle.y, particle.z),
            radiusInAngstroms: particle.radius * cbrt(voxelSize.volumeInCubicAngstroms), confidence: particle.confidence,
            voxels: particle.voxelCount,
            low: SIMD3(particle.boxX.lowerBound, particle.boxY.lowerBound, particle.boxZ.lowerBound),
            high: SIMD3(particle.boxX.upperBound - 1, particle.boxY.upperBound - 1, particle.boxZ.upperBound - 1))
    }

    /// A particle of a table, and its voxels.
    func object(_ row: ParticleTable.Row, _ extent: VoxelExtent, number: Int) -> FoundObject {
        object(
            PseudoLabels.macromolecule, number: number, at: row.centreInAngstroms,
            radiusInAngstroms: row.radiusInAngstroms > 0 ? row.radiusInAngstroms : nil, confidence: row.confidence,
            voxels: extent.voxels, low: extent.minimum, high: extent.maximum)
    }

    /// A connected piece of membrane.
    func membrane(_ piece: VolumeComponents.Component, number: Int, confidence: Double?) -> FoundObject {
        object(
            PseudoLabels.membrane, number: number, at: position(piece.centroid.x, piece.centroid.y, piece.centroid.z),
            radiusInAngstroms: nil, confidence: confidence, voxels: piece.voxels, low: piece.minimum, high: piece.maximum)
    }

    /// An object; its box goes from face to face of its outer voxels.
    private func object(
        _ name: String, number: Int, at centre: SIMD3<Double>, radiusInAngstroms: Double?, confidence: Double?, voxels: Int,
        low: SIMD3<Int>, high: SIMD3<Int>
    ) -> FoundObject {
        FoundObject(
            number: number, class: name, centroidInAngstroms: centre, radiusInAngstroms: radiusInAngstroms, voxels: voxels,
            volumeInCubicNanometers: Double(voxels) * voxelSize.volumeInCubicAngstroms / 1000, confidence: confidence,
            boxMinimumInAngstroms: position(Double(low.x) - 0.5, Double(low.y) - 0.5, Double(low.z) - 0.5),
            boxMaximumInAngstroms: position(Double(high.x) + 0.5, Double(high.y) + 0.5, Double(high.z) + 0.5))
    }
}

/// The number of an object's voxels, and the box around them, 0-based.
struct VoxelExtent {
    private(set) var voxels = 0
    private(set) var minimum = SIMD3<Int>(repeating: .max)
    private(set) var maximum = SIMD3<Int>(repeating: .min)

    mutating func add(x: Int, y: Int, z: Int) {
        voxels += 1
        let place = SIMD3(x, y, z)
        minimum = pointwiseMin(minimum, place)
        maximum = pointwiseMax(maximum, place)
    }
}
