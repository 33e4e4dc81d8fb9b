import Basics
import Foundation
import Tensors

/// The rounds of a ``SubvolumeAverager``.
struct SubvolumeRounds {
    let grid: SubvolumeGrid
    private let voxelSize: Double
    let parameters: SubvolumeAveragingParameters
    let read: (Int) throws -> [Float]
    private let report: (Double) throws -> Void
    let kinds: [MissingWedge]
    /// For each box the index of its wedge.
    let kind: [Int]
    private let weights: [SubvolumeWeight]
    /// All frequencies of averages.
    let all: SubvolumeFrequencies
    var poses: [SubvolumePose]
    /// Of each shell, of what was measured, over all boxes.
    var power: [Double] = []
    private var scale = 1.0
    private var (done, passes) = (0, 1)

    /// Boxes are read in groups, which fit the memory.
    private static let group = 16

    init(
        _ averager: SubvolumeAverager, wedges: [MissingWedge], read: @escaping (Int) throws -> [Float],
        report: @escaping (Double) throws -> Void
    ) {
        (parameters, voxelSize, self.read) = (averager.parameters, averager.voxelSizeInAngstroms, read)
        // Phases of a pass count anew; what is told only grows.
        var last = 0.0
        self.report = { part in
            last = max(last, part)
            try report(last)
        }
        grid = SubvolumeGrid(side: averager.side, radius: parameters.radiusInAngstroms / voxelSize)
        all = SubvolumeFrequencies(grid: grid.grid, radius: grid.highest)
        var (kinds, numbers): ([MissingWedge], [MissingWedge: Int]) = ([], [:])
        kind = wedges.map { wedge in
            if let number = numbers[wedge] { return number }
            kinds.append(wedge)
            numbers[wedge] = kinds.count - 1
            return kinds.count - 1
        }
        self.kinds = kinds
        let (side, highest) = (grid.side, grid.highestFrequency)
        weights = kinds.map { SubvolumeWeight($0, side: side, highest: highest) }
        poses = wedges.map { _ in SubvolumePose(rotation: .identity) }
        var random = RandomStream(seed: parameters.seed, purpose: 0x6176_6731)
        for (place, index) in random.shuffled(Array(wedges.indices)).enumerated() { poses[index].half = place % 2 }
    }

    var halves: Int { min(poses.count, 2) }
    var edge: Double { Double(grid.grid) * voxelSize }
    func members(_ half: Int) -> [Int] { poses.indices.filter { poses[$0].half == half } }

    mutating func run(_ given: [Float]?) throws -> SubvolumeAverage {
        let isSearching = poses.count > 1 || given != nil
        let rounds = isSearching ? parameters.globalRounds + parameters.localRounds : 0
        passes = 2 + 2 * rounds + (isSearching && given == nil ? parameters.restarts : 0)
        try measure()
        let first = parameters.initialResolutionInAngstroms ?? parameters.radiusInAngstroms / 2
        let lowest = min(max(Int((edge / first).rounded()), 3), grid.highest)
        var volumes: [[Float]] = []
        var gains = Self.lowPass(lowest)
        if isSearching {
            let start: [Float]
            if let given { start = grid.normalised(given, grid.wideMask).box } else { start = try firstReference(gains) }
            volumes = [[Float]](repeating: start, count: halves)
        }
        var correlation: FourierShellCorrelation?
        for round in 0..<rounds {
            let isGlobal = round < parameters.globalRounds
            // Rotations of a global search lie too far from each other for finer detail.
            let used = isGlobal ? Array(gains.prefix(3 * lowest / 2 + 1)) : gains
            for half in 0..<halves { try align(half, volumes[half], used, isGlobal: isGlobal, round: round) }
            finishPass()
            volumes = try (0..<halves).map { try average(members($0)) }
            if halves == 2 {
                try unite(&volumes, gains)
                correlation = shellCorrelation(volumes)
                gains = correlation.map { Self.filter($0, least: lowest) } ?? gains
            }
            finishPass()
        }
        if let given, rounds > 0 { try settle(&volumes, on: grid.normalised(given, grid.wideMask).box, gains) }
        if rounds == 0 { volumes = try (0..<halves).map { try average(members($0)) } }
        if halves == 2, correlation == nil { correlation = shellCorrelation(volumes) }
        let whole = halves == 1 ? volumes[0] : try average(Array(poses.indices))
        try report(1)
        func inUnits(_ volume: [Float]) -> [Float] { volume.map { $0 * Float(scale) } }
        return SubvolumeAverage(
            side: grid.side, voxelSizeInAngstroms: voxelSize, volume: inUnits(whole),
            halves: halves == 2 ? volumes.map(inUnits) : [], correlation: correlation, poses: poses)
    }

