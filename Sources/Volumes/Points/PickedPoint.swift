/// A point that a person or a program picked in a tomogram: a particle, or a seed.
public struct PickedPoint: Hashable, Sendable {
    /// The position, in the units of the set that the point belongs to.
    public var x: Double
    public var y: Double
    public var z: Double
    /// What is to be added to the position once it is in Å: the shift that a refinement found, where a file states it
    /// in Å beside coordinates in pixels. Shifts in the unit of the coordinates are part of the position already.
    public var shiftInAngstroms: SIMD3<Double>
    public var orientation: ParticleOrientation?
    /// What the point is: `ribosome`.
    public var className: String?
    /// The tomogram or tilt series, where a file holds the points of several.
    public var tomogramName: String?
    /// The number of the object that the point belongs to, for points along filaments or of one surface.
    public var instance: Int?
    public var score: Double?
    public var radiusInAngstroms: Double?

    public init(
        x: Double, y: Double, z: Double, shiftInAngstroms: SIMD3<Double> = .zero, orientation: ParticleOrientation? = nil,
        className: String? = nil, tomogramName: String? = nil, instance: Int? = nil, score: Double? = nil,
        radiusInAngstroms: Double? = nil
    ) {
        self.x = x
        self.y = y
        self.z = z
        self.shiftInAngstroms = shiftInAngstroms
        self.orientation = orientation
        self.className = className
        self.tomogramName = tomogramName
        self.instance = instance
        self.score = score
        self.radiusInAngstroms = radiusInAngstroms
    }
}
