import CatalogSchema
import Foundation
import ImageProcessing
import Volumes

/// Where the voxels of a slab lie: makes objects of the catalog, in Å, of what was found by counting voxels.
struct ObjectFrame {
    let voxelSize: VoxelSize
    /// The slice of the tomogram that the slab begins with.
    let firstSlice: Int

    private var voxel: SIMD3<Double> { SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms) }
    private var voxelVolume: Double { voxel.x * voxel.y * voxel.z }
    var voxelVolumeInCubicNanometers: Double { voxelVolume / 1000 }

    /// - Parameter x: in voxels of the slab, as y and z.
    private func place(_ x: Double, _ y: Double, _ z: Double) -> SIMD3<Double> {
        SIMD3(x, y, z + Double(firstSlice)) * voxel
    }

    func object(_ particle: LinkedObject, number: Int) -> FoundObject {
        let volume = Double(particle.voxelCount) * voxelVolume
        return FoundObject(
            number: number, class: PseudoLabels.macromolecule, centroidInAngstroms: place(particle.x, particle.y, particle.z),
            radiusInAngstroms: particle.radius * cbrt(voxelVolume), voxels: particle.voxelCount,
            volumeInCubicNanometers: volume / 1000, confidence: particle.confidence,
            boxMinimumInAngstroms: place(
                Double(particle.boxX.lowerBound) - 0.5, Double(particle.boxY.lowerBound) - 0.5,
                Double(particle.boxZ.lowerBound) - 0.5),
            boxMaximumInAngstroms: place(
                Double(particle.boxX.upperBound) - 0.5, Double(particle.boxY.upperBound) - 0.5,
                Double(particle.boxZ.upperBound) - 0.5))
    }

    func membrane(_ piece: VolumeComponents.Component, number: Int) -> FoundObject {
        let (centroid, low, high) = (piece.centroid, piece.minimum, piece.maximum)
        return FoundObject(
            number: number, class: PseudoLabels.membrane, centroidInAngstroms: place(centroid.x, centroid.y, centroid.z),
            voxels: piece.voxels, volumeInCubicNanometers: Double(piece.voxels) * voxelVolume / 1000,
            boxMinimumInAngstroms: place(Double(low.x) - 0.5, Double(low.y) - 0.5, Double(low.z) - 0.5),
            boxMaximumInAngstroms: place(Double(high.x) + 0.5, Double(high.y) + 0.5, Double(high.z) + 0.5))
    }
}
