import Basics
import CatalogSchema
import Engine
import ImageProcessing
import Metrics
import Volumes

/// Objects for the catalog with their measures, each with its nearest neighbour of each class.
struct MeasuredObjects {
    private(set) var found: [FoundObject]

    /// The connected pieces of a segmentation.
    ///
    /// - Parameters:
    ///   - sheets: what is found of those that are sheets, by their positions.
    ///   - distances: the distances to the membrane; nil where there is no such class. Pieces of membrane get no distance.
    ///   - uncertain: the classes of which there was more than one opinion.
    init(
        _ pieces: [MeasuredObject], sheets: [Int: FoundObject.Membrane], distances: ClassDistances?, uncertain: Set<String>
    ) throws {
        let away = try distances?.distancesInAngstroms(from: pieces.map(\.centroidInAngstroms)) ?? []
        found = pieces.enumerated().map { index, piece in
            FoundObject(
                number: index + 1, class: piece.className, centroidInAngstroms: piece.centroidInAngstroms, voxels: piece.voxels,
                volumeInCubicNanometers: piece.volumeInCubicNanometers,
                surfaceInSquareNanometers: piece.surfaceAreaInSquareNanometers, elongation: piece.elongation,
                meanDensity: piece.meanDensity,
                membraneDistanceInAngstroms: away.isEmpty || piece.className == PseudoLabels.membrane ? nil : away[index],
                uncertainty: uncertain.contains(piece.className) ? piece.meanUncertainty.map { min(max($0, 0), 0.5) } : nil,
                boxMinimumInAngstroms: piece.lowerInAngstroms, boxMaximumInAngstroms: piece.upperInAngstroms,
                membrane: sheets[index])
        }
        try findNeighbours()
    }

    /// Particles, which are measured as balls.
    ///
    /// - Parameters:
    ///   - numbers: those of the picks.
    ///   - densities: the mean density of each.
    ///   - distances: the distances to the membrane; nil where there is no such class.
    ///   - compartments: the number of the compartment in which each lies; nil where nobody looked.
    ///   - kinds: the kind of each; nil where none are known.
    init(
        _ particles: [FoundParticle], numbers: [Int], densities: [Double?], distances: ClassDistances?, compartments: [Int?]?,
        kinds: [FoundObject.Kind?]?, voxelSize: VoxelSize
    ) throws {
        let away = try distances?.distancesInAngstroms(from: particles.map(\.pick.center)) ?? []
        let voxelVolume = 1000 * voxelSize.volumeInCubicNanometers
        found = zip(particles, densities).enumerated().map { index, item in
            let (particle, density) = item
            let radius = particle.radiusInAngstroms
            let volume = 4 / 3 * Double.pi * radius * radius * radius
            return FoundObject(
                number: numbers[index], class: particle.className, centroidInAngstroms: particle.pick.center,
                radiusInAngstroms: radius,
                voxels: max(1, Int((volume / voxelVolume).rounded())), volumeInCubicNanometers: volume / 1000,
                surfaceInSquareNanometers: 4 * Double.pi * radius * radius / 100, elongation: 1, meanDensity: density,
                membraneDistanceInAngstroms: away.isEmpty ? nil : away[index],
                confidence: min(max(particle.pick.score, 0), 1), uncertainty: particle.uncertainty,
                boxMinimumInAngstroms: particle.pick.center - radius,
                boxMaximumInAngstroms: particle.pick.center + radius, compartment: compartments?[index], kind: kinds?[index])
        }
        try findNeighbours()
    }

    /// Adds to each object its nearest neighbour of each class, by centroids.
    private mutating func findNeighbours() throws {
        let groups = Dictionary(grouping: found.indices) { found[$0].class }
        for (name, others) in groups.sorted(by: { $0.key < $1.key }) {
            let centroids = others.map { found[$0].centroidInAngstroms }
            for (own, objects) in groups {
                let nearest =
                    own == name
                    ? try NearestNeighbors.nearest(among: centroids)
                    : try NearestNeighbors.nearest(from: objects.map { found[$0].centroidInAngstroms }, to: centroids)
                for (object, neighbour) in zip(objects, nearest) {
                    guard let neighbour else { continue }
                    found[object].neighbours.append(
                        FoundObject.Neighbour(
                            class: name, number: found[others[neighbour.index]].number,
                            distanceInAngstroms: neighbour.distance))
                }
            }
        }
    }
}

/// The totals of a class in a whole tomogram.
struct MeasuredTomogram {
    private let volumeInCubicNanometers: Double
    /// The volume of the lamella; nil where its thickness is not known.
    private let lamellaInCubicNanometers: Double?

    /// - Parameter thicknessInAngstroms: the thickness of the lamella; nil where it is not known.
    init(shape: VolumeShape, voxelSize: VoxelSize, thicknessInAngstroms: Double?) {
        let volume = Double(shape.count) * voxelSize.volumeInCubicNanometers
        let height = Double(shape.z) * voxelSize.zInAngstroms
        volumeInCubicNanometers = volume
        lamellaInCubicNanometers = thicknessInAngstroms.map { volume * $0 / height }
    }

