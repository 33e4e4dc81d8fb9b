import Basics
import Foundation
import Mining
import Tensors
import Training
import Volumes

/// Describes places of a tomogram by what a network makes of their surroundings (``ParticleDescriptor/Part/network``): its map of the last level
/// but one on the way down, averaged over the particle's middle half and over the four mirror images within slices, projected to few numbers.
///
/// The network sees a window of its own voxel size, as large as its normalisation needs. It learned which sign structures have, so that none is
/// turned here. What these numbers tell of kinds, and what they do not: Benchmarks/NOTES.md, "Kinds".
struct NetworkFeatures {
    private let network: any Network
    private let scale: VoxelScale
    /// Of the window, without the slices that the network sees beside it.
    private let window: VolumeShape
    /// σ of the mean, in voxels of the network: that of a ball of half of the particle's radius.
    private let deviation: Double
    private let read: (Box) throws -> [Float]
    private var projection: FeatureProjection?

    /// The least side of a window within slices, in voxels: less is no surroundings to a network that normalises each map.
    private static let leastSide = 64
    /// The largest ratio of voxel sizes, either way.
    private static let mostScale = 4.0

    /// - Throws: ``PipelineError`` where the tomogram's voxels are more than ``mostScale`` times those of the network, or it is the other way round;
    ///   where the window is too large for the memory of a network.
    init(
        _ network: any Network, _ description: NetworkDescription, of tomogram: NetworkApplication.Tomogram,
        radiusInAngstroms radius: Double
    ) throws {
        self.network = network
        let architecture = network.architecture
        scale = try VoxelScale(
            tomogram.voxelSize, of: tomogram.volume.shape, learned: description.voxelSizeInAngstroms,
            tolerance: NetworkApplication.Passes.usualTolerance, most: Self.mostScale, tomogram: tomogram.name)
        read = try tomogram.reader(scale)
        // What is not scaled has the tomogram's voxels.
        let reach = radius / tomogram.voxelSize.meanInAngstroms * cbrt(scale.ratios.reduce(1, *))
        deviation = reach / 4
        let alignment = architecture.alignment
        let side = max(Self.leastSide, Int((2 * reach).rounded(.up)))
        let isDeep = alignment.depth > 1 || architecture.receptiveRadius.depth > 0
        let sides =
            architecture.usesCoordinates
            ? SIMD3(repeating: description.patchSize)
            : SIMD3(
                isDeep ? side.rounded(upToMultipleOf: alignment.depth) : 2 * Int((reach / 2).rounded(.up)) + 1,
                side.rounded(upToMultipleOf: alignment.height), side.rounded(upToMultipleOf: alignment.width))
        guard let window = VolumeShape(z: sides.x, y: sides.y, x: sides.z),
            window.count <= NetworkApplication.networkBytes / architecture.bytesPerVoxel
        else {
            throw PipelineError(
                "a window of \(sides.x) × \(sides.y) × \(sides.z) voxels is too large for descriptors; set a smaller \(DescriptorsStep.name).radius"
            )
        }
        self.window = window
    }

    /// The numbers of a place.
    ///
    /// - Parameter place: (x, y, z) in voxels of the tomogram, the middle of the first one 0.
    /// - Complexity: four passes of the network down over the window: some 0.1 s of processor for 64² voxels in 9 slices and the built-in
    ///   network.
    mutating func describe(_ place: SIMD3<Double>) throws -> [Float] {
        let inGrid = SIMD3(
            (place.z + 0.5) * scale.ratios[0] - 0.5, (place.y + 0.5) * scale.ratios[1] - 0.5,
            (place.x + 0.5) * scale.ratios[2] - 0.5)
        let sides = SIMD3(window.z, window.y, window.x)
        let context = network.architecture.context
        guard let seen = VolumeShape(z: window.z + 2 * context, y: window.y, x: window.x) else { return [] }
        var sums: [Float] = []
        for orientation in Orientation.mirrored {
            // Of an even length a mirrored window begins a voxel later, so that the place is the same voxel of each copy, and a mirrored
            // tomogram has the same copies.
            var origin = SIMD3<Int>()
            for axis in 0..<3 {
                let later = orientation.isReversed[axis] && sides[axis] % 2 == 0 ? 1 : 0
                origin[axis] = Int(inGrid[axis].rounded()) - sides[axis] / 2 + later
            }
            let densities = try PlaceFeatures.densities(
                from: origin &- SIMD3(context, 0, 0), of: seen, in: scale.scaledShape, read: read)
            let map = network.features(
                Tensor(shape: [1, seen.z, seen.y, seen.x, 1], values: orientation(densities, shape: seen)))
            var (cell, deviation) = (SIMD3<Double>(), SIMD3<Double>())
            for axis in 0..<3 {
                let stride = Double(sides[axis]) / Double(map.shape[axis + 1])
                let place = inGrid[axis] - Double(origin[axis])
                cell[axis] = ((orientation.isReversed[axis] ? Double(sides[axis] - 1) - place : place) + 0.5) / stride - 0.5
                deviation[axis] = self.deviation / stride
            }
            let mean = PlaceFeatures.mean(of: map, about: cell, deviation: deviation)
            sums = sums.isEmpty ? mean : zip(sums, mean).map { $0 + $1 }
        }
        let share = 1 / Float(Orientation.mirrored.count)
        let projection = try self.projection ?? FeatureProjection(channels: sums.count)
        self.projection = projection
        return try projection(sums.map { share * $0 })
    }
}
