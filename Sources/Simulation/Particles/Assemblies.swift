import Basics
import Foundation

/// One kind of assembly of a tomogram: a particle of a drawn shape, size and density.
struct AssemblyKind: Sendable {
    /// The shapes, all as likely.
    enum Shape: Int, CaseIterable, Sendable {
        /// Round, with bumps.
        case globular
        /// An ellipsoid two to three times as long as wide.
        case elongated
        /// A straight cylinder, four to eight times as long as wide.
        case rod
        /// A ring or a barrel: a cylinder with a channel.
        case ring
        /// A hollow shell, as of a small virus or an encapsulin.
        case shell
        /// Two to five balls that touch.
        case lobes
    }

    /// Particles of this diameter in Å and above are large.
    static let leastLargeDiameter = 200.0

    let shape: Shape
    let model: DensityModel
    /// The volume that carries the label, in Å³.
    let volume: Double

    var particleClass: SimulationClass { 2 * model.radius >= Self.leastLargeDiameter ? .largeParticle : .smallParticle }

    /// - Parameters:
    ///   - diameter: the greatest extent, in Å.
    ///   - density: the mean density, in the units of ``Density``.
    ///   - voxelSize: blobs need not be closer than this, in Å.
    init(_ shape: Shape, diameter: Double, density: Double, voxelSize: Double, random: inout RandomStream) {
        let spacing = min(diameter / 5, max(16, voxelSize))
        let labelDistance = 0.9 * spacing
        // Blobs lie in this ball; the label extends beyond their centres.
        let extent = diameter / 2 - labelDistance
        let isInside = Self.region(shape, extent: extent, random: &random)
        let blobs = DensityModel.filled(
            extent: extent, density: density, unevenness: random.uniform(0.2...0.8), spacing: spacing, sigma: 0.53 * spacing,
            random: &random, isInside)
        // A shape thinner than the lattice may hold no point of it.
        let held = blobs.isEmpty ? [GaussianBlob(center: .zero, sigma: 0.53 * spacing, peak: 1.7 * density)] : blobs
        self.shape = shape
        // In random order a test for overlap meets the other particle soon.
        model = DensityModel(blobs: random.shuffled(held), labelDistance: labelDistance)
        volume = Self.labelVolume(of: model)
    }

    /// The kinds of one tomogram. Each has a random stream of its own.
    static func drawn(_ contents: SimulationParameters.Contents, voxelSize: Double, seed: UInt64) -> [AssemblyKind] {
        (0..<contents.assemblyKinds).map { kind in
            var random = RandomStream(seed: seed, .assemblyKinds, piece: kind)
            let shape = Shape.allCases[random.index(below: Shape.allCases.count)]
            let diameters = contents.assemblyDiametersInAngstroms
            let diameter = exp(random.uniform(log(diameters.lowerBound)...log(diameters.upperBound)))
            let density = random.uniform(contents.assemblyDensities)
            return AssemblyKind(
                shape, diameter: diameter, density: Density.protein * density, voxelSize: voxelSize, random: &random)
        }
    }

