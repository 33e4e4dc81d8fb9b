public import Volumes

/// A simulated tomogram and the truth about it.
public struct SimulatedTomogram: Sendable {
    /// The grey values: float32, `[z][y][x]`, structures dark. Zero is the mean of the lamella's signal, and one its standard
    /// deviation, both without gold and noise.
    public let density: VoxelBuffer

    /// What each voxel is: uint8, `[z][y][x]`, the raw values of ``SimulationClass``.
    public let labels: VoxelBuffer

    /// The particles whose centres lie in the tomogram. At the tomogram's edges `labels` also has voxels of particles whose
    /// centres lie outside.
    public let particles: [SimulatedParticle]

    /// The filaments of which a part lies in the tomogram.
    public let filaments: [SimulatedFilament]

    /// Where the slab of cell is; beyond it there is vacuum.
    public let lamella: SimulatedLamella

    /// The parameters, with what was drawn for those that were left open.
    public let parameters: SimulationParameters

    /// The label volume's values by the names of their classes, background included.
    public static let classes = Dictionary(uniqueKeysWithValues: SimulationClass.allCases.map { ($0.name, Int($0.rawValue)) })

    /// Everything but the voxels, for a JSON file beside them.
    public var sidecar: Sidecar {
        Sidecar(
            parameters: parameters, classes: Self.classes, lamella: lamella, particles: particles, filaments: filaments)
    }

    public struct Sidecar: Codable, Hashable, Sendable {
        public let parameters: SimulationParameters
        public let classes: [String: Int]
        public let lamella: SimulatedLamella
        public let particles: [SimulatedParticle]
        public let filaments: [SimulatedFilament]
    }
}
