import Basics
import Catalog
import CatalogSchema
import Engine
import Foundation
import Mining
import Pipeline
import Volumes

/// How particles are averaged.
public struct AveragingOptions: Sendable {
    /// The most particles that are averaged; of more, as many are drawn.
    public var count = 200
    /// The radius around a particle that is aligned, in Å; nil for that of `descriptors` in the recipe.
    public var radiusInAngstroms: Double?
    /// Decides which particles are drawn, on the halves and on the first references.
    public var seed: UInt64 = 1

    /// 200 particles, and the recipe's radius.
    public init() {}
}

/// The average of particles of a collection.
public struct AveragedParticles: Sendable {
    /// How many were averaged.
    public let particles: Int
    /// How many there were, of which these were drawn.
    public let candidates: Int
    /// How many tomograms the averaged ones lie in.
    public let tomograms: Int
    /// The side of the average in voxels.
    public let side: Int
    /// The edge of its voxels in Å: the mean of the tomograms' three.
    public let voxelSizeInAngstroms: Double
    /// Where the correlation of two halves falls below 0.143, in Å; nil where it never was above, or there was one particle.
    public let resolutionInAngstroms: Double?
    /// Whether voxels limit the resolution.
    public let isLimitedByVoxels: Bool
    /// Whether the resolution is no evidence of a common structure: noise reaches it, too, since the halves began with one reference.
    public let isWithinReachOfNoise: Bool
}

/// A particle that may be averaged.
struct AveragedCandidate {
    let tomogramID: Int64
    let dataset: String
    let tomogram: String
    let number: Int
    let className: String
    /// The name that people gave its kind.
    let kindName: String?
    /// x, y, z in Å.
    let center: SIMD3<Double>
    let radiusInAngstroms: Double?
}

extension Project {
    /// The most particles of an average.
    public static let mostAveraged = 1000
    /// The memory for boxes, in bytes.
    private static let memoryForBoxes = 512 << 20