    /// Whether a point is inside of a shape whose farthest point is `extent` Å from the origin.
    private static func region(_ shape: Shape, extent: Double, random: inout RandomStream) -> (Point) -> Bool {
        switch shape {
        case .globular:
            let surface = ClosedSurface(
                center: .zero, axis: Point(0, 0, 1), halfLength: 0, radius: 0.85 * extent, deformation: 0.1, random: &random)
            return { $0.length <= extent && surface.signedDistance(at: $0) <= 0 }
        case .elongated:
            let radii = extent * Point(random.uniform(0.33...0.55), random.uniform(0.33...0.55), 1)
            return { ($0 / radii).length <= 1 }
        case .rod:
            let radius = extent * random.uniform(0.12...0.25)
            let half = (extent * extent - radius * radius).squareRoot()
            return { abs($0.z) <= half && ($0.x * $0.x + $0.y * $0.y).squareRoot() <= radius }
        case .ring:
            let flatness = random.uniform(0.25...0.75)
            let outer = extent * (1 - flatness * flatness).squareRoot()
            let inner = outer * random.uniform(0.3...0.55)
            return {
                let across = ($0.x * $0.x + $0.y * $0.y).squareRoot()
                return abs($0.z) <= flatness * extent && across <= outer && across >= inner
            }
        case .shell:
            let inner = extent * random.uniform(0.55...0.78)
            let radii = Point(1, 1, random.uniform(0.75...1))
            return { point in
                let distance = (point / radii).length
                return distance <= extent && distance >= inner
            }
        case .lobes:
            var balls: [(center: Point, radius: Double)] = [(.zero, random.uniform(0.5...1))]
            for _ in 0..<random.integer(in: 1...4) {
                let last = balls[random.index(below: balls.count)]
                let radius = random.uniform(0.4...1)
                balls.append((last.center + 0.9 * (last.radius + radius) * random.direction(), radius))
            }
            let middle = balls.reduce(Point.zero) { $0 + $1.center } / Double(balls.count)
            let reach = balls.reduce(0) { max($0, ($1.center - middle).length + $1.radius) }
            let scaled = balls.map { (center: ($0.center - middle) * (extent / reach), radius: $0.radius * extent / reach) }
            return { point in scaled.contains { (point - $0.center).length <= $0.radius } }
        }
    }

    /// The volume within the label distance of a blob's centre, in Å³, counted on a lattice of half of that distance.
    private static func labelVolume(of model: DensityModel) -> Double {
        let step = model.labelDistance / 2
        let half = Int((model.radius / step).rounded(.up)) + 1
        let side = 2 * half + 1
        var isLabelled = [Bool](repeating: false, count: side * side * side)
        for blob in model.blobs {
            let middle = blob.center / step + Point(repeating: Double(half))
            let cell = middle.rounded(.toNearestOrAwayFromZero)
            for dz in -3...3 {
                for dy in -3...3 {
                    for dx in -3...3 {
                        let point = cell + Point(Double(dx), Double(dy), Double(dz))
                        guard (point - middle).length <= 2, all(point .>= 0), all(point .< Double(side)) else { continue }
                        isLabelled[(Int(point.z) * side + Int(point.y)) * side + Int(point.x)] = true
                    }
                }
            }
        }
        return Double(isLabelled.count { $0 }) * step * step * step
    }
}

/// Places assemblies: first on membranes, then anywhere in the lamella until the volume that was asked for is filled.
struct AssemblyPlacement {
    /// How often a kind may fail to find a place, one time after the other, before the next kind has its turn.
    private static let attempts = 300

    private(set) var particles: [SimulatedParticle] = []
    /// The blobs of all assemblies, to be drawn.
    private(set) var groups: [PlacedBlobs] = []

    private let field: Region
    private let kinds: [AssemblyKind]
    private let seed: UInt64

    /// - Parameters:
    ///   - membranes: the shapes that are drawn on the canvas, with their bilayers.
    ///   - field: the box of the grid that contains the lamella.
    init(
        _ contents: SimulationParameters.Contents, on membranes: [DrawnMembrane], field: Region, seed: UInt64,
        canvas: inout SimulationCanvas
    ) {
        self.field = field
        self.seed = seed
        kinds = AssemblyKind.drawn(contents, voxelSize: canvas.grid.voxelSize, seed: seed)
        guard !kinds.isEmpty else { return }
        placeOnMembranes(membranes, contents, &canvas)
        fill(contents.assemblyVolumeFraction, &canvas)
    }

    /// Fills a fraction of the lamella's volume. Each kind has a drawn share of it; larger kinds come first, and what one does
    /// not use is left to the next ones.
    private mutating func fill(_ fraction: Double, _ canvas: inout SimulationCanvas) {
        guard fraction > 0 else { return }
        var random = RandomStream(seed: seed, .assemblies)
        let inside = canvas.compartments.count { $0 & ~SimulationCanvas.occupied != Compartment.vacuum.rawValue }
        let wanted = fraction * Double(inside) * pow(canvas.grid.voxelSize, 3)
        let weights = kinds.map { _ in exp(random.uniform(-1...1)) }
        let total = weights.reduce(0, +)
        var due = 0.0
        var filled = 0.0
        for (kind, weight) in zip(kinds, weights).sorted(by: { $0.0.volume > $1.0.volume }) {
            due += wanted * weight / total
            var failures = 0
            while filled + kind.volume / 2 <= due, failures < Self.attempts {
                let rotation = random.rotation()
                if place(kind, at: random.point(in: field), rotation, &canvas) {
                    filled += kind.volume
                    failures = 0
                } else {
                    failures += 1
                }
            }
        }
    }

