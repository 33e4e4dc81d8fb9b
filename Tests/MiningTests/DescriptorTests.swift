import Basics
import Foundation
import Mining
import Tensors
import Testing

/// A particle without any symmetry: three Gaussian balls, at places in Å, `[z][y][x]`.
private func particle(side: Int, voxelSize: Double, shift: SIMD3<Double> = .zero) -> [Float] {
    let balls: [(center: SIMD3<Double>, sigma: Double, height: Double)] = [
        (SIMD3(40, 10, -20), 25, 1), (SIMD3(-35, 20, 15), 20, 0.8), (SIMD3(0, -50, 30), 18, 1.3),
    ]
    return (0..<side * side * side).map { index in
        let voxel = SIMD3(Double(index % side), Double(index / side % side), Double(index / side / side))
        let point = voxelSize * (voxel - SIMD3(repeating: Double(side / 2)) - shift)
        return balls.reduce(Float(0)) { sum, ball in
            let offset = point - ball.center
            return sum + Float(ball.height * exp(-(offset * offset).sum() / (2 * ball.sigma * ball.sigma)))
        }
    }
}

/// The 24 rotations of the cube: for each axis of the turned box an axis of the box and a sign.
private let cubeRotations: [[(axis: Int, sign: Int)]] = {
    let orders = [([0, 1, 2], 1), ([1, 2, 0], 1), ([2, 0, 1], 1), ([0, 2, 1], -1), ([2, 1, 0], -1), ([1, 0, 2], -1)]
    return orders.flatMap { order, parity in
        (0..<8).compactMap { bits in
            let signs = (0..<3).map { bits >> $0 & 1 == 0 ? 1 : -1 }
            guard signs.reduce(parity, *) == 1 else { return nil }
            return zip(order, signs).map { (axis: $0, sign: $1) }
        }
    }
}()

private func turned(_ box: [Float], _ side: Int, _ rotation: [(axis: Int, sign: Int)]) -> [Float] {
    let middle = side / 2
    return box.indices.map { index in
        let place = [index % side - middle, index / side % side - middle, index / side / side - middle]
        var source = [0, 0, 0]
        for (value, turn) in zip(place, rotation) { source[turn.axis] = turn.sign * value }
        return box[((source[2] + middle) * side + source[1] + middle) * side + source[0] + middle]
    }
}

private func distance(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
}

private func length(_ a: [Float]) -> Double { distance(a, a.map { _ in 0 }) }

private func makeMaker(
    _ voxelSize: Double = 12, radius: Double = 115, wedge: MissingWedge = .none,
    parts: [ParticleDescriptor.Part] = ParticleDescriptor.Part.ofDensities
) throws -> DescriptorMaker {
    try DescriptorMaker(parts: parts, voxelSizeInAngstroms: voxelSize, radiusInAngstroms: radius, wedge: wedge)
}

@Suite struct DescriptorTests {
    @Test("the 24 rotations of the cube change no component") func rotations() throws {
        #expect(cubeRotations.count == 24)
        let maker = try makeMaker()
        let box = particle(side: maker.sideInVoxels, voxelSize: 12)
        let row = try maker.describe(box: box)
        for rotation in cubeRotations {
            let other = try maker.describe(box: turned(box, maker.sideInVoxels, rotation))
            // Sums run in another order, in float32. Signed roots of products near 0 keep half of the digits.
            #expect(distance(row, other) <= 1e-3 * length(row))
            for (_, components) in maker.descriptor.ranges {
                let (a, b) = (Array(row[components]), Array(other[components]))
                #expect(distance(a, b) <= 1e-3 * length(a))
            }
        }
    }

    @Test("another particle is told apart by more than rotations") func others() throws {
        let maker = try makeMaker()
        let (side, radius) = (maker.sideInVoxels, maker.radiusInAngstroms)
        let row = try maker.describe(box: particle(side: side, voxelSize: 12))
        let ball: [Float] = (0..<side * side * side).map { index in
            let voxel = SIMD3(Double(index % side), Double(index / side % side), Double(index / side / side))
            let offset = 12 * (voxel - SIMD3(repeating: Double(side / 2)))
            return (offset * offset).sum() < 0.36 * radius * radius ? 1 : 0
        }
        #expect(distance(row, try maker.describe(box: ball)) > 0.3 * length(row))
    }