    /// Averages particles of the collection after aligning them, and writes the average, two half averages, their correlation, and how each
    /// particle lies.
    ///
    /// Into the folder come `average.mrc`, `half1.mrc`, `half2.mrc` (float32, bright structures), `fsc.csv` (frequency in 1/Å, resolution in Å,
    /// correlation), `particles.star` (RELION 5: places with the shifts that were found, angles; the score is the correlation with the average),
    /// and the same as copick's picks, `ExperimentRuns/RUN/Picks/cellar_0_OBJECT.json`: the folder is an overlay of a copick project. The
    /// object is the name of the particle's kind, or else its class. Where there is one particle, there are no halves.
    ///
    /// - Parameters:
    ///   - condition: an SQL expression over the columns of `v_object`, as `measure-picks` gives them: which particles.
    ///   - folder: the folder, and how its files are written.
    ///   - progress: receives the part that is done, 0 to 1; what it throws ends the work.
    /// - Throws: `CatalogError` where no particle is measured for which the condition is true, they have several voxel sizes, or one is not known;
    ///   `MiningError` where the radius does not fit the voxels; `VolumeError` where a file cannot be read or written.
    /// - Complexity: reads a box of each particle; some tenths of a second of a core for each particle. Memory is at most 512 MiB
    ///   for boxes.
    public func averageParticles(
        where condition: String?, to folder: String, files: OutputFiles, options: AveragingOptions = AveragingOptions(),
        progress: (Double) throws -> Void = { _ in }
    ) throws -> AveragedParticles {
        let candidates = try averageCandidates(where: condition)
        guard !candidates.isEmpty else {
            throw CatalogError(
                .notFound,
                "no particle is measured\(condition == nil ? "" : " for which --where is true"); `cellar run --until "
                    + "\(MeasurePicksStep.name)` measures those that were picked")
        }
        let recipe = try recipe()
        func real(_ name: String) throws -> Double {
            guard let value = recipe["\(DescriptorsStep.name).\(name)"].flatMap({ Double($0.text) }) else {
                throw CatalogError(.invalid, "the recipe has no \(DescriptorsStep.name).\(name); `cellar recipe check` says more")
            }
            return value
        }
        let (tilt, axis) = (try real("tilt"), try real("axis"))
        let radius = try options.radiusInAngstroms ?? real("radius")
        let areDark = recipe["\(DescriptorsStep.name).structures"]?.text == PrepareStep.Structures.dark.rawValue
        let voxelSize = try commonVoxelSize(candidates)
        let edge = voxelSize.meanInAngstroms
        var parameters = SubvolumeAveragingParameters(radiusInAngstroms: radius)
        parameters.seed = options.seed
        // The mask's soft edge and the shifts must fit beside the particle; even, as transforms like it.
        let needed = 2.4 * radius / edge + 2 * parameters.shiftInVoxels
        let sides = SubvolumeAverager.sides
        guard needed <= Double(sides.upperBound) else {
            throw CatalogError(
                .invalid,
                "a particle of \(radius) Å takes boxes of more than \(sides.upperBound) voxels of \(edge) Å; give a smaller "
                    + "--radius, or bin the tomograms")
        }
        let averager = try SubvolumeAverager(
            side: max(2 * Int((needed / 2).rounded(.up)), sides.lowerBound), voxelSizeInAngstroms: edge, parameters: parameters)
        let most = min(
            options.count, Self.mostAveraged, Self.memoryForBoxes / (4 * averager.side * averager.side * averager.side))
        var random = RandomStream(seed: options.seed)
        let chosen = candidates.shuffled(using: &random).prefix(max(1, most)).sorted {
            ($0.tomogramID, $0.number) < ($1.tomogramID, $1.number)
        }
        let output = try AverageFiles(folder, files: files, particles: chosen, runs: copickRuns(of: chosen))
        let wedge = tilt < 90 ? try MissingWedge(tiltsInDegrees: -tilt...tilt, axisInDegrees: axis) : .none
        let average: SubvolumeAverage
        do {
            let (boxes, middles, shapes) = try boxes(chosen, side: averager.side, voxelSize: voxelSize, areDark: areDark) {
                try progress(0.05 * $0)
            }
            average = try averager.average(boxes, wedge: wedge) { try progress(0.05 + 0.95 * $0) }
            try output.write(average, at: middles, shapes: shapes, voxelSize: voxelSize)
        } catch {
            output.discard()
            throw error
        }
        let resolution = average.resolutionInAngstroms
        let first = parameters.initialResolutionInAngstroms ?? radius / 2
        return AveragedParticles(
            particles: chosen.count, candidates: candidates.count, tomograms: Set(chosen.map(\.tomogramID)).count,
            side: averager.side, voxelSizeInAngstroms: edge, resolutionInAngstroms: resolution,
            isLimitedByVoxels: average.isLimitedByVoxels, isWithinReachOfNoise: (resolution ?? .infinity) > 0.7 * first)
    }

    private func averageCandidates(where condition: String?) throws -> [AveragedCandidate] {
        let connection = try QueryConnection(catalog)
        if let condition { try ViewColumns("v_object", in: connection).check(condition: condition) }
        var candidates: [AveragedCandidate] = []
        let own = "step = \(MeasurePicksStep.name.sqlLiteral)"
        try connection.run(
            QueryConnection.select(
                columns: "tomogram_id, dataset, tomogram, number, class, x, y, z, radius, kind_name", from: "v_object",
                where: condition.map { "\(own) AND (\n\($0)\n)" } ?? own) + " ORDER BY tomogram_id, number"
        ) { row in
            guard case .integer(let id) = row[0], case .integer(let number) = row[3] else { return }
            let numbers = row[5...8].map { value -> Double? in
                switch value {
                case .real(let number): number
                case .integer(let number): Double(number)
                default: nil
                }
            }
            guard let x = numbers[0], let y = numbers[1], let z = numbers[2] else { return }
            candidates.append(
                AveragedCandidate(
                    tomogramID: id, dataset: row[1].plainText, tomogram: row[2].plainText, number: Int(number),
                    className: row[4].plainText, kindName: row[9] == .null ? nil : row[9].plainText, center: SIMD3(x, y, z),
                    radiusInAngstroms: numbers[3]))
        }
        return candidates
    }

