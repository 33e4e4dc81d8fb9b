import CatalogSchema
import Metrics
import Volumes

/// Rows of the catalog for what was measured: numbered from 1, each with its nearest neighbour of each class.
struct MeasuredObjects {
    private(set) var found: [FoundObject]

    /// Of the connected pieces of a segmentation.
    ///
    /// - Parameter distances: to the membrane; a piece of membrane itself has none.
    init(_ pieces: [MeasuredObject], distances: ClassDistances?) throws {
        let away = try distances?.distancesInAngstroms(from: pieces.map(\.centroidInAngstroms)) ?? []
        found = pieces.enumerated().map { index, piece in
            FoundObject(
                number: index + 1, class: piece.className, centroidInAngstroms: piece.centroidInAngstroms, voxels: piece.voxels,
                volumeInCubicNanometers: piece.volumeInCubicNanometers,
                surfaceInSquareNanometers: piece.surfaceAreaInSquareNanometers, elongation: piece.elongation,
                meanDensity: piece.meanDensity,
                membraneDistanceInAngstroms: away.isEmpty || piece.className == MeasureStep.membrane ? nil : away[index],
                boxMinimumInAngstroms: piece.lowerInAngstroms, boxMaximumInAngstroms: piece.upperInAngstroms)
        }
        try findNeighbours()
    }

    /// Of particles, which are balls.
    ///
    /// - Parameter densities: of each.
    init(
        _ particles: [FoundParticle], densities: [Double?], distances: ClassDistances?, voxelSize: VoxelSize
    ) throws {
        let away = try distances?.distancesInAngstroms(from: particles.map(\.pick.center)) ?? []
        let voxelVolume = 1000 * voxelSize.volumeInCubicNanometers
        found = zip(particles, densities).enumerated().map { index, item in
            let (particle, density) = item
            let radius = particle.radiusInAngstroms
            let volume = 4 / 3 * Double.pi * radius * radius * radius
            return FoundObject(
                number: index + 1, class: particle.className, centroidInAngstroms: particle.pick.center,
                radiusInAngstroms: radius,
                voxels: max(1, Int((volume / voxelVolume).rounded())), volumeInCubicNanometers: volume / 1000,
                surfaceInSquareNanometers: 4 * Double.pi * radius * radius / 100, elongation: 1, meanDensity: density,
                membraneDistanceInAngstroms: away.isEmpty ? nil : away[index],
                confidence: min(max(particle.pick.score, 0), 1), boxMinimumInAngstroms: particle.pick.center - radius,
                boxMaximumInAngstroms: particle.pick.center + radius)
        }
        try findNeighbours()
    }

    private mutating func findNeighbours() throws {
        let groups = Dictionary(grouping: found.indices) { found[$0].class }
        for (name, others) in groups.sorted(by: { $0.key < $1.key }) {
            let places = others.map { found[$0].centroidInAngstroms }
            for (own, members) in groups {
                let nearest =
                    own == name
                    ? try NearestNeighbors.nearest(among: places)
                    : try NearestNeighbors.nearest(from: members.map { found[$0].centroidInAngstroms }, to: places)
                for (member, neighbour) in zip(members, nearest) {
                    guard let neighbour else { continue }
                    found[member].neighbours.append(
                        FoundObject.Neighbour(
                            class: name, number: found[others[neighbour.index]].number,
                            distanceInAngstroms: neighbour.distance))
                }
            }
        }
    }
}
