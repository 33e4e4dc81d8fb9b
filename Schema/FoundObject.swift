/// Something that a step found in a tomogram: a particle, a piece of membrane. A row of `object`.
public struct FoundObject: Sendable, Hashable {
    /// The value of its voxels in the label volume that the step gave, from 1; unique within a result.
    public var number: Int
    /// What it is: `membrane`, `macromolecule`.
    public var `class`: String
    /// x, y, z in Å.
    public var centroidInAngstroms: SIMD3<Double>
    /// Of a particle; nil for what is no ball.
    public var radiusInAngstroms: Double?
    public var voxels: Int
    public var volumeInCubicNanometers: Double
    /// 0 to 1; nil where the step gives none.
    public var confidence: Double?
    /// The box that encloses it, to the outer faces of its voxels: x, y, z in Å.
    public var boxMinimumInAngstroms: SIMD3<Double>
    public var boxMaximumInAngstroms: SIMD3<Double>

    public init(
        number: Int, class: String, centroidInAngstroms: SIMD3<Double>, radiusInAngstroms: Double? = nil, voxels: Int,
        volumeInCubicNanometers: Double, confidence: Double? = nil, boxMinimumInAngstroms: SIMD3<Double>,
        boxMaximumInAngstroms: SIMD3<Double>
    ) {
        self.number = number
        self.class = `class`
        self.centroidInAngstroms = centroidInAngstroms
        self.radiusInAngstroms = radiusInAngstroms
        self.voxels = voxels
        self.volumeInCubicNanometers = volumeInCubicNanometers
        self.confidence = confidence
        self.boxMinimumInAngstroms = boxMinimumInAngstroms
        self.boxMaximumInAngstroms = boxMaximumInAngstroms
    }

    /// Whether the catalog can hold it: numbers finite and in their ranges.
    public var isValid: Bool {
        let numbers = [centroidInAngstroms, boxMinimumInAngstroms, boxMaximumInAngstroms].flatMap { [$0.x, $0.y, $0.z] }
        let isBox = all(boxMinimumInAngstroms .< boxMaximumInAngstroms)
        return number >= 1 && !`class`.isEmpty && voxels >= 1 && numbers.allSatisfy(\.isFinite) && isBox
            && volumeInCubicNanometers > 0 && volumeInCubicNanometers.isFinite
            && radiusInAngstroms.map { $0 > 0 && $0.isFinite } ?? true && confidence.map { (0...1).contains($0) } ?? true
    }
}
