/// One particle of a simulated tomogram.
public struct SimulatedParticle: Codable, Hashable, Sendable {
    /// `ribosome`, `proteasome`, `complex` or `gold`.
    public let particleClass: SimulationClass
    /// The centre in Å from the centre of the tomogram's first voxel.
    public let xInAngstroms: Double
    public let yInAngstroms: Double
    public let zInAngstroms: Double
    /// The radius of the ball about the centre that holds the particle; balls of two particles never meet.
    public let radiusInAngstroms: Double
    /// How the particle's own axes are turned.
    public let orientation: Rotation

    init(_ particleClass: SimulationClass, at center: Point, radius: Double, orientation: Rotation) {
        self.particleClass = particleClass
        xInAngstroms = center.x
        yInAngstroms = center.y
        zInAngstroms = center.z
        radiusInAngstroms = radius
        self.orientation = orientation
    }

    var center: Point { Point(xInAngstroms, yInAngstroms, zInAngstroms) }
}

/// One filament of a simulated tomogram.
public struct SimulatedFilament: Codable, Hashable, Sendable {
    /// A point of the axis in Å from the centre of the tomogram's first voxel.
    public struct AxisPoint: Codable, Hashable, Sendable {
        public let xInAngstroms: Double
        public let yInAngstroms: Double
        public let zInAngstroms: Double

        init(_ point: Point) {
            xInAngstroms = point.x
            yInAngstroms = point.y
            zInAngstroms = point.z
        }
    }

    /// `actin` or `microtubule`.
    public let filamentClass: SimulationClass
    public let radiusInAngstroms: Double
    /// The axis from one end to the other, evenly spaced; it may begin or end outside the tomogram.
    public let axis: [AxisPoint]

    init(_ filamentClass: SimulationClass, radius: Double, axis: [Point]) {
        self.filamentClass = filamentClass
        radiusInAngstroms = radius
        self.axis = axis.map(AxisPoint.init)
    }
}
