import Basics
import Foundation
import Tensors
import Testing
import Volumes

@testable import Simulation

@Suite("Membranes")
struct MembraneTests {
    /// The density along the x axis through the middle of one vesicle of 16 nm in radius, at 4 Å.
    private func profile() throws -> (values: [(radius: Double, density: Double, label: UInt8)], bilayer: Bilayer) {
        let grid = SimulationGrid(shape: try #require(VolumeShape(z: 48, y: 48, x: 104)), voxelSize: 4)
        var random = RandomStream(seed: 1, .membranes)
        let center = Point(50, 24, 24) * 4
        let surface = ClosedSurface(
            center: center, axis: Point(1, 0, 0), halfLength: 0, radius: 160, deformation: 0, random: &random)
        let bilayer = Bilayer(thickness: 48, voxelSize: 4)
        var canvas = SimulationCanvas(grid: grid)
        canvas.draw([DrawnMembrane(shape: Vesicle(surface: surface), bilayer: bilayer)])
        let values = (0..<grid.x).map { x in
            let (y, z) = (24 + grid.marginY, 24 + grid.marginZ)
            let density = canvas.density.values[(z * grid.y + y) * canvas.density.rowStride + x]
            return (
                radius: abs(grid.position(x: x, y: y, z: z).x - center.x), density: Double(density),
                label: canvas.labels[(z * grid.y + y) * grid.x + x]
            )
        }
        return (values, bilayer)
    }

    @Test("have two leaflets, 4 to 5 nm from half maximum to half maximum, with less than water between them")
    func leaflets() throws {
        let (values, bilayer) = try profile()
        let peak = values.map(\.density).max() ?? 0
        let peaks = values.indices.dropFirst().dropLast().filter {
            let here = values[$0].density
            return here > 0.8 * peak && here >= values[$0 - 1].density && here > values[$0 + 1].density
        }
        // Two leaflets on either side of the vesicle.
        #expect(peaks.count == 4)
        let radii = peaks.map { values[$0].radius }.sorted()
        try #require(radii.count == 4)
        let separation = (radii[2] + radii[3] - radii[0] - radii[1]) / 2
        #expect(abs(separation - bilayer.leafletSeparation) <= 4)
        let above = values.filter { $0.density > peak / 2 }.map(\.radius)
        let thickness = (above.max() ?? 0) - (above.min() ?? 0) + 4
        #expect((40...56).contains(thickness))
        let middle = values.filter { abs($0.radius - 160) <= 2 }.map(\.density)
        #expect(!middle.isEmpty && middle.allSatisfy { $0 < 0.25 * peak })
    }

    @Test("are labelled within half of their thickness, and nowhere else")
    func labels() throws {
        let (values, _) = try profile()
        for value in values {
            let isInside = abs(value.radius - 160) <= 24
            #expect(value.label == (isInside ? SimulationClass.membrane : .background).rawValue)
        }
    }

    @Test("keep their mass when a voxel is larger than a leaflet", arguments: [2, 4, 10, 13.48, 25])
    func mass(voxelSize: Double) {
        func mass(_ bilayer: Bilayer) -> Double {
            stride(from: -bilayer.reach, through: bilayer.reach, by: 0.25).reduce(0) { $0 + 0.25 * bilayer.density(at: $1) }
        }
        let fine = mass(Bilayer(thickness: 48, voxelSize: 0.01))
        #expect(abs(mass(Bilayer(thickness: 48, voxelSize: voxelSize)) / fine - 1) < 0.01)
    }

    @Test("have the mean density over their thickness that is said", arguments: SimulationParameters.MembraneProfile.allCases)
    func meanDensity(profile: SimulationParameters.MembraneProfile) {
        for thickness in [25.0, 48, 75] {
            let bilayer = Bilayer(thickness: thickness, density: 0.5, profile: profile, voxelSize: 0.01)
            let mass = stride(from: -bilayer.reach, through: bilayer.reach, by: 0.25).reduce(0) {
                $0 + 0.25 * bilayer.density(at: $1)
            }
            let expected = 0.5 * Bilayer.meanDensity(thickness: thickness, profile)
            #expect(abs(mass / thickness / expected - 1) < 0.01)
        }
        // One sheet is as dense in its middle as it is asked to be.
        #expect(abs(Bilayer(thickness: 60, density: 0.4, profile: .sheet, voxelSize: 0.01).density(at: 0) - 0.4) < 1e-3)
    }

    private func shapes(seed: UInt64) -> [any Membrane] {
        var random = RandomStream(seed: seed, .membranes)
        let region = Region(lower: Point(repeating: -3000), upper: Point(repeating: 3000))
        let vesicle = ClosedSurface(
            center: Point(100, -50, 30), axis: random.direction(), halfLength: 300, radius: 500, deformation: 0.07,
            random: &random)
        let organelle = ClosedSurface(
            center: .zero, axis: random.direction(), halfLength: 0, radius: 1500, deformation: 0.09, random: &random)
        return [
            Vesicle(surface: vesicle), Mitochondrion(surface: organelle, random: &random),
            Cisterna(center: .zero, normal: random.direction(), radius: 1200, halfThickness: 180, random: &random),
            Sheet(through: .zero, normal: random.direction(), isEnvelope: true, region: region, random: &random),
            SheetStack(center: .zero, normal: random.direction(), radius: 1500, count: 1, gap: 150, random: &random),
            SheetStack(center: .zero, normal: random.direction(), radius: 1500, count: 4, gap: 150, random: &random),
            Tube(center: .zero, axis: random.direction(), halfLength: 2000, radius: 200, random: &random),
        ]
    }

    @Test("are where their surface points say, and far points are as far as they seem", arguments: 1...6 as ClosedRange<UInt64>)
    func distances(seed: UInt64) {
        var random = RandomStream(seed: seed, .particles)
        for shape in shapes(seed: seed) {
            let points = shape.surfacePoints
            #expect(points.count > 50)
            // The rim of a cisterna is sampled by its faces, which end within it.
            #expect(points.allSatisfy { abs(shape.signedDistance(at: $0)) < (shape is Cisterna ? 180 : 12) })
            #expect(points.allSatisfy(shape.region.expanded(by: 500).contains))
            // A distance grows by about as much as one walks: what drawing by blocks relies on.
            for point in points.prefix(400) {
                let a = point + random.uniform(-150...150) * random.direction()
                let b = a + 20 * random.direction()
                #expect(abs(shape.sample(at: a).bilayerDistance - shape.sample(at: b).bilayerDistance) <= 1.5 * 20)
            }
        }
    }

    @Test("stay apart from one another", arguments: 1...4 as ClosedRange<UInt64>)
    func arrangement(seed: UInt64) {
        var contents = SimulationParameters.Contents()
        contents.mitochondriaPerCubicMicrometer = 4
        contents.vesiclesPerCubicMicrometer = 300
        contents.singleSheetsPerTomogram = 1
        contents.stacksPerTomogram = 1
        contents.tubesPerCubicMicrometer = 30
        let field = Region(lower: .zero, upper: Point(6000, 6000, 1200))
        let membranes = MembraneArrangement(contents, field: field, seed: seed).membranes
        #expect(membranes.count > 5)
        for (index, shape) in membranes.enumerated() {
            for other in membranes[..<index] {
                // Surface points are up to 20 nm apart, and shapes were kept 14 nm apart at them.
                let points = shape.surfacePoints.filter(field.contains)
                #expect(points.allSatisfy { abs(other.signedDistance(at: $0)) > 100 })
            }
        }
    }
}
