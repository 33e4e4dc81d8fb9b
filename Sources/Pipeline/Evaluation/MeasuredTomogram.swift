import CatalogSchema
import Engine
import Metrics
import Volumes

/// What a whole tomogram holds of a class.
struct MeasuredTomogram {
    private let volumeInCubicNanometers: Double
    /// Of the lamella, where its thickness is known.
    private let lamellaInCubicNanometers: Double?

    /// - Parameter thicknessInAngstroms: of the lamella; nil where it cannot be told.
    init(shape: VolumeShape, voxelSize: VoxelSize, thicknessInAngstroms: Double?) {
        let volume = Double(shape.count) * voxelSize.volumeInCubicNanometers
        let height = Double(shape.z) * voxelSize.zInAngstroms
        volumeInCubicNanometers = volume
        lamellaInCubicNanometers = thicknessInAngstroms.map { volume * $0 / height }
    }

    /// Records metrics `class/measure`: how many objects, their volume, which part of the tomogram that is, and how many there are in a
    /// cubic micrometre of the tomogram and of its lamella.
    func record(_ objects: [FoundObject], class name: String, of item: StepItem) {
        let volume = objects.reduce(0) { $0 + $1.volumeInCubicNanometers }
        item.record("\(name)/objects", Double(objects.count))
        item.record("\(name)/volume_nm3", volume)
        item.record("\(name)/fraction", volume / volumeInCubicNanometers)
        item.record("\(name)/concentration", Double(objects.count) / volumeInCubicNanometers * 1e9)
        if let lamellaInCubicNanometers {
            item.record("\(name)/lamella_concentration", Double(objects.count) / lamellaInCubicNanometers * 1e9)
        }
    }
}

/// Where the lamella lies in z, as `measure` keeps it.
struct StoredLamella: Codable, Hashable {
    let lowerInAngstroms: Double
    let upperInAngstroms: Double
    let thicknessInAngstroms: Double

    init(_ lamella: Lamella) {
        lowerInAngstroms = lamella.lowerInAngstroms
        upperInAngstroms = lamella.upperInAngstroms
        thicknessInAngstroms = lamella.thicknessInAngstroms
    }
}

extension VoxelSize {
    /// Of a voxel.
    var volumeInCubicNanometers: Double { xInAngstroms * yInAngstroms * zInAngstroms / 1000 }
}
