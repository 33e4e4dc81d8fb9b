import Basics
import Diffusion
import Foundation
import ImageProcessing
import Mining
import Tensors
import Volumes

/// Describes places of a tomogram by what a diffusion model makes of sections through them (``ParticleDescriptor/Part/diffusion``): the output of
/// one block of its U-Net for a noised section, averaged about the place and over three sections, projected to few numbers.
///
/// The features are those of DIFT (Tang et al., *Emergent correspondence from image diffusion*, NeurIPS 2023). A section reaches 1.4 radii to each
/// side and is enlarged, since the model sees 8 × 8 pixels as one.
struct DiffusionFeatures {
    /// The blocks of a U-Net of Stable Diffusion, from its input to its output.
    enum Block: String, CaseIterable, Sendable {
        case down0 = "down_blocks.0"
        case down1 = "down_blocks.1"
        case down2 = "down_blocks.2"
        case down3 = "down_blocks.3"
        case middle = "mid_block"
        case up0 = "up_blocks.0"
        case up1 = "up_blocks.1"
        case up2 = "up_blocks.2"
        case up3 = "up_blocks.3"
    }

    private let model: DiffusionModel
    private let context: Tensor
    private let block: Block
    private let timestep: Int
    private let tomogram: NetworkApplication.Tomogram
    private let structuresAreDark: Bool
    /// R in voxels.
    private let reach: Double
    /// The pixels along the side of an enlarged section.
    private let side: Int
    private var projection: FeatureProjection?

    /// The least side of an enlarged section, in pixels.
    private static let leastSide = 128

    /// - Parameters:
    ///   - structuresAreDark: whether structures are dark in the tomogram, as they are in what the model sees.
    ///   - radius: R in Å.
    /// - Throws: ``DiffusionError`` where the model has no text encoder and no empty prompt.
    init(
        _ model: DiffusionModel, block: Block, timestep: Int, of tomogram: NetworkApplication.Tomogram, structuresAreDark: Bool,
        radiusInAngstroms radius: Double
    ) throws {
        (self.model, self.block, self.timestep, self.tomogram) = (model, block, timestep, tomogram)
        self.structuresAreDark = structuresAreDark
        context = try model.context(for: "")
        reach = radius / tomogram.voxelSize.meanInAngstroms
        side = Self.leastSide.rounded(upToMultipleOf: model.imageSideFactor)
    }

    /// The numbers of a place.
    ///
    /// - Parameter place: (x, y, z) in voxels of the tomogram, the middle of the first one 0.
    /// - Complexity: for each of three sections of 128² pixels the encoder and a pass of the U-Net up to the block: some 0.1 s of processor for
    ///   the built-in model; Stable Diffusion takes far longer.
    mutating func describe(_ place: SIMD3<Double>) throws -> [Float] {
        let half = Int((1.4 * reach).rounded(.up))
        let pixels = 2 * half + 1
        guard let window = VolumeShape(z: 1, y: pixels, x: pixels) else { return [] }
        let middle = (Int(place.z.rounded()), Int(place.y.rounded()), Int(place.x.rounded()))
        let spacing = Int((reach / 2).rounded())
        var sums: [Float] = []
        let offsets = [-spacing, 0, spacing]
        for offset in offsets {
            let origin = SIMD3(middle.0 + offset, middle.1 - half, middle.2 - half)
            let densities = try PlaceFeatures.densities(from: origin, of: window, in: tomogram.volume.shape) {
                tomogram.scaling.clipped(try tomogram.volume.read($0).floats())
            }
            guard let section = Image(height: pixels, width: pixels, values: densities.map(gray)) else { return [] }
            let seen = try section.resized(height: side, width: side)
            let latent = try model.encode(gray: seen.values, height: side, width: side).mode
            let output = try model.features(latent, timestep: timestep, context: context, block: block.rawValue)
            let map = Tensor(shape: [1] + output.shape, values: output.values)
            // Cells of the map along the section's side, in voxels.
            let cell = Double(pixels) / Double(output.shape[1])
            let centre = SIMD3(0, place.y - Double(origin.y), place.x - Double(origin.z))
            let mean = PlaceFeatures.mean(
                of: map, about: (centre + 0.5) / cell - 0.5, deviation: SIMD3(1, reach / 2 / cell, reach / 2 / cell))
            sums = sums.isEmpty ? mean : zip(sums, mean).map { $0 + $1 }
        }
        let projection = try self.projection ?? FeatureProjection(channels: sums.count)
        self.projection = projection
        return try projection(sums.map { $0 / Float(offsets.count) })
    }

    /// A density between the percentiles of the tomogram as a grey of 8 bits, structures dark.
    private func gray(_ density: Float) -> UInt8 {
        let range = tomogram.scaling.range
        let part = (density - range.lowerBound) / (range.upperBound - range.lowerBound)
        return UInt8((255 * min(max(structuresAreDark ? part : 1 - part, 0), 1)).rounded())
    }
}
