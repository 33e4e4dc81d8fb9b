import Engine
import ImageProcessing
import Volumes

/// Where a step ends the sample: what ``MaskStep``, ``PseudoLabelsStep``, ``SegmentStep`` and ``PickStep`` declare and use alike.
///
/// Outside of the sample there is noise, and nothing to be found. Where `extent` found no surface on a side, nothing is cut there.
struct SampleCut {
    /// What becomes of voxels outside.
    enum Voxels: String, CaseIterable, Sendable { case keep, ground }
    /// What becomes of particles whose centres lie outside.
    enum Particles: String, CaseIterable, Sendable { case keep, drop }

    struct Parameters<Choice: RawRepresentable<String> & CaseIterable & Sendable>: DeclarationGroup {
        let outside: Parameter<Choice>
        let margin = Parameter.real(
            "outside_margin", default: 3, in: 0...1000,
            "voxels beyond a surface that still count as sample: a surface is rough, and found to some two voxels")

        /// - Parameter choice: the default.
        init(_ choice: Choice, _ summary: String) {
            outside = Parameter<Choice>.choice(SampleCut.choiceName, default: choice, summary)
        }
    }

    struct Inputs: DeclarationGroup {
        let extent = Input(ExtentStep.self, \.extent, by: SampleCut.choiceName, needs: [Voxels.keep.rawValue: .never])
    }

    static let choiceName = "outside"

    private let extent: SampleExtent
    private let margin: Double

    /// nil where the recipe keeps what is outside.
    init?<Choice>(_ inputs: InputValues<Inputs>, _ parameters: ParameterValues<Parameters<Choice>>) throws {
        guard let extent = try inputs.extent else { return nil }
        (self.extent, margin) = (extent, try parameters.margin)
    }

    /// Whether a place, x, y, z in voxels, lies in the sample.
    func contains(_ position: SIMD3<Double>) -> Bool { extent.contains(position, margin: margin) }

    /// Makes the pixels of a slice ground that lie outside.
    ///
    /// - Parameter pixels: `[y][x]`
    /// - Complexity: linear in the number of pixels that are outside.
    func clear<Pixel>(_ pixels: inout [Pixel], to ground: Pixel, z: Int, shape: VolumeShape) {
        extent.section(z: z, height: shape.y, width: shape.x, margin: margin).clear(&pixels, to: ground)
    }

    /// The mask of a slice without what is outside.
    func cut(_ mask: Mask, z: Int) -> Mask {
        mask.cleared(outside: extent.section(z: z, height: mask.height, width: mask.width, margin: margin), to: false)
    }

    /// Makes the labels of a slice ground where they lie outside, for good: training learns that nothing is there. Near a surface, a margin on
    /// either side, they become "neither", but for particles.
    ///
    /// - Complexity: linear in the number of pixels that change.
    func cut(_ slice: inout AgreedLabels.Slice, z: Int, shape: VolumeShape) {
        let inside = extent.section(z: z, height: shape.y, width: shape.x, margin: -margin)
        let outside = extent.section(z: z, height: shape.y, width: shape.x, margin: margin)
        for y in 0..<shape.y where inside.rows[y].count < shape.x {
            for x in 0..<shape.x where !inside.rows[y].contains(x) {
                let pixel = y * shape.x + x
                if !outside.rows[y].contains(x) {
                    slice.classes[pixel] = SliceInstances.Part.ground.rawValue
                    slice.particles[pixel] = 0
                } else if slice.particles[pixel] == 0 {
                    slice.classes[pixel] = SliceInstances.Part.neither.rawValue
                }
            }
        }
    }
}
