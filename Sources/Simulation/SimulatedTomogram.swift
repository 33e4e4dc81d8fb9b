public import Volumes

/// A simulated tomogram and its ground truth.
public struct SimulatedTomogram: Sendable {
    /// The grey values: float32, `[z][y][x]`, structures dark. In the lamella, before gold, ice and noise are added, their mean is 0
    /// and their standard deviation is 1.
    public let greyValues: VoxelBuffer

    /// The class of each voxel: uint8, `[z][y][x]`, the raw values of ``SimulationClass``.
    public let labels: VoxelBuffer

    /// The particles whose centres lie in the tomogram. At the tomogram's edges `labels` also has voxels of particles whose
    /// centres lie outside.
    public let particles: [SimulatedParticle]

    /// The filaments with at least one axis point in the tomogram.
    public let filaments: [SimulatedFilament]

    /// The surfaces of the lamella; beyond them there is vacuum.
    public let lamella: SimulatedLamella

    /// The heights of these surfaces in voxels.
    public let surfaces: SurfaceHeights

    /// The parameters, with the values that were drawn for those that were nil.
    public let parameters: SimulationParameters

    /// The values of the label volume by the names of their classes, background included.
    public static let classes = Dictionary(uniqueKeysWithValues: SimulationClass.allCases.map { ($0.name, Int($0.rawValue)) })

    /// Everything but the voxels, for a JSON file beside them.
    public var sidecar: Sidecar {
        Sidecar(
            parameters: parameters, classes: Self.classes, lamella: lamella, particles: particles, filaments: filaments)
    }

    /// The contents of the JSON file: everything but the voxels.
    public struct Sidecar: Codable, Hashable, Sendable {
        public let parameters: SimulationParameters
        public let classes: [String: Int]
        public let lamella: SimulatedLamella
        public let particles: [SimulatedParticle]
        public let filaments: [SimulatedFilament]
    }
}

/// The heights of the two surfaces of a lamella over the tomogram: z in voxels, 0 at the middle of the first slice. They may lie
/// outside of the tomogram.
public struct SurfaceHeights: Hashable, Sendable {
    /// The number of voxels along x, and along y.
    public let x: Int
    public let y: Int
    /// The lower surface, `[y][x]`.
    public let lower: [Float]
    /// The upper surface, `[y][x]`.
    public let upper: [Float]

    /// The heights as a volume of two slices, float32 `[surface][y][x]`, the lower surface first.
    public var voxels: VoxelBuffer? {
        VolumeShape(z: 2, y: y, x: x).flatMap { VoxelBuffer(shape: $0, values: lower + upper) }
    }
}

/// One particle of a simulated tomogram.
public struct SimulatedParticle: Codable, Hashable, Sendable {
    /// `ribosome`, `proteasome`, `complex`, `largeParticle`, `smallParticle` or `gold`.
    public let particleClass: SimulationClass
    /// The x coordinate of the centre, in Å from the centre of the tomogram's first voxel; y and z likewise.
    public let xInAngstroms: Double
    public let yInAngstroms: Double
    public let zInAngstroms: Double
    /// The radius of the ball about the centre that contains the particle. The balls of two particles never overlap, but
    /// for large and small particles, of which only the bodies keep apart: a rod lies beside a rod.
    public let radiusInAngstroms: Double
    /// The rotation from the particle's own axes to those of the tomogram.
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
    /// A point of the axis, in Å from the centre of the tomogram's first voxel.
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
    /// The radius of the tube about the axis that contains the filament and carries its label.
    public let radiusInAngstroms: Double
    /// Evenly spaced points of the axis from one end to the other; it may begin or end outside the tomogram.
    public let axis: [AxisPoint]

    init(_ filamentClass: SimulationClass, radius: Double, axis: [Point]) {
        self.filamentClass = filamentClass
        radiusInAngstroms = radius
        self.axis = axis.map(AxisPoint.init)
    }
}

/// The class of a voxel or a particle of a simulated tomogram. The raw value is the value of the voxel in the label volume.
public enum SimulationClass: UInt8, Codable, Hashable, Sendable, CaseIterable {
    /// Water, single proteins, the inside of compartments, and vacuum.
    case background = 0
    /// Voxels within half the thickness of a bilayer from its middle.
    case membrane = 1
    /// Voxels within 2 nm of the centre of one of the Gaussian blobs that make up the particle. The same holds for proteasome and
    /// complex.
    case ribosome = 2
    case proteasome = 3
    /// A globular complex of 10-13 nm in diameter.
    case complex = 4
    /// Voxels within 3.5 nm of the filament's axis.
    case actin = 5
    /// Voxels within 12.5 nm of the axis: the wall and the lumen.
    case microtubule = 6
    /// Voxels inside a gold bead.
    case gold = 7
    /// An assembly of a drawn shape, 20 nm in diameter or more: voxels within nine tenths of a blob's distance from the next.
    case largeParticle = 8
    /// A smaller one.
    case smallParticle = 9
    /// Ice on the surfaces of the lamella.
    case ice = 10

    /// The name of the class in class tables: `ribosome`, `actin`.
    public var name: String { String(describing: self) }
}