    @Test("an offset of the density changes nothing, a factor is a factor") func densities() throws {
        let maker = try makeMaker(wedge: MissingWedge(tiltsInDegrees: -60...60))
        let box = particle(side: maker.sideInVoxels, voxelSize: 12)
        let row = try maker.describe(box: box)
        let lifted = try maker.describe(box: box.map { $0 + 2 })
        #expect(distance(row, lifted) <= 1e-3 * length(row))
        let scaled = try maker.describe(box: box.map { 8 * $0 })
        for (part, components) in maker.descriptor.ranges {
            // A power of two: no rounding differs, but that of cube roots.
            let expected = row[components].map { part == .form ? $0 : 8 * $0 }
            #expect(distance(expected, Array(scaled[components])) <= 1e-6 * length(expected))
        }
    }

    @Test("less than half a voxel of translation is small, and nothing to harmonics that know it", arguments: [0.25, 0.45])
    func translation(part: Double) throws {
        let (maker, harmonic) = (try makeMaker(), try makeMaker(parts: [.spectrum, .harmonics]))
        let shift = SIMD3(part, -part, part / 2)
        let (box, moved) = (
            particle(side: maker.sideInVoxels, voxelSize: 12), particle(side: maker.sideInVoxels, voxelSize: 12, shift: shift)
        )
        let row = try maker.describe(box: box)
        #expect(distance(row, try maker.describe(box: moved)) <= 0.15 * length(row))
        let spectral = try harmonic.describe(box: box)
        let known = try harmonic.describe(box: moved, offset: shift)
        // The window stays where it is.
        #expect(distance(spectral, known) <= 0.01 * length(spectral))
        #expect(distance(spectral, known) < 0.2 * distance(spectral, try harmonic.describe(box: moved)))
    }

    @Test("voxels of other sizes give nearly the same components", arguments: [8.0, 10, 14])
    func voxelSizes(size: Double) throws {
        let (fine, other) = (try makeMaker(12), try makeMaker(size))
        let row = try fine.describe(box: particle(side: fine.sideInVoxels, voxelSize: 12))
        let same = try other.describe(box: particle(side: other.sideInVoxels, voxelSize: size))
        #expect(row.count == same.count && fine.componentNames == other.componentNames)
        #expect(distance(row, same) <= 0.03 * length(row))
    }

    @Test("what the wedge holds does not count in spectrum and harmonics") func wedge() throws {
        let wedge = try MissingWedge(tiltsInDegrees: -60...60)
        #expect(wedge.isMeasured(SIMD3(1, 0, 1)) && wedge.isMeasured(SIMD3(0, 1, 0)) && wedge.isMeasured(.zero))
        #expect(!wedge.isMeasured(SIMD3(0.5, 0, 1)) && !wedge.isMeasured(SIMD3(-0.1, 5, 1)) && !wedge.isMeasured(SIMD3(0, 0, -1)))
        let turned = try MissingWedge(tiltsInDegrees: -60...60, axisInDegrees: 90)
        #expect(turned.isMeasured(SIMD3(1, 0, 0)) && !turned.isMeasured(SIMD3(1, 0, 0.1)) && !turned.isMeasured(SIMD3(0, 0.5, 1)))
        #expect(turned.isMeasured(SIMD3(0, 1, 1)) && turned.isMeasured(SIMD3(5, -1, 1)))
        let oneSided = try MissingWedge(tiltsInDegrees: -30...60)
        #expect(oneSided.isMeasured(SIMD3(1, 0, 1)))
        #expect(!oneSided.isMeasured(SIMD3(-1, 0, 1)) && !oneSided.isMeasured(SIMD3(1, 0, -1)))
        #expect(MissingWedge.none.isMeasured(SIMD3(0, 0, 1)))

        // A wave along the beam, within the wedge, far from its border.
        let maker = try makeMaker(wedge: wedge, parts: [.spectrum, .harmonics])
        let (side, blind) = (maker.sideInVoxels, try self.unaware())
        let box = particle(side: side, voxelSize: 12)
        let waving = box.indices.map { box[$0] + 0.5 * cos(Float($0 / side / side - side / 2) * 2 * .pi * 12 / 52) }
        let row = try maker.describe(box: box)
        let change = distance(row, try maker.describe(box: waving)) / length(row)
        let blindRow = try blind.describe(box: box)
        let blindChange = distance(blindRow, try blind.describe(box: waving)) / length(blindRow)
        #expect(change < 0.25 * blindChange)
    }

