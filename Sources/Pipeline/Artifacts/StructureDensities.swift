public import Engine
import ImageProcessing
import Volumes

/// What a step reads of a tomogram that it filters, or applies networks to.
public struct TomogramInputs: DeclarationGroup {
    let voxels = Input.voxels
    let histogram = Input(DescribeStep.self, \.histogram)
    let calibration = Input(CalibrateStep.self, \.voxelSize)
}

/// The densities of a tomogram as filters for structures see them: structures bright, cut off and normalised as networks see them
/// (``DensityScaling``). What ``SheetsStep`` and ``BlobsStep`` declare and use alike.
struct StructureDensities {
    public struct Parameters: DeclarationGroup {
        let structures = Parameter<PrepareStep.Structures>.choice(
            "density.structures", default: .dark, "how structures stand out in the tomogram")
    }

    private let volume: any Volume
    private let scaling: DensityScaling
    private let sign: Float

    /// nil where the voxels are all the same, or no numbers: there is no structure.
    ///
    /// - Throws: as ``Voxels/open()``.
    init?(_ inputs: InputValues<TomogramInputs>, _ parameters: ParameterValues<Parameters>, of scope: StepItem.Scope) throws {
        let histogram = try inputs.histogram.histogram
        guard DensityScaling.isPossible(with: histogram) else { return nil }
        scaling = try DensityScaling(histogram, of: scope.tomogram)
        volume = try inputs.voxels.open()
        sign = try parameters.structures == .dark ? -1 : 1
    }

    /// The densities of a box, `[z][y][x]`, mean about 0 and standard deviation about 1.
    ///
    /// - Complexity: reads the box.
    func callAsFunction(_ box: Box) throws -> [Float] { bright(try volume.read(box).floats()) }

    /// The densities of a slice, `[y][x]`.
    ///
    /// - Complexity: reads the slice.
    func slice(_ z: Int) throws -> Image<Float> { try volume.shape.image(bright(volume.readSlice(z: z).floats())) }

    private func bright(_ values: [Float]) -> [Float] { scaling.normalized(values).map { sign * $0 } }
}
