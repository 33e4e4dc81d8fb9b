/// What a voxel or a particle of a simulated tomogram is. The raw value is the voxel's value in the label volume.
public enum SimulationClass: UInt8, Codable, Hashable, Sendable, CaseIterable {
    /// Water, single proteins, the inside of compartments, and vacuum.
    case background = 0
    /// Within half a bilayer's thickness of a bilayer's middle.
    case membrane = 1
    /// Within 2 nm of the middle of one of the blobs that make up the particle; so too the next two.
    case ribosome = 2
    case proteasome = 3
    /// A globular complex of 10-13 nm.
    case complex = 4
    /// Within 3.5 nm of the filament's axis.
    case actin = 5
    /// Within 12.5 nm of the axis: the wall and the lumen.
    case microtubule = 6
    /// Inside a gold bead.
    case gold = 7

    /// The name of the class in class tables: `ribosome`, `actin`.
    public var name: String { String(describing: self) }
}