    /// Places particles that touch membranes, in random orientation and on either side.
    private mutating func placeOnMembranes(
        _ membranes: [DrawnMembrane], _ contents: SimulationParameters.Contents, _ canvas: inout SimulationCanvas
    ) {
        let density = contents.membraneAssembliesPerSquareMicrometer
        guard density > 0, !membranes.isEmpty else { return }
        var random = RandomStream(seed: seed, .membraneAssemblies)
        let voxels = canvas.labels.count { $0 == SimulationClass.membrane.rawValue }
        let area = Double(voxels) * pow(canvas.grid.voxelSize, 3) / contents.bilayerThicknessInAngstroms * 1e-8
        for _ in 0..<random.poisson(density * area) {
            let kind = kinds[random.index(below: kinds.count)]
            for _ in 0..<Self.attempts {
                let point = random.point(in: field)
                guard canvas.isMembrane(at: point), let (foot, normal, thickness) = Self.foot(of: point, on: membranes) else {
                    continue
                }
                let rotation = random.rotation()
                let depth = kind.model.blobs.reduce(0) { max($0, -rotation.rotate($1.center).dot(normal)) }
                let body = kind.model.bodyRadius(on: canvas)
                let center = foot + (thickness / 2 + depth + body + 0.5 * canvas.slack) * normal
                if place(kind, at: center, rotation, &canvas) { break }
            }
        }
    }

    /// The point of a bilayer's middle below a point, the normal there towards the point, and the thickness; nil far from all.
    private static func foot(
        of point: Point, on membranes: [DrawnMembrane]
    ) -> (foot: Point, normal: Point, thickness: Double)? {
        var nearest: (distance: Double, membrane: DrawnMembrane)?
        for membrane in membranes where membrane.shape.region.expanded(by: membrane.bilayer.reach).contains(point) {
            let distance = membrane.shape.sample(at: point).bilayerDistance
            if distance < nearest?.distance ?? membrane.bilayer.thickness { nearest = (distance, membrane) }
        }
        guard let (distance, membrane) = nearest else { return nil }
        func slope(_ axis: Point) -> Double {
            membrane.shape.sample(at: point + axis).bilayerDistance - membrane.shape.sample(at: point - axis).bilayerDistance
        }
        let gradient = Point(slope(Point(0.5, 0, 0)), slope(Point(0, 0.5, 0)), slope(Point(0, 0, 0.5)))
        guard gradient.length > 0.5 else { return nil }
        let normal = gradient.normalized
        return (point - distance * normal, normal, membrane.bilayer.thickness)
    }

    /// Places a particle, unless a part of it would lie outside of one free compartment.
    private mutating func place(
        _ kind: AssemblyKind, at center: Point, _ rotation: Rotation, _ canvas: inout SimulationCanvas
    ) -> Bool {
        guard let compartment = canvas.freeCompartment(at: center), compartment != .vacuum else { return false }
        let radius = kind.model.bodyRadius(on: canvas) - canvas.slack
        let isFree = kind.model.blobs.allSatisfy {
            canvas.isFree(compartment, within: radius, of: center + rotation.rotate($0.center))
        }
        guard isFree else { return false }
        let body = kind.model.placed(
            at: center, rotation, label: kind.particleClass, voxelSize: canvas.grid.voxelSize)
        for point in body.labelPoints { canvas.occupy(within: radius, of: point) }
        groups.append(body)
        if canvas.grid.tomogramRegion.contains(center) {
            particles.append(
                SimulatedParticle(kind.particleClass, at: center, radius: kind.model.radius, orientation: rotation))
        }
        return true
    }
}

extension DensityModel {
    /// The radius of the balls about the blobs in which nothing else may be, in Å: each of them holds a voxel's centre.
    fileprivate func bodyRadius(on canvas: SimulationCanvas) -> Double { max(labelDistance, canvas.slack) }
}