    private func unaware() throws -> DescriptorMaker { try makeMaker(parts: [.spectrum, .harmonics]) }

    @Test("equal boxes have equal bits on any number of threads") func threads() throws {
        let maker = try makeMaker(wedge: MissingWedge(tiltsInDegrees: -55...60, axisInDegrees: 3))
        var random = RandomStream(state: 5)
        let count = maker.sideInVoxels * maker.sideInVoxels * maker.sideInVoxels
        let boxes = (0..<6).map { _ in (0..<count).map { _ in random.signedUnit() } }
        let alone = try boxes.map { try maker.describe(box: $0) }
        let before = Threads.count
        defer { Threads.count = before }
        Threads.count = 3
        var rows = [[Float]](repeating: [], count: boxes.count)
        rows.withUnsafeMutableBufferPointer { rows in
            nonisolated(unsafe) let rows = rows
            Threads.perform(boxes.count) { rows[$0] = (try? maker.describe(box: boxes[$0])) ?? [] }
        }
        #expect(rows == alone)
    }

    @Test("names are as many as components, each of its own; parts are in their order") func names() throws {
        let maker = try makeMaker()
        #expect(maker.componentNames.count == maker.descriptor.count && Set(maker.componentNames).count == maker.descriptor.count)
        #expect(maker.descriptor.count == 98 && (64...128).contains(maker.descriptor.count))
        let some = try ParticleDescriptor([.spectrum, .shells, .spectrum])
        #expect(some.parts == [.shells, .spectrum] && some.ranges.map(\.components) == [0..<8, 8..<24])
        let row = try maker.describe(box: particle(side: maker.sideInVoxels, voxelSize: 12))
        let few = try makeMaker(parts: [.spectrum, .shells])
        #expect(try few.describe(box: particle(side: few.sideInVoxels, voxelSize: 12)) == Array(row[0..<24]))
        #expect(throws: MiningError.self) { try ParticleDescriptor([]) }
    }

    @Test("constant boxes are zeros; NaN and wrong sizes are refused with a sentence") func badBoxes() throws {
        let maker = try makeMaker()
        let (side, count) = (maker.sideInVoxels, maker.sideInVoxels * maker.sideInVoxels * maker.sideInVoxels)
        #expect(try maker.describe(box: [Float](repeating: 7.3, count: count)) == [Float](repeating: 0, count: 98))
        var box = particle(side: side, voxelSize: 12)
        box[(2 * side + 5) * side + 3] = .nan
        let error = try #require(throws: MiningError.self) { try maker.describe(box: box) }
        #expect(error.code == .invalidInput && error.message.contains("voxel (3, 5, 2)") && error.message.contains("; "))
        box[(2 * side + 5) * side + 3] = .infinity
        #expect(throws: MiningError.self) { try maker.describe(box: box) }
        box[(2 * side + 5) * side + 3] = 3e38
        #expect(throws: MiningError.self) { try maker.describe(box: box.map { $0 * 1e30 }) }
        #expect(throws: MiningError.self) { try maker.describe(box: [1, 2, 3]) }
        #expect(throws: MiningError.self) {
            try maker.describe(box: [Float](repeating: 1, count: count), offset: SIMD3(2, 0, 0))
        }
        #expect(throws: MiningError.self) { try makeMaker(20) }
        #expect(throws: MiningError.self) { try makeMaker(.nan) }
        #expect(throws: MiningError.self) { try makeMaker(0) }
        #expect(throws: MiningError.self) { try MissingWedge(tiltsInDegrees: -1...1) }
    }
}

