import Basics
import Foundation

/// Places filaments and particles at random: inside the lamella, not on membranes, and without overlap.
struct ParticlePlacement {
    /// The number of places tried for a structure before it is left out.
    private static let attempts = 20

    private(set) var particles: [SimulatedParticle] = []
    private(set) var filaments: [SimulatedFilament] = []
    /// The blobs of all particles and filaments, to be drawn.
    private(set) var groups: [PlacedBlobs] = []

    private let contents: SimulationParameters.Contents
    /// The box of the grid that contains the lamella.
    private let field: Region
    private let seed: UInt64

    init(_ contents: SimulationParameters.Contents, field: Region, seed: UInt64, canvas: inout SimulationCanvas) {
        self.contents = contents
        self.field = field
        self.seed = seed
        placeFilaments(&canvas)
        placeParticles(&canvas)
    }

    // MARK: Filaments

    private mutating func placeFilaments(_ canvas: inout SimulationCanvas) {
        var random = RandomStream(seed: seed, .filaments)
        let kinds = [
            (FilamentModel.microtubule, contents.microtubulesPerCubicMicrometer),
            (FilamentModel.actin, contents.actinFilamentsPerCubicMicrometer),
        ]
        for (model, density) in kinds {
            for _ in 0..<random.poisson(density * field.volumeInCubicMicrometers) {
                guard canvas.compartment(at: random.point(in: field)) == .cytosol else { continue }
                for _ in 0..<Self.attempts {
                    let axis = grow(model, from: random.point(in: field), canvas, &random)
                    guard axis.count >= 2 else { continue }
                    add(model, along: axis, &canvas)
                    break
                }
            }
        }
    }

    /// Grows a filament in both directions from a point until it meets another structure, leaves the grid, or reaches a random
    /// length. Returns evenly spaced points of its axis, in Å; none if it is too short.
    private func grow(
        _ model: FilamentModel, from start: Point, _ canvas: SimulationCanvas, _ random: inout RandomStream
    ) -> [Point] {
        let azimuth = random.uniform(0...2 * Double.pi)
        let elevation = random.uniform(-0.15...0.15)
        let direction = Point(cos(azimuth) * cos(elevation), sin(azimuth) * cos(elevation), sin(elevation))
        // The filament bends to one side, mostly in the plane of the lamella.
        let bend = direction.cross(Point(0, 0, 1)).normalized * random.uniform(-1...1) / model.stiffness
        let step = min(40, model.radius / 2)
        let longest = random.uniform(model.lengths)
        func end(_ sign: Double) -> [Point] {
            var points: [Point] = []
            var position = start
            var heading = sign * direction
            while Double(points.count) * step < longest / 2, canvas.grid.region.contains(position),
                canvas.isFree(.cytosol, within: model.radius, of: position)
            {
                points.append(position)
                heading = (heading + step * bend).normalized
                position += step * heading
            }
            return points
        }
        let axis = end(-1).reversed() + end(1).dropFirst()
        return Double(axis.count - 1) * step >= model.lengths.lowerBound ? Array(axis) : []
    }

    private mutating func add(_ model: FilamentModel, along axis: [Point], _ canvas: inout SimulationCanvas) {
        for point in axis { canvas.occupy(within: model.radius, of: point) }
        let blobs = model.blobs(along: axis, voxelSize: canvas.grid.voxelSize)
        // The points of the axis are at most half a radius apart, so that the balls about them form a tube.
        groups.append(PlacedBlobs(blobs, label: model.filamentClass, within: model.radius, of: axis))
        let visible = canvas.grid.tomogramRegion
        if axis.contains(where: visible.contains) {
            filaments.append(SimulatedFilament(model.filamentClass, radius: model.radius, axis: axis))
        }
    }

    // MARK: Particles

    private mutating func placeParticles(_ canvas: inout SimulationCanvas) {
        var random = RandomStream(seed: seed, .particles)
        let complexes = (0..<DensityModel.complexVariants).map(DensityModel.complex)
        place(.ribosome, [.ribosome], contents.ribosomesPerCubicMicrometer, in: [.cytosol], &canvas, &random)
        place(
            .proteasome, [.proteasome], contents.proteasomesPerCubicMicrometer, in: [.cytosol, .nucleus], &canvas, &random)
        place(
            .complex, complexes, contents.complexesPerCubicMicrometer, in: [.cytosol, .nucleus, .matrix], &canvas, &random)
    }

    private mutating func place(
        _ particleClass: SimulationClass, _ models: [DensityModel], _ density: Double, in allowed: Set<Compartment>,
        _ canvas: inout SimulationCanvas, _ random: inout RandomStream
    ) {
        let visible = canvas.grid.tomogramRegion
        for _ in 0..<random.poisson(density * field.volumeInCubicMicrometers) {
            // A first random point decides whether the particle is in an allowed compartment at all, so that the density is
            // per volume of the compartment.
            guard let drawn = canvas.compartment(at: random.point(in: field)), allowed.contains(drawn) else { continue }
            let model = models[Int(random.unit() * Double(models.count))]
            for _ in 0..<Self.attempts {
                let center = random.point(in: field)
                guard let compartment = canvas.freeCompartment(at: center), allowed.contains(compartment),
                    canvas.isFree(compartment, within: model.radius, of: center)
                else { continue }
                let rotation = random.rotation()
                canvas.occupy(within: model.radius, of: center)
                groups.append(model.placed(at: center, rotation, label: particleClass, voxelSize: canvas.grid.voxelSize))
                if visible.contains(center) {
                    particles.append(SimulatedParticle(particleClass, at: center, radius: model.radius, orientation: rotation))
                }
                break
            }
        }
    }
}
