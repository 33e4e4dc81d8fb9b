/// A space that membranes bound, which decides what is found in it.
enum Compartment: UInt8, Sendable {
    case cytosol = 0
    /// Vesicles, cisternae, and the space between two membranes: few proteins.
    case lumen
    /// The inside of a mitochondrion: dense.
    case matrix
    case nucleus
    /// Outside the cell.
    case exterior
    /// Outside the lamella.
    case vacuum

    /// The concentration of single proteins relative to the cytosol's.
    var crowding: Double {
        switch self {
        case .cytosol: 1
        case .lumen: 0.3
        case .matrix: 1.7
        case .nucleus: 0.9
        case .exterior: 0.15
        case .vacuum: 0
        }
    }
}

/// A shape of one or two bilayers, known by how far a point is from the nearest.
protocol Membrane: Sendable {
    /// Everything within and some ångströms about the shape.
    var region: Region { get }

    /// Points on the outermost bilayer, at most about 20 nm apart, by which two shapes are kept apart.
    var surfacePoints: [Point] { get }

    /// The distance in Å from the middle of the outermost bilayer, negative inside.
    func signedDistance(at point: Point) -> Double

    func sample(at point: Point) -> MembraneSample
}

struct MembraneSample {
    /// The distance in Å from the middle of the nearest bilayer, never negative.
    var bilayerDistance: Double
    /// Where the point is, or nil outside of the shape.
    var compartment: Compartment?
}
