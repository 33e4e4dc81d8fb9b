import Basics
import Foundation
import Mining
import Tensors
import Testing

private let side = 24
private let voxelSize = 10.0

/// A particle without any symmetry: Gaussian balls, at places in voxels from the middle, turned and moved.
private func particle(_ matrix: [[Double]] = SubvolumeRotation.identity.matrix, shift: SIMD3<Double> = .zero) -> [Float] {
    let balls: [(center: SIMD3<Double>, sigma: Double, height: Double)] = [
        (SIMD3(4, 1, -2), 1.6, 1), (SIMD3(-4.5, 2, 1.5), 1.4, 0.9), (SIMD3(0, -5, 3), 1.5, 1.2), (SIMD3(1, 3, 5.5), 1.3, 0.8),
    ]
    return (0..<side * side * side).map { index in
        let voxel = SIMD3(Double(index % side), Double(index / side % side), Double(index / side / side))
        let point = voxel - SIMD3(repeating: Double(side / 2)) - shift
        // Back to the particle's frame.
        let p = SIMD3(
            (0..<3).map { column in matrix[0][column] * point.x + matrix[1][column] * point.y + matrix[2][column] * point.z })
        return balls.reduce(Float(0)) { sum, ball in
            let offset = p - ball.center
            return sum + Float(ball.height * exp(-(offset * offset).sum() / (2 * ball.sigma * ball.sigma)))
        }
    }
}

private func drawn(_ random: inout RandomStream) throws -> SubvolumeRotation {
    let (a, b) = (random.normalPair(), random.normalPair())
    return try SubvolumeRotation(w: a.x, x: a.y, y: b.x, z: b.y)
}

private func noisy(_ box: [Float], _ deviation: Double, _ random: inout RandomStream) -> [Float] {
    box.map { $0 + Float(deviation * random.normal()) }
}

/// Within a ball of 8 voxels: Pearson's correlation, and the slope of a over b.
private func fit(_ a: [Float], _ b: [Float]) -> (correlation: Double, slope: Double) {
    let inside = a.indices.filter { index in
        let place = SIMD3(index % side, index / side % side, index / side / side) &- SIMD3(repeating: side / 2)
        return (place &* place).wrappedSum() <= 64
    }
    let n = Double(inside.count)
    let (ma, mb) = (inside.reduce(0) { $0 + Double(a[$1]) } / n, inside.reduce(0) { $0 + Double(b[$1]) } / n)
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for i in inside {
        let (p, q) = (Double(a[i]) - ma, Double(b[i]) - mb)
        (ab, aa, bb) = (ab + p * q, aa + p * p, bb + q * q)
    }
    return (ab / (aa * bb).squareRoot(), ab / bb)
}

private func correlation(_ a: [Float], _ b: [Float]) -> Double { fit(a, b).correlation }

private func quick() -> SubvolumeAveragingParameters {
    var parameters = SubvolumeAveragingParameters(radiusInAngstroms: 95)
    (parameters.globalRounds, parameters.localRounds, parameters.restarts, parameters.shiftInVoxels) = (1, 1, 2, 2)
    parameters.spacingInDegrees = 20
    return parameters
}

private func averager(_ parameters: SubvolumeAveragingParameters = quick()) throws -> SubvolumeAverager {
    try SubvolumeAverager(side: side, voxelSizeInAngstroms: voxelSize, parameters: parameters)
}

@Suite struct SubvolumeAverageTests {
    @Test("a known rotation and shift are found again, from a reference, behind a wedge") func knownPoses() throws {
        var random = RandomStream(seed: 3)
        let wedge = try MissingWedge(tiltsInDegrees: -60...60)
        let truth = try (0..<4).map { _ in try drawn(&random) }
        let shifts = truth.map { _ in SIMD3(random.unit() - 0.5, random.unit() - 0.5, random.unit() - 0.5) * 2 }
        let boxes = zip(truth, shifts).map { noisy(particle($0.matrix, shift: $1), 0.02, &random) }
        let result = try averager().average(boxes, reference: particle(), wedge: wedge)
        // Both halves are two boxes; the frame is that of the reference up to a round that refines it.
        for (pose, (rotation, shift)) in zip(result.poses, zip(truth, shifts)) {
            #expect(pose.rotation.degrees(to: rotation) < 5)
            let error = pose.shift - shift
            #expect((error * error).sum().squareRoot() < 0.4)
            #expect(pose.score > 0.8)
        }
    }