    /// Records metrics `class/measure`: the number of objects, their volume in nm³, its fraction of the tomogram, and the number of objects in a
    /// cubic micrometre of the tomogram and of its lamella.
    func record(_ objects: [FoundObject], class name: String, of item: StepItem) {
        let volume = objects.reduce(0) { $0 + $1.volumeInCubicNanometers }
        item.record("\(name)/objects", Double(objects.count))
        item.record("\(name)/volume_nm3", volume)
        item.record("\(name)/fraction", volume / volumeInCubicNanometers)
        item.record("\(name)/concentration", Double(objects.count) / volumeInCubicNanometers * 1e9)
        if let lamellaInCubicNanometers {
            item.record("\(name)/lamella_concentration", Double(objects.count) / lamellaInCubicNanometers * 1e9)
        }
    }
}

/// The output `lamella` of `measure`: the extent of the lamella in z, at the middle of the slices, in Å from the centre of the first slice.
///
/// The thickness is along z, and not along the normal as that of `sample`: times the area of a slice it is the lamella's volume, however it
/// is tilted, as long as both surfaces lie in the tomogram.
struct StoredLamella: Codable, Hashable {
    let lowerInAngstroms: Double
    let upperInAngstroms: Double
    let thicknessInAngstroms: Double

    /// nil unless both surfaces were found: then the lamella is not known to be less than the whole tomogram.
    init?(_ extent: SampleExtent, voxelSize: VoxelSize) {
        guard let lower = extent.lower, let upper = extent.upper else { return nil }
        lowerInAngstroms = lower.z * voxelSize.zInAngstroms
        upperInAngstroms = upper.z * voxelSize.zInAngstroms
        thicknessInAngstroms = upperInAngstroms - lowerInAngstroms
    }
}

/// The mean density of each particle's ball, accumulated over the slices of a tomogram.
struct BallDensities {
    private struct Ball {
        /// x, y, z in voxels.
        let center: SIMD3<Double>
        /// The squared radius in Å².
        let squaredRadius: Double
        var sum = 0.0
        var count = 0
    }

    private var balls: [Ball?]
    /// The particles whose balls each slice cuts.
    private let bySlice: [[Int]]
    private let voxel: SIMD3<Double>
    private let shape: VolumeShape

    init(_ particles: [FoundParticle], voxelSize: VoxelSize, shape: VolumeShape) {
        let voxel = voxelSize.vectorInAngstroms
        var bySlice = [[Int]](repeating: [], count: shape.z)
        balls = particles.enumerated().map { index, particle in
            let center = particle.pick.center / voxel
            let reach = particle.radiusInAngstroms / voxel.z
            // The comparisons are also false for NaN.
            guard center.z - reach < Double(shape.z), center.z + reach > -1, reach < Double(Int32.max),
                let slices = (0..<shape.z).part(from: center.z - reach, through: center.z + reach)
            else { return nil }
            for z in slices { bySlice[z].append(index) }
            return Ball(center: center, squaredRadius: particle.radiusInAngstroms * particle.radiusInAngstroms)
        }
        (self.bySlice, self.voxel, self.shape) = (bySlice, voxel, shape)
    }

    /// Whether a slice cuts a ball.
    func needs(_ z: Int) -> Bool { !bySlice[z].isEmpty }

    /// Adds the voxels of a slice, `[y][x]`, whose centres lie in a ball. Voxels that are not finite are left out.
    ///
    /// - Complexity: linear in the voxels of the balls that it cuts.
    mutating func add(_ density: [Float], z: Int) {
        for index in bySlice[z] {
            guard var ball = balls[index] else { continue }
            let height = (Double(z) - ball.center.z) * voxel.z
            for y in range(ball.center.y, ball.squaredRadius - height * height, voxel.y, shape.y) {
                let depth = (Double(y) - ball.center.y) * voxel.y
                for x in range(ball.center.x, ball.squaredRadius - height * height - depth * depth, voxel.x, shape.x) {
                    let value = density[y * shape.x + x]
                    guard value.isFinite else { continue }
                    ball.sum += Double(value)
                    ball.count += 1
                }
            }
            balls[index] = ball
        }
    }

    /// The voxels of a line whose centres are at most √`square` away from `center`; empty where `square` is negative.
    private func range(_ center: Double, _ square: Double, _ side: Double, _ count: Int) -> Range<Int> {
        guard square >= 0 else { return 0..<0 }
        let reach = square.squareRoot() / side
        return (0..<count).part(from: center - reach, through: center + reach) ?? 0..<0
    }

    /// The mean density of each particle; nil where its ball has no finite voxel.
    var means: [Double?] {
        balls.map { ball in ball.flatMap { $0.count > 0 ? $0.sum / Double($0.count) : nil } }
    }
}