    // MARK: Filters

    /// 1 up to a shell, then falling over two more.
    static func lowPass(_ shell: Int) -> [Double] { [Double](repeating: 1, count: shell + 1) + [0.5] }

    /// √(2c / (1 + c)) of the correlation c of halves up to where it falls below the threshold (Rosenthal & Henderson 2003).
    private static func filter(_ correlation: FourierShellCorrelation, least: Int) -> [Double] {
        let values = correlation.values
        let limit = values.indices.dropFirst().first { values[$0] < FourierShellCorrelation.threshold } ?? values.count
        guard limit > 3 else { return lowPass(min(least, values.count - 1)) }
        return (0..<limit).map { (2 * values[$0] / (1 + values[$0])).squareRoot() }
    }

    /// The frequencies that a filter passes and some wedge measures, and what to multiply particle and reference with.
    func band(_ gains: [Double]) -> (frequencies: SubvolumeFrequencies, amplitudes: [Float], wedges: [[Float]]) {
        let radius = min(gains.count - 1, grid.highest)
        let frequencies = SubvolumeFrequencies(grid: grid.grid, radius: radius) { k in
            k != .zero && kinds.contains { $0.isMeasured(k) }
        }
        let amplitudes = frequencies.shells.map { shell in
            shell < gains.count && power[shell] > 0 ? Float(gains[shell].squareRoot() / power[shell].squareRoot()) : 0
        }
        return (frequencies, amplitudes, kinds.map { wedge in frequencies.points.map { wedge.isMeasured($0) ? 1 : 0 } })
    }

    // MARK: Passes over the boxes

    mutating func finishPass() { done += 1 }

    func tell(_ part: Double) throws { try report(min((Double(done) + part) / Double(passes), 1)) }

    /// Reads boxes in groups and maps them on all threads.
    func map<Result: Sendable>(
        _ indices: [Int], _ body: @Sendable (_ index: Int, _ box: [Float]) -> Result, _ take: (_ index: Int, Result) -> Void
    ) throws {
        for first in stride(from: 0, to: indices.count, by: Self.group) {
            try tell(Double(first) / Double(indices.count))
            let group = Array(indices[first..<min(first + Self.group, indices.count)])
            let boxes = try group.map(read)
            var results = [Result?](repeating: nil, count: group.count)
            results.withUnsafeMutableBufferPointer { results in
                // Each chunk writes its own result.
                nonisolated(unsafe) let results = results
                Threads.perform(group.count) { results[$0] = body(group[$0], boxes[$0]) }
            }
            for (index, result) in zip(group, results) { if let result { take(index, result) } }
        }
    }

    /// The power of the boxes in each shell, and their median deviation.
    private mutating func measure() throws {
        let (grid, all) = (grid, all)
        let wedges = kinds.map { wedge in all.points.map { wedge.isMeasured($0) } }
        let kind = kind
        let zeros = [Double](repeating: 0, count: grid.highest + 1)
        var (sums, counts) = (zeros, zeros)
        var deviations: [Double] = []
        try map(Array(poses.indices)) { index, box -> ([Double], [Double], Double) in
            let normalised = grid.normalised(box, grid.mask)
            let values = grid.transform(normalised.box, all)
            var (sums, counts) = (zeros, zeros)
            for k in 0..<all.count where wedges[kind[index]][k] && normalised.deviation > 0 {
                let (a, b) = (Double(values[k]), Double(values[all.count + k]))
                sums[all.shells[k]] += a * a + b * b
                counts[all.shells[k]] += 1
            }
            return (sums, counts, normalised.deviation)
        } _: { _, result in
            for shell in sums.indices {
                sums[shell] += result.0[shell]
                counts[shell] += result.1[shell]
            }
            if result.2 > 0 { deviations.append(result.2) }
        }
        power = zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
        scale = Quantile.median(of: deviations) ?? 1
        finishPass()
    }

