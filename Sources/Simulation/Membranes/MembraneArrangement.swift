import Basics
import Foundation

/// The membranes of a cell: random shapes at random places where they do not touch each other.
struct MembraneArrangement {
    /// The least distance between the middles of two bilayers of different shapes, in Å.
    private static let clearance = 140.0
    /// The number of places tried for a shape before it is left out.
    private static let attempts = 25

    /// The shapes; an inner one comes after those that enclose it.
    private(set) var membranes: [any Membrane] = []
    private var surfacePoints: [[Point]] = []
    private var random: RandomStream
    private let vesicleRadii: ClosedRange<Double>
    /// The box of the grid that contains the lamella.
    private let field: Region

    init(_ contents: SimulationParameters.Contents, field: Region, seed: UInt64) {
        self.field = field
        vesicleRadii = contents.vesicleRadiiInAngstroms
        random = RandomStream(seed: seed, .sheetStacks)
        placeSheetStacks(contents)
        placeTubes(contents.tubesPerCubicMicrometer)
        random = RandomStream(seed: seed, .membranes)
        placeSheets(random.poisson(contents.sheetsPerTomogram))
        placeMitochondria(contents.mitochondriaPerCubicMicrometer)
        placeOrganelles(contents.organellesPerCubicMicrometer)
        placeCisternae(contents.cisternaePerCubicMicrometer)
        placeVesicles(contents.vesiclesPerCubicMicrometer)
    }

    private mutating func placeSheets(_ count: Int) {
        let middle = (field.lower + field.upper) / 2
        let halfWidth = min(field.upper.x - field.lower.x, field.upper.y - field.lower.y) / 2
        for _ in 0..<count {
            for _ in 0..<Self.attempts {
                // Nearly vertical, off the middle of the field, with the cytosol on the side of the middle.
                let azimuth = random.uniform(0...2 * Double.pi)
                let steepness = random.uniform(-0.4...0.4)
                let normal = Point(cos(azimuth) * cos(steepness), sin(azimuth) * cos(steepness), sin(steepness))
                let through = middle - random.uniform(0.35...0.85) * halfWidth * normal
                let sheet = Sheet(
                    through: through, normal: normal, isEnvelope: random.unit() < 0.5, region: field, random: &random)
                if add(sheet) { break }
            }
        }
    }

    private mutating func placeMitochondria(_ density: Double) {
        place(density, largest: 4000) { random, center in
            let axis = Self.nearlyFlat(&random)
            let surface = ClosedSurface(
                center: center, axis: axis, halfLength: random.uniform(300...2400), radius: random.uniform(1500...2400),
                deformation: 0.05, random: &random)
            return Mitochondrion(surface: surface, random: &random)
        }
    }

    private mutating func placeOrganelles(_ density: Double) {
        let before = membranes.count
        place(density, largest: 2200) { random, center in
            Vesicle(
                surface: ClosedSurface(
                    center: center, axis: random.direction(), halfLength: random.uniform(0...300),
                    radius: random.uniform(900...2200), deformation: 0.09, random: &random))
        }
        for parent in before..<membranes.count { fill(parent) }
    }

    /// Places vesicles inside an organelle.
    private mutating func fill(_ parent: Int) {
        let region = membranes[parent].region
        for _ in 0..<random.poisson(4) {
            for _ in 0..<Self.attempts {
                let surface = ClosedSurface(
                    center: random.point(in: region), axis: random.direction(), halfLength: 0, radius: random.uniform(180...600),
                    deformation: 0.07, random: &random)
                if add(Vesicle(surface: surface), inside: parent) { break }
            }
        }
    }

    private mutating func placeCisternae(_ density: Double) {
        place(density, largest: 2500) { random, center in
            let normal = Self.nearlyFlat(&random)
            return Cisterna(
                center: center, normal: normal, radius: random.uniform(800...2500), halfThickness: random.uniform(150...220),
                random: &random)
        }
    }