@Suite struct DescriptorStandardizerTests {
    private func rows(_ count: Int, _ descriptor: ParticleDescriptor) -> [[Float]] {
        var random = RandomStream(state: 8)
        return (0..<count).map { _ in
            (0..<descriptor.count).map { Float($0) + Float(random.normal()) * Float($0 % 3 + 1) }
        }
    }

    @Test("medians and deviations are those of the rows; a factor on all densities has no effect") func learns() throws {
        let descriptor = try ParticleDescriptor([.shells])
        let rows = rows(401, descriptor)
        func standardizer(_ rows: [[Float]]) throws -> DescriptorStandardizer {
            var learner = DescriptorStandardizer.Learner(descriptor: descriptor)
            for row in rows { try learner.add(row) }
            return try learner.finish()
        }
        let found = try standardizer(rows)
        for component in 0..<descriptor.count {
            #expect(found.centers[component] == rows.map { $0[component] }.sorted()[200])
        }
        let zero = try found(found.centers)
        #expect(zero.allSatisfy { $0 == 0 })
        let scaled = try standardizer(rows.map { $0.map { 4 * $0 } })
        #expect(distance(try found(rows[7]), try scaled(rows[7].map { 4 * $0 })) <= 1e-5)
        // Components of normal numbers have a deviation of their part's weight.
        let deviation = try rows.map { Double(try found($0)[4]) }.map { $0 * $0 }.reduce(0, +) / 401
        #expect(abs(deviation.squareRoot() / Double(DescriptorStandardizer.weight(of: .shells)) - 1) < 0.15)
    }

    @Test("one row far off, and components that never vary, do no harm") func robust() throws {
        let descriptor = try ParticleDescriptor([.shells, .spectrum])
        var learner = DescriptorStandardizer.Learner(descriptor: descriptor)
        for row in rows(60, descriptor) {
            try learner.add(row.enumerated().map { $0.offset == 2 || $0.offset >= 8 ? 5 : $0.element })
        }
        try learner.add([Float](repeating: 1e9, count: descriptor.count))
        let standardizer = try learner.finish()
        let row = try standardizer([Float](repeating: 6, count: descriptor.count))
        #expect(row.allSatisfy(\.isFinite) && standardizer.scales.allSatisfy { $0 > 0 && $0 < 10 })
    }

    @Test("forms are standardised alike in all tomograms") func forms() throws {
        let descriptor = try ParticleDescriptor([.form])
        var learner = DescriptorStandardizer.Learner(descriptor: descriptor)
        for row in rows(30, descriptor) { try learner.add(row) }
        let standardizer = try learner.finish()
        #expect(standardizer.centers.allSatisfy { $0 == 0 } && Set(standardizer.scales).count == 1)
    }

    @Test("too few rows, NaN, and rows of other parts are refused; many rows are sampled") func refuses() throws {
        let descriptor = try ParticleDescriptor([.moments])
        var learner = DescriptorStandardizer.Learner(descriptor: descriptor)
        #expect(throws: MiningError.self) { try learner.finish() }
        #expect(throws: MiningError.self) { try learner.add([1, 2]) }
        #expect(throws: MiningError.self) { try learner.add([1, 2, .nan, 4, 5, 6]) }
        for row in rows(5000, descriptor) { try learner.add(row) }
        let standardizer = try learner.finish()
        #expect(abs(standardizer.centers[3] - 3) < 0.1)
        #expect(throws: MiningError.self) { try standardizer([1, 2, 3]) }
    }
}

@Suite struct DescriptorSearchTests {
    private func halves(_ rows: Int, _ dimension: Int, seed: UInt64 = 3) -> [UInt16] {
        var random = RandomStream(state: seed)
        return (0..<rows * dimension).map { _ in Float16(3 * random.signedUnit()).bitPattern }
    }

    private func bruteForce(_ block: [UInt16], _ query: [Float], _ count: Int) -> [Int] {
        let squares = (0..<block.count / query.count).map { row in
            query.indices.reduce(0.0) { sum, component in
                let value = Double(Float16(bitPattern: block[row * query.count + component])) - Double(query[component])
                return sum + value * value
            }
        }
        return Array(squares.indices.sorted { (squares[$0], $0) < (squares[$1], $1) }.prefix(count))
    }

