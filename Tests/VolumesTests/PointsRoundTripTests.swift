import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("Points: conventions and round trips")
struct PointsRoundTripTests {
    private static func isClose(_ a: Double, _ b: Double, scale: Double = 1e4) -> Bool { abs(a - b) <= 1e-12 * scale }

    @Test(
        "each convention puts the centre of the first voxel, and of a voxel inside, where it says",
        arguments: [
            (CoordinateConvention.angstrom, [0.0, 0, 0], [20.0, 60, 120]), (.voxel, [0, 0, 0], [2, 3, 4]),
            (.relion, [0, 0, 0], [2, 3, 4]),
            (.relion5Centered, [-50, -200, -450], [-30, -140, -330]), (.imod, [0.5, 0.5, 0], [2.5, 3.5, 4]),
            (.dynamo, [1, 1, 1], [3, 4, 5]),
        ])
    func origins(convention: CoordinateConvention, first: [Double], inside: [Double]) throws {
        let voxelSize = try #require(VoxelSize(xInAngstroms: 10, yInAngstroms: 20, zInAngstroms: 30))
        let shape = try #require(VolumeShape(z: 30, y: 20, x: 10))
        let points = [first, inside].map { PickedPoint(x: $0[0], y: $0[1], z: $0[2]) }
        let result = PointSet(points: points, convention: convention).inAngstroms(voxelSize: voxelSize, shape: shape)
        #expect(result.points.map { [$0.x, $0.y, $0.z] } == [[0, 0, 0], [20, 60, 120]])
    }

