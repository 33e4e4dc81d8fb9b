import Basics
import Foundation

/// A model of a filament: Gaussian blobs on a helical lattice about a curved axis.
struct FilamentModel: Sendable {
    let filamentClass: SimulationClass
    /// The radius of the tube that contains the filament, in Å.
    let radius: Double
    /// The allowed lengths, in Å: a shorter filament is not placed, a longer one does not grow.
    let lengths: ClosedRange<Double>
    /// The least radius of curvature, in Å.
    let stiffness: Double

    private let strands: Int
    /// The distance of a subunit from the axis, in Å.
    private let offset: Double
    /// The distance along the axis between two neighbouring subunits of a strand, in Å.
    private let rise: Double
    /// The angle about the axis from one strand to the next, in radians.
    private let strandAngle: Double
    /// The shift along the axis from one strand to the next, in Å.
    private let strandShift: Double
    /// The rotation about the axis from one subunit of a strand to the next, in radians.
    private let twist: Double
    private let sigma: Double
    private let peak: Double

    /// A microtubule: thirteen straight protofilaments of subunits of 4.1 nm, each shifted by 0.92 nm; the wall is 4 nm thick.
    static let microtubule = FilamentModel(
        filamentClass: .microtubule, radius: 125, lengths: 1000...60_000, stiffness: 30_000, strands: 13, offset: 104, rise: 41,
        strandAngle: 2 * Double.pi / 13, strandShift: 9.2, twist: 0, sigma: 16, peak: 1.27)

    /// An actin filament: one helix of subunits with a rise of 2.75 nm and a twist of −166.6°, which looks like two strands.
    static let actin = FilamentModel(
        filamentClass: .actin, radius: 35, lengths: 500...4000, stiffness: 8000, strands: 1, offset: 16, rise: 27.5,
        strandAngle: 0, strandShift: 0, twist: -166.6 * Double.pi / 180, sigma: 14, peak: 1.15)

    /// The blobs of a filament along an axis.
    ///
    /// - Parameters:
    ///   - axis: evenly spaced points, in Å.
    ///   - voxelSize: the edge of the voxels over which the blobs are averaged, in Å.
    func blobs(along axis: [Point], voxelSize: Double) -> [GaussianBlob] {
        guard axis.count >= 2 else { return [] }
        let spacing = (axis[1] - axis[0]).length
        guard spacing > 0 else { return [] }
        let length = spacing * Double(axis.count - 1)
        var blobs: [GaussianBlob] = []
        var first = (axis[1] - axis[0]).anyPerpendicular
        var segment = 0
        for subunit in 0...Int(length / rise) {
            let base = Double(subunit) * rise
            for strand in 0..<strands {
                let position = base + Double(strand) * strandShift
                guard position <= length else { continue }
                let index = min(Int(position / spacing), axis.count - 2)
                let tangent = (axis[index + 1] - axis[index]).normalized
                // The frame moves along the axis without rotation about it (parallel transport).
                if index > segment {
                    segment = index
                    first = (first - first.dot(tangent) * tangent).normalized
                }
                let second = tangent.cross(first)
                let angle = Double(subunit) * twist + Double(strand) * strandAngle
                let middle = axis[index] + (position - Double(index) * spacing) * tangent
                let center = middle + offset * (cos(angle) * first + sin(angle) * second)
                blobs.append(GaussianBlob(center: center, sigma: sigma, peak: peak).averaged(overVoxelSize: voxelSize))
            }
        }
        return blobs
    }
}