    @Test("the nearest rows are those of brute force, whatever the dimension", arguments: [1, 7, 16, 33, 90, 96])
    func exact(dimension: Int) throws {
        let block = halves(3000, dimension)
        var random = RandomStream(state: 4)
        let query = (0..<dimension).map { _ in random.signedUnit() }
        var search = try DescriptorSearch(query: query, count: 40)
        try search.add(block)
        let found = search.neighbors
        let expected = bruteForce(block, query, 40)
        if dimension > 1 {
            #expect(found.map(\.index) == expected)
        } else {
            // Of one component there are few values: float32 and float64 order near ones differently.
            #expect(Set(found.map(\.index)).intersection(expected).count >= 38)
        }
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.distance <= $1.distance })
        #expect(search.rows == 3000)
    }

    @Test("blocks and threads change no bit; of equal rows the first come first") func blocks() throws {
        var block = halves(70_000, 24)
        // Every thousandth row is the same.
        for row in stride(from: 0, to: 70_000, by: 1000) {
            for component in 0..<24 { block[row * 24 + component] = Float16(0.5).bitPattern }
        }
        let query = [Float](repeating: 0.5, count: 24)
        let before = Threads.count
        defer { Threads.count = before }
        var results: [[DescriptorNeighbor]] = []
        for (threads, rows) in [(1, 70_000), (3, 70_000), (2, 999), (2, 2049)] {
            Threads.count = threads
            var search = try DescriptorSearch(query: query, count: 100)
            for first in stride(from: 0, to: 70_000, by: rows) {
                try search.add(Array(block[first * 24..<min(first + rows, 70_000) * 24]))
            }
            results.append(search.neighbors)
        }
        #expect(results.allSatisfy { $0 == results[0] })
        #expect(results[0].prefix(70).map(\.index) == Array(stride(from: 0, to: 70_000, by: 1000)))
        #expect(results[0].prefix(70).allSatisfy { $0.distance == 0 })
    }

    @Test("fewer rows than asked for are all found; NaN and wrong sizes are refused") func refuses() throws {
        var search = try DescriptorSearch(query: [1, 2], count: 9)
        #expect(search.neighbors.isEmpty)
        try search.add(DescriptorSearch.stored([1, 2, 3, 4]))
        #expect(search.neighbors.map(\.index) == [0, 1])
        let error = try #require(throws: MiningError.self) { try search.add([0, 0, Float16.nan.bitPattern, 0]) }
        #expect(error.message.contains("row 3") && error.message.contains("; "))
        #expect(throws: MiningError.self) { try search.add([1, 2, 3]) }
        #expect(throws: MiningError.self) { try DescriptorSearch(query: [1, .nan], count: 1) }
        #expect(throws: MiningError.self) { try DescriptorSearch(query: [], count: 1) }
        #expect(throws: MiningError.self) { try DescriptorSearch(query: [1], count: 0) }
        #expect(throws: MiningError.self) { try DescriptorSearch.stored([1e6]) }
    }

    @Test("a distance is calibrated to the pairs of one kind") func calibration() throws {
        let calibration = try DistanceCalibration(distancesWithinKinds: (0...200).reversed().map { Float($0) / 10 })
        #expect(calibration.alikeness(at: 0) == 1 && calibration.alikeness(at: 21) == 0 && calibration.alikeness(at: .nan) == 0)
        #expect(abs(calibration.alikeness(at: 10) - 0.5) < 1e-6 && abs(calibration.alikeness(at: 5) - 0.75) < 1e-6)
        let same = try DistanceCalibration(distancesWithinKinds: [Float](repeating: 3, count: 20))
        #expect(same.alikeness(at: 3) == 1 && same.alikeness(at: 3.1) == 0)
        #expect(throws: MiningError.self) { try DistanceCalibration(distancesWithinKinds: [1, 2]) }
        #expect(throws: MiningError.self) {
            try DistanceCalibration(distancesWithinKinds: [Float](repeating: .nan, count: 30))
        }
    }
}