    @Test("RELION's pixels have their own size, and shifts in Å are added once")
    func pixelSizes() throws {
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 8))
        let shape = try #require(VolumeShape(z: 9, y: 9, x: 9))
        let set = PointSet(
            points: [PickedPoint(x: 10, y: 20, z: 30, shiftInAngstroms: [1, 2, 3])], convention: .relion, pixelSizeInAngstroms: 2)
        let angstroms = set.inAngstroms(voxelSize: voxelSize, shape: shape)
        #expect(angstroms.points == [PickedPoint(x: 21, y: 42, z: 63)])
        #expect(angstroms.pixelSizeInAngstroms == nil)
        #expect(
            set.converted(to: .voxel, voxelSize: voxelSize, shape: shape).points == [PickedPoint(x: 21 / 8, y: 42 / 8, z: 63 / 8)]
        )
        #expect(
            set.converted(to: .relion, pixelSizeInAngstroms: 4, voxelSize: voxelSize, shape: shape).points
                == [PickedPoint(x: 21 / 4, y: 42 / 4, z: 63 / 4)])
    }

    @Test("there and back again through any convention is where it was", arguments: 0..<40)
    func conversions(seed: Int) throws {
        var random = RandomStream(state: UInt64(seed))
        let edges = (0..<3).map { _ in Double.random(in: 0.5...30, using: &random) }
        let voxelSize = try #require(VoxelSize(xInAngstroms: edges[0], yInAngstroms: edges[1], zInAngstroms: edges[2]))
        let axes = (0..<3).map { _ in Int.random(in: 1...2000, using: &random) }
        let shape = try #require(VolumeShape(z: axes[0], y: axes[1], x: axes[2]))
        let set = Self.points(using: &random, convention: .angstrom)
        for convention in CoordinateConvention.allCases {
            let other = set.converted(to: convention, pixelSizeInAngstroms: 1.7, voxelSize: voxelSize, shape: shape)
            let back = other.inAngstroms(voxelSize: voxelSize, shape: shape)
            for (a, b) in zip(set.points, back.points) {
                #expect(Self.isClose(a.x, b.x) && Self.isClose(a.y, b.y) && Self.isClose(a.z, b.z))
            }
        }
    }

    @Test("angles and matrices agree with SciPy, and angles survive their matrix", arguments: 0..<40)
    func orientations(seed: Int) throws {
        if seed == 0 {
            // By SciPy: Rotation.from_euler("ZYZ", [30, 50, -70], degrees=True).inv().as_matrix().
            let rows = ParticleOrientation(rot: 30, tilt: 50, psi: -70).matrix.rows
            let expected: [SIMD3<Double>] = [
                [0.6602388, -0.70387453, -0.26200263], [0.35208899, 0.59820952, -0.71984631],
                [0.66341395, 0.38302222, 0.64278761],
            ]
            for (row, expected) in zip([rows.0, rows.1, rows.2], expected) {
                #expect((0..<3).allSatisfy { abs(row[$0] - expected[$0]) < 1e-8 })
            }
        }
        var random = RandomStream(state: UInt64(seed))
        let angle = { (limits: ClosedRange<Double>) in Double.random(in: limits, using: &random) }
        let tilt = [0, 180, angle(0...180), angle(-180...180), 90][seed % 5]
        let orientation = ParticleOrientation(rot: angle(-180...180), tilt: tilt, psi: angle(-180...180))
        let matrix = orientation.matrix
        #expect(matrix.isRotation)
        let again = ParticleOrientation(matrix)
        #expect((0...180).contains(again.tilt))
        let (a, b) = (matrix.rows, again.matrix.rows)
        for (a, b) in [(a.0, b.0), (a.1, b.1), (a.2, b.2)] { #expect((0..<3).allSatisfy { abs(a[$0] - b[$0]) < 1e-9 }) }
    }

    /// Points with everything that a table can hold.
    private static func points(using random: inout RandomStream, convention: CoordinateConvention) -> PointSet {
        let names = [
            "ribosome", "a \"quoted\" name", "comma, semicolon; pipe|", " blank ", "TS_01", "data_x", "it's", "\"", "#1", "_x",
            "Å µ",
        ]
        let angle = { (limits: ClosedRange<Double>, random: inout RandomStream) in Double.random(in: limits, using: &random) }
        let points = (0..<20).map { _ in
            PickedPoint(
                x: angle(-1e4...1e4, &random), y: angle(-1e-3...1e-3, &random), z: angle(0...1e300, &random) / 1e296,
                orientation: ParticleOrientation(
                    rot: angle(-180...180, &random), tilt: angle(0...180, &random), psi: angle(-180...180, &random)),
                className: names.randomElement(using: &random), tomogramName: names.randomElement(using: &random),
                instance: Int.random(in: -3...1_000_000, using: &random), score: angle(0...1, &random),
                radiusInAngstroms: angle(0...500, &random))
        }
        return PointSet(points: points, convention: convention)
    }

    @Test("a table read back is what was written, bit by bit", arguments: CoordinateConvention.allCases)
    func tables(convention: CoordinateConvention) throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 7.8)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        let directory = try TemporaryDirectory()
        for seed in 0..<20 {
            var random = RandomStream(state: UInt64(seed))
            var set = Self.points(using: &random, convention: convention)
            // Some points lack some things.
            for index in set.points.indices where index % 3 == seed % 3 {
                (set.points[index].className, set.points[index].score, set.points[index].orientation) = (nil, nil, nil)
            }
            let path = directory.file("\(seed).csv")
            try PointFile.write(set, to: path, convention: convention, voxelSize: voxelSize, shape: shape)
            #expect(try PointFile.read(path) == set)
        }
    }

    @Test(
        "a STAR file read back is what was written, but for classes and radii",
        arguments: [CoordinateConvention.relion, .relion5Centered])
    func starFiles(convention: CoordinateConvention) throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 7.8)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        let directory = try TemporaryDirectory()
        for seed in 0..<20 {
            var random = RandomStream(state: UInt64(seed))
            var set = Self.points(using: &random, convention: convention)
            if convention == .relion { set.pixelSizeInAngstroms = 1.35 }
            let path = directory.file("\(seed).star")
            try PointFile.write(
                set, to: path, convention: convention, pixelSizeInAngstroms: 1.35, voxelSize: voxelSize, shape: shape)
            for index in set.points.indices {
                (set.points[index].className, set.points[index].instance, set.points[index].radiusInAngstroms) = (nil, nil, nil)
            }
            #expect(try PointFile.read(path) == set)
        }
    }

    @Test("copick's picks read back are what was written, but for radii")
    func copick() throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 7.8)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        let directory = try TemporaryDirectory()
        for seed in 0..<20 {
            var random = RandomStream(state: UInt64(seed))
            var set = Self.points(using: &random, convention: .angstrom)
            for index in set.points.indices {
                (set.points[index].className, set.points[index].tomogramName) = ("a \"name\"", "TS/01")
                if seed % 2 == 0 { set.points[index].orientation = nil }
            }
            let path = directory.file("\(seed).json")
            try PointFile.write(set, to: path, voxelSize: voxelSize, shape: shape)
            let read = try PointFile.read(path).points
            try #require(read.count == set.points.count)
            for (a, b) in zip(set.points, read) {
                #expect([a.x, a.y, a.z] == [b.x, b.y, b.z] && a.score == b.score && a.instance == b.instance)
                #expect(a.className == b.className && a.tomogramName == b.tomogramName)
                #expect((a.orientation == nil) == (b.orientation == nil))
                if let a = a.orientation, let b = b.orientation {
                    #expect(Self.isClose(a.rot, b.rot) && Self.isClose(a.tilt, b.tilt) && Self.isClose(a.psi, b.psi))
                }
            }
        }
    }

    @Test("damaged files are read or refused, and never end the program", arguments: ["csv", "star", "json", "ndjson"])
    func damage(ending: String) throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 7.8)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        let directory = try TemporaryDirectory()
        var random = RandomStream(state: 7)
        var set = Self.points(using: &random, convention: .angstrom)
        set.points.removeLast(17)
        for index in set.points.indices { (set.points[index].className, set.points[index].tomogramName) = ("a", "b") }
        let path = directory.file("whole.\(ending)")
        try PointFile.write(set, to: path, voxelSize: voxelSize, shape: shape)
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let letters = Array("\"';#_,\n\r\t 0.eE-[]{}x\0\u{FF}".utf8)
        for _ in 0..<400 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.removeSubrange(place...)
                case 1: bytes.insert(letters.randomElement(using: &random) ?? 0, at: place)
                case 2: bytes.remove(at: place)
                default: bytes[place] = letters.randomElement(using: &random) ?? 0
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let damaged = try directory.write("damaged.\(ending)", bytes)
            let result = Result { () throws(VolumeError) in try PointFile.read(damaged) }
            if case .success(let set) = result { #expect(set.points.allSatisfy { ($0.x + $0.y + $0.z).isFinite }) }
        }
    }

    @Test("a file is replaced whole, and a failure leaves the old one and nothing else")
    func replacing() throws {
        let (voxelSize, shape) = (try #require(VoxelSize(cubicInAngstroms: 7.8)), try #require(VolumeShape(z: 31, y: 20, x: 11)))
        let directory = try TemporaryDirectory()
        let path = try directory.write("a.csv", Array("old".utf8))
        var set = PointSet(points: [PickedPoint(x: 1, y: 2, z: .nan)], convention: .angstrom)
        func write(to path: String, _ convention: CoordinateConvention? = nil) -> VolumeError? {
            do throws(VolumeError) {
                try PointFile.write(set, to: path, convention: convention, voxelSize: voxelSize, shape: shape)
                return nil
            } catch {
                return error
            }
        }
        #expect(write(to: path)?.code == .unwritable)
        set.points[0].z = 3
        set.points[0].className = "a\nb"
        #expect(write(to: path)?.code == .unwritable)
        set.points[0].className = nil
        #expect(write(to: directory.file("a.star"), .imod)?.code == .unsupported)
        #expect(write(to: directory.file("a.json"), .voxel)?.code == .unsupported)
        #expect(write(to: directory.file("a.mod"))?.code == .unsupported)
        #expect(write(to: directory.file("no/folder/a.csv"))?.code == .unwritable)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        #expect(write(to: path) == nil)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "x_angstrom,y_angstrom,z_angstrom\n1.0,2.0,3.0\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a.csv"])
    }
}
