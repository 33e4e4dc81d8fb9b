import CellarKit
import Foundation
import TestSupport
import Testing

@Suite("Averages of particles of a collection") struct AverageTests {
    /// A tomogram with dark particles without symmetry, each turned about z by its own angle, as `measure-picks` found them.
    private func project(particles: Int, voxelSize: Double? = 10) throws -> (judged: JudgedProject, angles: [Double]) {
        let judged = try JudgedProject(voxelSize: voxelSize)
        let shape = try #require(VolumeShape(z: 60, y: 200, x: 200))
        var places: [SIMD3<Double>] = []
        var angles: [Double] = []
        for index in 0..<particles {
            let (column, row) = (Double(index % 4), Double(index / 4))
            places.append(SIMD3<Double>(30.3 + 46 * column, 30 + 46 * row, 30))
            angles.append(Double(index) * 37 * Double.pi / 180)
        }
        let balls: [SIMD3<Double>] = [SIMD3(5, 0, 0), SIMD3(-1, 4, 2), SIMD3(-3, -3, -3), SIMD3(0, 0, 5)]
        var values = [Float](repeating: 0, count: shape.count)
        var random = RandomStream(seed: 3)
        for index in values.indices { values[index] = Float(random.unit() - 0.5) * 0.4 }
        for (place, angle) in zip(places, angles) {
            let rows = Self.turn(angle)
            for ball in balls {
                let centre = place + SIMD3<Double>((rows[0] * ball).sum(), (rows[1] * ball).sum(), (rows[2] * ball).sum())
                Self.draw(centre, in: &values, shape)
            }
        }
        // The catalog knows the file already, and would protect it.
        let output = try OutputFile(judged.folder.file("t.mrc"), replacing: false, protecting: .none)
        let writer = try MRCWriter(output, shape: shape, scalarType: .float32, voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(try #require(VoxelBuffer(shape: shape, values: values)))
        try writer.finish()
        var objects: [FoundObject] = []
        for (index, place) in places.enumerated() {
            let centre = 10 * place
            objects.append(
                FoundObject(
                    number: index + 1, class: "ribosome", centroidInAngstroms: centre, radiusInAngstroms: 80, voxels: 30,
                    volumeInCubicNanometers: 100, confidence: 0.9, boxMinimumInAngstroms: centre - 80,
                    boxMaximumInAngstroms: centre + 80))
        }
        try judged.publish("measure-picks", key: "t", objects: objects)
        return (judged, angles)
    }

    private func average(
        _ judged: JudgedProject, _ folder: String = "average", where condition: String? = nil,
        _ change: (inout AveragingOptions) -> Void = { _ in }
    ) throws -> AveragedParticles {
        var options = AveragingOptions()
        options.radiusInAngstroms = 90
        change(&options)
        let path = judged.folder.file(folder)
        return try judged.project.averageParticles(
            where: condition, to: path,
            files: OutputFiles(at: "\(path)/average.mrc", knownTo: judged.project.directory, areReplaced: false), options: options
        )
    }

    @Test("particles come together, and the files say how each lies")
    func files() throws {
        let (judged, angles) = try project(particles: 12)
        defer { withExtendedLifetime(judged) {} }
        let result = try average(judged)
        #expect(result.particles == 12 && result.candidates == 12 && result.tomograms == 1 && result.voxelSizeInAngstroms == 10)
        #expect(try #require(result.resolutionInAngstroms) < 40)
        for name in ["average", "half1", "half2"] {
            let volume = try VolumeLocation(path: judged.folder.file("average/\(name).mrc")).open()
            #expect(volume.shape == VolumeShape(z: result.side, y: result.side, x: result.side))
            // Structures are bright.
            let values = try (0..<result.side).flatMap { try volume.readSlice(z: $0).floats() }
            #expect(try #require(values.max()) > -2 * (try #require(values.min())))
        }
        let curve = try String(contentsOfFile: judged.folder.file("average/fsc.csv"), encoding: .utf8)
        #expect(curve.hasPrefix("frequency,resolution,correlation\n0.0,,1.0\n"))
        let points = try PointFile.read(judged.folder.file("average/particles.star")).points
        #expect(points.count == 12)
        // The angles between particles are those that they were turned by.
        for (point, angle) in zip(points, angles) {
            let (own, first) = (try #require(point.orientation), try #require(points[0].orientation))
            let turn = Self.product(Self.matrix(own), Self.transposed(Self.matrix(first)))
            let back = Self.transposed(Self.turn(angle))
            let rest = Self.product(back, turn)
            let trace: Double = rest[0].x + rest[1].y + rest[2].z
            #expect(acos(min(max((trace - 1) / 2, -1), 1)) * 180 / .pi < 12)
        }
        // copick's file says the same: its matrices are those of the angles, and its places those of the STAR file.
        let picks = try PointFile.read(judged.folder.file("average/ExperimentRuns/t/Picks/cellar_0_ribosome.json")).points
        let shape = try #require(VolumeShape(z: 60, y: 200, x: 200))
        let star = PointSet(points: points, convention: .relion5Centered)
            .converted(to: .angstrom, voxelSize: try #require(VoxelSize(cubicInAngstroms: 10)), shape: shape).points
        #expect(picks.count == 12 && picks.allSatisfy { $0.className == "ribosome" && $0.tomogramName == "t" })
        for (pick, point) in zip(picks, star) {
            let apart = SIMD3<Double>(pick.x - point.x, pick.y - point.y, pick.z - point.z)
            #expect((apart * apart).sum() < 1e-6)
            let (one, other) = (Self.matrix(try #require(pick.orientation)), Self.matrix(try #require(point.orientation)))
            for row in 0..<3 { #expect((one[row] * other[row]).sum() > 0.999_999) }
        }
        // What is there is not written over.
        #expect(throws: VolumeError.self) { try average(judged) }
    }

    private static func draw(_ centre: SIMD3<Double>, in values: inout [Float], _ shape: VolumeShape) {
        for z in Int(centre.z) - 5...Int(centre.z) + 5 {
            for y in Int(centre.y) - 5...Int(centre.y) + 5 {
                for x in Int(centre.x) - 5...Int(centre.x) + 5 {
                    let offset = SIMD3<Double>(Double(x), Double(y), Double(z)) - centre
                    values[(z * shape.y + y) * shape.x + x] -= Float(exp(-(offset * offset).sum() / 5))
                }
            }
        }
    }

    /// The rows of a rotation about z.
    private static func turn(_ a: Double) -> [SIMD3<Double>] {
        [SIMD3(cos(a), -sin(a), 0), SIMD3(sin(a), cos(a), 0), SIMD3(0, 0, 1)]
    }

    /// The rows of the matrix that turns a particle into its tomogram.
    private static func matrix(_ orientation: ParticleOrientation) -> [SIMD3<Double>] {
        let degree = Double.pi / 180
        let tilt = orientation.tilt * degree
        let about: [SIMD3<Double>] = [SIMD3(cos(tilt), 0, sin(tilt)), SIMD3(0, 1, 0), SIMD3(-sin(tilt), 0, cos(tilt))]
        return transposed(product(product(turn(orientation.rot * degree), about), turn(orientation.psi * degree)))
    }

    private static func transposed(_ m: [SIMD3<Double>]) -> [SIMD3<Double>] {
        (0..<3).map { column in SIMD3(m[0][column], m[1][column], m[2][column]) }
    }

    private static func product(_ a: [SIMD3<Double>], _ b: [SIMD3<Double>]) -> [SIMD3<Double>] {
        let columns = transposed(b)
        return a.map { row in SIMD3((row * columns[0]).sum(), (row * columns[1]).sum(), (row * columns[2]).sum()) }
    }

    @Test("some are chosen; one has no halves")
    func chosen() throws {
        let (judged, _) = try project(particles: 4)
        defer { withExtendedLifetime(judged) {} }
        let two = try average(judged, "two") { $0.count = 2 }
        #expect(two.particles == 2 && two.candidates == 4)
        let one = try average(judged, "one", where: "number = 3")
        #expect(one.particles == 1 && one.resolutionInAngstroms == nil && one.isWithinReachOfNoise)
        #expect(!FileManager.default.fileExists(atPath: judged.folder.file("one/half1.mrc")))
    }

    @Test("what cannot be averaged is said in a sentence")
    func refusals() throws {
        let judged = try JudgedProject()
        defer { withExtendedLifetime(judged) {} }
        let none = #expect(throws: CatalogError.self) { try average(judged) }
        #expect(none?.message.contains("`cellar run --until measure-picks`") == true)
        let (project, _) = try project(particles: 1)
        defer { withExtendedLifetime(project) {} }
        #expect(throws: CatalogError.self) { try average(project, where: "number > 9") }
        #expect(throws: CatalogError.self) { try average(project, where: "colour = 'red'") }
        let large = #expect(throws: CatalogError.self) { try average(project) { $0.radiusInAngstroms = 4000 } }
        #expect(large?.message.contains("--radius") == true)
        #expect(throws: (any Error).self) { try average(project) { $0.radiusInAngstroms = 10 } }
        let (other, _) = try self.project(particles: 1, voxelSize: nil)
        defer { withExtendedLifetime(other) {} }
        let unknown = #expect(throws: CatalogError.self) { try average(other) }
        #expect(unknown?.message.contains("--voxel-size") == true)
    }
}