    @Test("without a reference the boxes come together: rotations differ by one frame, and halves agree") func labelFree() throws
    {
        var random = RandomStream(seed: 4)
        let truth = try (0..<16).map { _ in try drawn(&random) }
        let boxes = truth.map { noisy(particle($0.matrix), 0.1, &random) }
        let result = try averager().average(boxes, wedge: MissingWedge(tiltsInDegrees: -60...60))
        let matrices = zip(truth, result.poses).map { truth, pose in (truth, pose.rotation) }
        // trueᵀ · found is the same for all.
        let frames = try matrices.map { truth, found in try product(truth.inverse, found) }
        for frame in frames.dropFirst() { #expect(frame.degrees(to: frames[0]) < 10) }
        let correlation = try #require(result.correlation)
        #expect(correlation.values.prefix(4).allSatisfy { $0 > 0.8 })
        #expect(Set(result.poses.map(\.half)) == [0, 1])
    }

    @Test("the average of copies without a wedge is the volume less its mean, and its halves agree entirely") func copies() throws
    {
        let box = particle()
        let result = try averager().average([box, box, box, box], reference: box, wedge: .none)
        for pose in result.poses { #expect(pose.rotation.degrees(to: .identity) < 1.5) }
        #expect(correlation(result.volume, box) > 0.995)
        #expect(abs(fit(result.volume, box).slope - 1) < 0.03)
        let curve = try #require(result.correlation)
        // Beyond these shells the particle has no more than the ghosts of interpolation.
        #expect(curve.values.prefix(8).allSatisfy { $0 > 0.99 })

        // With detail in all shells, only voxels limit the resolution.
        var random = RandomStream(seed: 5)
        let detailed = noisy(box, 0.2, &random)
        let fine = try averager().average([detailed, detailed], reference: detailed, wedge: .none)
        #expect(fine.isLimitedByVoxels)
        #expect(try #require(fine.resolutionInAngstroms) >= 2 * voxelSize)
    }

    @Test("halves of noise agree in little, even after they were aligned") func noise() throws {
        var random = RandomStream(seed: 6)
        let boxes = (0..<12).map { _ in noisy([Float](repeating: 0, count: side * side * side), 1, &random) }
        let result = try averager().average(boxes, wedge: .none)
        let curve = try #require(result.correlation)
        let high = curve.values.suffix(5)
        #expect(abs(high.reduce(0, +) / 5) < 0.15)
        #expect(!result.isLimitedByVoxels)
    }

    @Test("one box is its own average and has no halves") func single() throws {
        let box = particle()
        let result = try averager().average([box], wedge: .none)
        #expect(result.poses.count == 1 && result.halves.isEmpty && result.correlation == nil)
        #expect(result.resolutionInAngstroms == nil && !result.isLimitedByVoxels)
        #expect(correlation(result.volume, box) > 0.999)
    }

    @Test("one box is turned to a reference") func singleWithReference() throws {
        var random = RandomStream(seed: 8)
        let rotation = try drawn(&random)
        let result = try averager().average([particle(rotation.matrix)], reference: particle(), wedge: .none)
        #expect(result.poses[0].rotation.degrees(to: rotation) < 4)
        #expect(correlation(result.volume, particle()) > 0.97)
    }

    @Test("the result has the same bits on one thread and on several") func threads() throws {
        var random = RandomStream(seed: 9)
        let boxes = try (0..<6).map { _ in noisy(particle(try drawn(&random).matrix), 0.2, &random) }
        let before = Threads.count
        defer { Threads.count = before }
        let results = try [1, 2, 3].map { count in
            Threads.count = count
            return try averager().average(boxes, wedge: MissingWedge(tiltsInDegrees: -60...60))
        }
        #expect(results[0].volume == results[1].volume && results[1].volume == results[2].volume)
        #expect(results[0].poses == results[1].poses && results[1].poses == results[2].poses)
    }

    @Test("a constant box has no score and adds nothing") func constant() throws {
        let box = particle()
        let result = try averager().average(
            [box, box, [Float](repeating: 3, count: box.count), box], reference: box, wedge: .none)
        #expect(result.poses[2].score == 0)
        #expect(correlation(result.volume, box) > 0.99)
    }

    @Test("boxes and parameters that are wrong are refused") func badInput() throws {
        let averager = try averager()
        let box = particle()
        func code(_ body: () throws -> Void) -> MiningErrorCode? {
            do { try body() } catch { return (error as? MiningError)?.code }
            return nil
        }
        #expect(code { _ = try averager.average([], wedge: .none) } == .tooFew)
        #expect(code { _ = try averager.average([box, Array(box.dropLast())], wedge: .none) } == .invalidSize)
        #expect(code { _ = try averager.average([box], reference: [1], wedge: .none) } == .invalidSize)
        for bad in [Float.nan, .infinity, -.infinity, 1e20] {
            var broken = box
            broken[77] = bad
            #expect(code { _ = try averager.average([box, broken], wedge: .none) } == .invalidInput)
        }
        let changes: [(inout SubvolumeAveragingParameters) -> Void] = [
            { $0.radiusInAngstroms = .nan }, { $0.radiusInAngstroms = 10 }, { $0.radiusInAngstroms = 121 },
            { $0.shiftInVoxels = -1 }, { $0.shiftInVoxels = .nan }, { $0.initialResolutionInAngstroms = 5 },
            { $0.globalRounds = 0 }, { $0.localRounds = 21 }, { $0.spacingInDegrees = 1 }, { $0.restarts = 0 },
        ]
        for change in changes {
            var parameters = quick()
            change(&parameters)
            #expect(code { _ = try self.make(parameters) } == .invalidParameter)
        }
        #expect(code { _ = try SubvolumeAverager(side: 8, voxelSizeInAngstroms: 10, parameters: quick()) } == .invalidParameter)
        #expect(code { _ = try SubvolumeAverager(side: 24, voxelSizeInAngstroms: 0, parameters: quick()) } == .invalidParameter)
        #expect(code { _ = try SubvolumeRotation(w: 0, x: 0, y: 0, z: 0) } == .invalidParameter)
    }

    private func make(_ parameters: SubvolumeAveragingParameters) throws -> SubvolumeAverager { try averager(parameters) }

    @Test("progress grows from 0 to 1; what it throws ends the work") func progress() throws {
        struct Stop: Error {}
        let boxes = [particle(), particle(), particle()]
        var parts: [Double] = []
        _ = try averager().average(boxes, wedge: .none) { parts.append($0) }
        #expect(parts.first == 0 && parts.last == 1 && parts == parts.sorted())
        #expect(throws: Stop.self) {
            _ = try averager().average(boxes, wedge: .none) { if $0 > 0.3 { throw Stop() } }
        }
    }

    @Test("rotations become RELION's angles and matrices as SciPy 1.17.1 has them", arguments: goldenRotations)
    func exports(golden: [Double]) throws {
        let rotation = try SubvolumeRotation(w: golden[3], x: golden[0], y: golden[1], z: golden[2])
        let pose = SubvolumePose(rotation: rotation, shift: SIMD3(1, -2, 0.5))
        let angles = pose.relionAngles
        for (value, expected) in zip([angles.rot, angles.tilt, angles.psi], golden[4..<7]) {
            #expect(abs(value - expected) < 1e-8)
        }
        for (row, values) in rotation.matrix.enumerated() {
            for column in 0..<3 { #expect(abs(values[column] - golden[7 + 3 * row + column]) < 1e-10) }
        }
    }

    @Test("where only the sum or difference of two angles is defined, the first is 0") func poles() throws {
        #expect(SubvolumePose(rotation: .identity).relionAngles == (0, 0, 0))
        let angle = 20 * Double.pi / 180
        let turned = SubvolumePose(rotation: try SubvolumeRotation(w: cos(angle / 2), x: 0, y: 0, z: sin(angle / 2)))
        #expect(turned.relionAngles.rot == 0 && abs(turned.relionAngles.psi + 20) < 1e-9)
        let upsideDown = SubvolumePose(rotation: try SubvolumeRotation(w: 0, x: 1, y: 0, z: 0)).relionAngles
        #expect(upsideDown.rot == 0 && abs(upsideDown.tilt - 180) < 1e-9)
    }

    private func product(_ a: SubvolumeRotation, _ b: SubvolumeRotation) throws -> SubvolumeRotation {
        try SubvolumeRotation(
            w: a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, x: a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            y: a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, z: a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w)
    }
}

/// From golden_rotations.py: x, y, z, w; rot, tilt, psi; the matrix.
private let goldenRotations: [[Double]] = [
    [
        -0.493977874940, -0.815785516962, -0.152987078989, 0.258988036493, -0.625106711353, 144.988839298837, 61.766733222570,
        -0.377822112046, 0.885203638545, -0.271412914130, 0.726716345760, 0.465161625463, 0.505478006447, 0.573701842820,
        -0.006259433160, -0.819040301232,
    ],
    [
        0.761789409182, 0.073564920743, -0.370584182740, -0.526243728701, -119.637581976775, 99.873287507630, 49.330681257658,
        0.714511131878, -0.277953249227, -0.642040367630, 0.502117159264, -0.435311480878, 0.747249806282, -0.487188054857,
        -0.856297790410, -0.171469803011,
    ],
    [
        0.340739159862, 0.743956924214, 0.124131590655, -0.561263100562, -12.137163142702, 109.825105709328, 37.079273398708,
        -0.137761113769, 0.646331477558, -0.750518152113, 0.367649551762, 0.736976346276, 0.567185747457, 0.919704127762,
        -0.197791521930, -0.339150160298,
    ],
    [
        -0.375291786021, 0.626626134573, 0.079456201706, -0.678367507200, 37.598287058036, 93.842181759027, -24.237222678241,
        0.202052798961, -0.362534271457, -0.909804137411, -0.578136293389, 0.705685574711, -0.409592841626, 0.790527098017,
        0.608750171798, -0.067008474370,
    ],
    [
        -0.059267360522, -0.823709308825, -0.445614586370, -0.345569088527, 123.677732794917, 111.347240653419, 131.908616397577,
        -0.754138770063, -0.210343099750, 0.622117750812, 0.405619406035, 0.595830040782, 0.693151830373, -0.516476149435,
        0.775075701393, -0.364019290938,
    ],
    [
        -0.660460411039, 0.512375887688, -0.058411616276, -0.545757343744, 46.087165285079, 113.420361304475, -58.305222105654,
        0.468118065601, -0.740565115863, -0.482108686735, -0.613050841691, 0.120760257069, -0.780759646635, 0.636422927117,
        0.661044831672, -0.397474009666,
    ],
]