    private mutating func placeVesicles(_ density: Double) {
        let radii = vesicleRadii
        place(density, largest: radii.upperBound) { random, center in
            Vesicle(
                surface: ClosedSurface(
                    center: center, axis: random.direction(), halfLength: random.unit() < 0.2 ? random.uniform(0...400) : 0,
                    radius: random.uniform(radii), deformation: 0.07, random: &random))
        }
    }

    /// Single sheets and stacks of two to six, in all directions; a third of them cross the whole field.
    private mutating func placeSheetStacks(_ contents: SimulationParameters.Contents) {
        let reach = (field.upper - field.lower).length
        for (density, counts) in [(contents.stacksPerTomogram, 2...6), (contents.singleSheetsPerTomogram, 1...1)] {
            for _ in 0..<random.poisson(density) {
                for _ in 0..<Self.attempts {
                    let normal = random.direction()
                    let radius = random.unit() < 1.0 / 3 ? reach : random.uniform(600...4000)
                    let stack = SheetStack(
                        center: random.point(in: field), normal: normal, radius: radius, count: random.integer(in: counts),
                        gap: random.uniform(contents.stackGapsInAngstroms), random: &random)
                    if add(stack) { break }
                }
            }
        }
    }

    private mutating func placeTubes(_ density: Double) {
        place(density, largest: 1500) { random, center in
            Tube(
                center: center, axis: Self.nearlyFlat(&random), halfLength: random.uniform(400...5000),
                radius: random.uniform(100...400), random: &random)
        }
    }

    /// Places shapes at a density per µm³. Centres may lie outside the field by the radius of the largest shape, so that shapes
    /// can reach into it.
    private mutating func place<Shape: Membrane>(
        _ density: Double, largest: Double, _ make: (inout RandomStream, Point) -> Shape
    ) {
        let region = field.expanded(by: largest)
        for _ in 0..<random.poisson(density * region.volumeInCubicMicrometers) {
            for _ in 0..<Self.attempts {
                let center = random.point(in: region)
                if add(make(&random, center)) { break }
            }
        }
    }

    /// A direction within 35° of the plane of the lamella.
    private static func nearlyFlat(_ random: inout RandomStream) -> Point {
        let azimuth = random.uniform(0...2 * Double.pi)
        let elevation = random.uniform(-0.6...0.6)
        return Point(cos(azimuth) * cos(elevation), sin(azimuth) * cos(elevation), sin(elevation))
    }

    /// Adds a shape and returns true, unless it is too close to another shape or does not lie inside its parent.
    ///
    /// - Parameter parent: the index of the shape that must enclose it.
    private mutating func add(_ shape: some Membrane, inside parent: Int? = nil) -> Bool {
        let points = shape.surfacePoints
        let surroundings = shape.region.expanded(by: Self.clearance)
        for (index, other) in membranes.enumerated() {
            if index == parent {
                guard points.allSatisfy({ other.signedDistance(at: $0) <= -Self.clearance }) else { return false }
            } else {
                guard other.region.meets(surroundings) else { continue }
                guard points.allSatisfy({ other.signedDistance(at: $0) >= Self.clearance }),
                    surfacePoints[index].allSatisfy({ shape.signedDistance(at: $0) >= Self.clearance })
                else { return false }
            }
        }
        membranes.append(shape)
        surfacePoints.append(points)
        return true
    }

    /// The shapes with their bilayers. Each bilayer's thickness and density differ at random by up to the variation asked for.
    func drawn(_ contents: SimulationParameters.Contents, voxelSize: Double, seed: UInt64) -> [DrawnMembrane] {
        membranes.enumerated().map { index, shape in
            var random = RandomStream(seed: seed, .bilayers, piece: index)
            let variation = contents.membraneVariation
            let thickness = contents.bilayerThicknessInAngstroms * (1 + variation * random.uniform(-1...1))
            let density = contents.membraneDensity * (1 + variation * random.uniform(-1...1))
            return DrawnMembrane(
                shape: shape,
                bilayer: Bilayer(
                    thickness: thickness, density: density, profile: contents.membraneProfile, voxelSize: voxelSize))
        }
    }
}