    /// The copick run of each tomogram by id: the one that it came from, or else its name, with that of its dataset before it where two
    /// would be one.
    private func copickRuns(of particles: [AveragedCandidate]) throws -> [Int64: String] {
        var runs: [Int64: (own: String, qualified: String)] = [:]
        for particle in particles where runs[particle.tomogramID] == nil {
            let noted = try catalog.collection.metadata(ofTomogram: particle.tomogramID)[CopickProject.runKey]
            runs[particle.tomogramID] = (noted ?? particle.tomogram, "\(particle.dataset)_\(particle.tomogram)")
        }
        let counts = Dictionary(runs.values.map { ($0.own, 1) }, uniquingKeysWith: +)
        return runs.mapValues { counts[$0.own] == 1 ? $0.own : $0.qualified }
    }

    /// The voxel size of all tomograms of particles.
    private func commonVoxelSize(_ candidates: [AveragedCandidate]) throws -> VoxelSize {
        var common: VoxelSize?
        for (id, name) in Dictionary(candidates.map { ($0.tomogramID, $0.tomogram) }, uniquingKeysWith: { $1 }).sorted(by: {
            $0.key < $1.key
        }) {
            // Places are in Å of the voxel size that they were computed with.
            let measured = try catalog.results.provenance(step: MeasurePicksStep.name, scopeID: id)?.voxelSize
            guard let size = try measured ?? catalog.collection.effectiveVoxelSize(ofTomogram: id) else {
                throw CatalogError(
                    .invalid, "the voxel size of \(name) is not known; add it again with --voxel-size, or leave it out by --where"
                )
            }
            if let common, abs(size.meanInAngstroms / common.meanInAngstroms - 1) > 0.01 {
                throw CatalogError(
                    .invalid,
                    "the particles lie in tomograms of \(common) and of \(size); choose those of one by --where \"dataset = '…'\""
                )
            }
            common = common ?? size
        }
        guard let common else { throw CatalogError(.notFound, "there is no particle; `cellar run` picks them") }
        return common
    }

    /// The boxes around particles, `[z][y][x]`, with bright structures; what lies beyond a tomogram has the mean of its box. And
    /// the middle voxel of each, (x, y, z), and the shapes of tomograms by id.
    private func boxes(
        _ particles: [AveragedCandidate], side: Int, voxelSize: VoxelSize, areDark: Bool, progress: (Double) throws -> Void
    ) throws -> (boxes: [[Float]], middles: [SIMD3<Double>], shapes: [Int64: VolumeShape]) {
        var (boxes, middles, shapes): ([[Float]], [SIMD3<Double>], [Int64: VolumeShape]) = ([], [], [:])
        var opened: (id: Int64, volume: any Volume)?
        for (index, particle) in particles.enumerated() {
            try progress(Double(index) / Double(particles.count))
            let volume: any Volume
            if let opened, opened.id == particle.tomogramID {
                volume = opened.volume
            } else {
                volume = try catalog.collection.tomogram(named: "id:\(particle.tomogramID)").location.open()
                opened = (particle.tomogramID, volume)
                shapes[particle.tomogramID] = volume.shape
            }
            let place = particle.center / voxelSize.vectorInAngstroms
            let middle = place.rounded(.toNearestOrAwayFromZero)
            boxes.append(try Self.box(of: volume, around: middle, side: side, sign: areDark ? -1 : 1))
            middles.append(middle)
        }
        return (boxes, middles, shapes)
    }

    private static func box(of volume: any Volume, around middle: SIMD3<Double>, side: Int, sign: Float) throws -> [Float] {
        var box = [Float](repeating: .nan, count: side * side * side)
        let shape = volume.shape
        func range(_ middle: Double, _ count: Int) -> (range: Range<Int>, first: Int)? {
            guard abs(middle) < 1e9 else { return nil }
            let first = Int(middle) - side / 2
            let range = (first..<first + side).clamped(to: 0..<count)
            return range.isEmpty ? nil : (range, first)
        }
        if let x = range(middle.x, shape.x), let y = range(middle.y, shape.y), let z = range(middle.z, shape.z),
            let part = Box(z: z.range, y: y.range, x: x.range)
        {
            let values = try volume.read(part).floats()
            var source = 0
            for slice in z.range {
                for row in y.range {
                    let target = ((slice - z.first) * side + row - y.first) * side - x.first
                    for column in x.range {
                        box[target + column] = sign * values[source]
                        source += 1
                    }
                }
            }
        }
        let known = box.filter(\.isFinite)
        let mean = known.isEmpty ? 0 : Float(known.reduce(0) { $0 + Double($1) } / Double(known.count))
        return box.map { $0.isFinite ? $0 : mean }
    }
}