    /// The particles of some boxes at the frequencies of a band.
    func particles(
        _ indices: [Int], _ band: (frequencies: SubvolumeFrequencies, amplitudes: [Float], wedges: [[Float]])
    ) throws -> [SubvolumeParticle] {
        let (grid, kind) = (grid, kind)
        var found: [SubvolumeParticle] = []
        found.reserveCapacity(indices.count)
        try map(indices) { index, box in
            SubvolumeParticle(
                grid.transform(grid.normalised(box, grid.mask).box, band.frequencies), wedge: band.wedges[kind[index]],
                amplitudes: band.amplitudes)
        } _: {
            found.append($1)
        }
        return found
    }

    func reference(_ volume: [Float], _ radius: Int) -> SubvolumeSpectrum {
        let masked = volume.indices.map { volume[$0] * grid.mask[$0] }
        return SubvolumeSpectrum(masked, side: grid.side, highest: Double(radius) / Double(grid.grid), order: 1)
    }

    /// Finds the poses of a half for its reference.
    private mutating func align(_ half: Int, _ volume: [Float], _ gains: [Double], isGlobal: Bool, round: Int) throws {
        let (indices, band) = (members(half), band(gains))
        let radius = band.frequencies.shells.last ?? 1
        let search = SubvolumeSearch(
            reference: reference(volume, radius), frequencies: band.frequencies, amplitudes: band.amplitudes,
            reach: parameters.shiftInVoxels)
        // The finest step moves the rim of the particle by a part of the finest detail.
        let spacing = parameters.spacingInDegrees
        if isGlobal {
            let found = try particles(indices, band)
            let step = max(Double(grid.grid) / Double(radius) / 4, 1)
            let candidates = try search.global(
                found, SubvolumeRotation.covering(spacing: spacing), shiftStep: step, keep: 3, progress: tell)
            let steps = [(spacing / 2, step / 2), (spacing / 4, step / 4), (spacing / 8, step / 8)]
            try keep(indices) { place in
                let refined = candidates[place].map { search.local(found[place], $0, steps: steps, repeats: 2) }
                return refined.max { $0.score < $1.score }
            }
        } else {
            let first = max(spacing / 4 * pow(0.7, Double(round - parameters.globalRounds)), 1)
            let steps = [(first, 0.5), (first / 2, 0.25), (first / 4, 0.125)]
            for start in stride(from: 0, to: indices.count, by: 4 * Self.group) {
                let part = Array(indices[start..<min(start + 4 * Self.group, indices.count)])
                let found = try particles(part, band)
                let poses = poses
                try keep(part) { search.local(found[$0], poses[part[$0]], steps: steps) }
            }
        }
    }

    /// Sets the poses of some boxes to what the closure finds, on all threads.
    private mutating func keep(_ indices: [Int], _ find: @Sendable (_ place: Int) -> SubvolumePose?) throws {
        for first in stride(from: 0, to: indices.count, by: Self.group) {
            try tell(0.5)
            let places = first..<min(first + Self.group, indices.count)
            var results = [SubvolumePose?](repeating: nil, count: places.count)
            results.withUnsafeMutableBufferPointer { results in
                nonisolated(unsafe) let results = results
                Threads.perform(places.count) { results[$0] = find(first + $0) }
            }
            for (place, result) in zip(places, results) {
                guard let result else { continue }
                let half = poses[indices[place]].half
                poses[indices[place]] = result
                poses[indices[place]].half = half
            }
        }
    }

    /// The average of some boxes at their poses.
    func average(_ indices: [Int]) throws -> [Float] {
        let (grid, all, weights, kind, poses) = (grid, all, weights, kind, poses)
        var sum = SubvolumeSum(all)
        try map(indices) { index, box in
            let normalised = grid.normalised(box, grid.wideMask)
            guard normalised.deviation > 0 else { return [] }
            let spectrum = SubvolumeSpectrum(
                normalised.box, side: grid.side, highest: grid.highestFrequency, order: 3, weight: weights[kind[index]])
            return SubvolumeSum.turned(spectrum, poses[index], all)
        } _: {
            sum.add($1)
        }
        return grid.box(sum.mean, all)
    }
}
