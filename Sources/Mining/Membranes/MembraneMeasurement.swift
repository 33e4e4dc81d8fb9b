public import Basics
import Foundation
import Volumes

/// Measures the pieces of membrane of a tomogram: area, curvature, distance to the next sheet, and density across.
///
/// ```swift
/// var points = MembranePoints(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try points.add(codes: codes(z), z: z, pieces: pieces(z)) }
/// var measurement = try MembraneMeasurement(points, parameters: try MembraneParameters()) { try Task.checkCancellation() }
/// for z in 0..<shape.z where measurement.needs(z: z) { try measurement.add(density: density(z), z: z) }
/// for membrane in measurement.finish() { print(membrane.piece, membrane.sphereRadiusInAngstroms ?? .infinity) }
/// ```
///
/// * Normals come from the nearest places (principal axes), curvatures from quadrics in neighbourhoods that suit the curvature
///   (F. Cazals, M. Pouget, CAGD 22, 2005). Places that a rim or an edge of the volume cuts off from their neighbours are left out.
/// * A place stands for the area V · max |nᵢ| / hᵢ, with the voxel's volume V and edges h. This is scaled by at most 2 to what discs
///   within the piece have.
/// * The next sheet is the first crossing of a centre surface, at least 3 voxels away, along the normal on either side: of the same
///   piece, such as across a vesicle, or another one.
/// * Profiles are sums over all places, so that one slice of density is needed at a time. Places are not shifted against each other.
///
/// The results are the same on any number of cores.
///
/// - Complexity: about 10 µs on a core and ``bytesPerPlace`` for each place, and a bit for each voxel.
public struct MembraneMeasurement: Sendable {
    private let shape: VolumeShape
    private let voxelSize: VoxelSize
    private let parameters: MembraneParameters
    private let grid: MembraneGrid
    private let normals: [SIMD3<Float>]
    private let areas: [Float]
    private let points: [MembraneCurvature.Point]
    private let neighbours: [MembraneSpacing.Neighbour]
    /// The numbers of the pieces, ascending, and for each place the index of its own.
    private let numbers: [Int32]
    private let owners: [Int32]
    /// The places with a normal by z, and the z of each in voxels.
    private let byHeight: [Int32]
    private let heights: [Float]
    private let step: Double
    private let width: Int
    /// For each piece and distance the sums of densities and weights.
    private var sums: [SIMD2<Double>]
    private var isAdded: [Bool]

    private static let leastPoints = 20

    /// About how much memory a place takes, of ``MembranePoints`` and of all that is found of it.
    public static let bytesPerPlace = 120

    /// Measures all but densities.
    ///
    /// - Parameter check: is called every some milliseconds to a second; what it throws ends the measurement.
    /// - Throws: what `check` throws.
    public init(_ points: MembranePoints, parameters: MembraneParameters, check: () throws -> Void) throws {
        (shape, self.parameters) = (points.shape, parameters)
        grid = try MembraneGrid(points, check: check)
        normals = try MembraneNormals.normals(of: grid, check: check)
        let curvature = MembraneCurvature(grid, normals, parameters)
        areas = curvature.areas
        self.points = try curvature.measure(check: check)
        neighbours = try MembraneSpacing(
            grid, normals, shape: shape, limit: parameters.spacingLimitInAngstroms, check: check
        ).measure(check: check)
        numbers = Set(grid.pieces).sorted()
        let indices = Dictionary(uniqueKeysWithValues: numbers.enumerated().map { ($1, Int32($0)) })
        owners = grid.pieces.map { indices[$0] ?? 0 }
        let (places, normals, edge) = (grid.places, normals, Float(points.voxelSize.zInAngstroms))
        byHeight = places.indices.filter { normals[$0] != .zero }.sorted { (places[$0].z, $0) < (places[$1].z, $1) }
            .map { Int32($0) }
        heights = byHeight.map { places[Int($0)].z / edge }
        voxelSize = points.voxelSize
        step = voxelSize.meanInAngstroms / 2
        width = 2 * max(1, Int((parameters.profileReachInAngstroms / step).rounded())) + 1
        sums = [SIMD2<Double>](repeating: .zero, count: numbers.count * width)
        isAdded = [Bool](repeating: false, count: shape.z)
    }

    /// Adds a slice of density to the profiles, in any order; slices that are not added have no density.
    ///
    /// - Parameters:
    ///   - density: the densities, `[y][x]`. What is not finite is left out.
    /// - Throws: ``MiningError`` where the slice does not fit the volume, or was added before.
    /// - Complexity: some tens of nanoseconds for each place within reach and value of its profile in the slice.
    public mutating func add(density: [Float], z: Int) throws(MiningError) {
        guard density.count == shape.voxelsPerSlice, (0..<shape.z).contains(z), !isAdded[z] else {
            throw MiningError(
                .invalidSize,
                "slice \(z) of \(density.count) densities does not fit a volume of \(shape) voxels; give each of its slices once")
        }
        isAdded[z] = true
        let edges = SIMD3<Float>(voxelSize.vectorInAngstroms)
        let reach = Float(Double(width / 2) * step) / edges.z + 1
        var index = firstIndex(atLeast: Float(z) - reach)
        while index < heights.count, heights[index] <= Float(z) + reach {
            let place = Int(byHeight[index])
            let (origin, direction) = (grid.places[place] / edges, normals[place] * Float(step) / edges)
            addProfile(density, origin, direction, z: Float(z), at: Int(owners[place]) * width)
            index += 1
        }
    }

    /// Adds what a slice knows of the density along a line; the rest comes with the next slice or came with the one before.
    private mutating func addProfile(
        _ density: [Float], _ origin: SIMD3<Float>, _ direction: SIMD3<Float>, z: Float, at target: Int
    ) {
        let (half, columns, rows) = (width / 2, shape.x, shape.y)
        var (first, last) = (-half, half)
        if abs(direction.z) > 1e-6 {
            let (a, b) = ((z - 1 - origin.z) / direction.z, (z + 1 - origin.z) / direction.z)
            first = max(first, Int(max(min(a, b).rounded(.down), Float(-half))))
            last = min(last, Int(min(max(a, b).rounded(.up), Float(half))))
        }
        guard first <= last else { return }
        for offset in first...last {
            let place = origin + Float(offset) * direction
            let weight = 1 - abs(place.z - z)
            guard weight > 0, place.x >= 0, place.y >= 0 else { continue }
            let (x, y) = (Int(place.x), Int(place.y))
            guard x + 1 < columns, y + 1 < rows else { continue }
            let (u, v, start) = (place.x - Float(x), place.y - Float(y), y * columns + x)
            let upper = density[start] * (1 - u) + density[start + 1] * u
            let lower = density[start + columns] * (1 - u) + density[start + columns + 1] * u
            let value = upper * (1 - v) + lower * v
            guard value.isFinite else { continue }
            sums[target + half + offset] += SIMD2(Double(value * weight), Double(weight))
        }
    }

    /// Whether the density of a slice counts: whether a place lies near enough.
    public func needs(z: Int) -> Bool {
        let reach = Float(Double(width / 2) * step / voxelSize.zInAngstroms) + 1
        let index = firstIndex(atLeast: Float(z) - reach)
        return index < heights.count && heights[index] <= Float(z) + reach
    }

    private func firstIndex(atLeast height: Float) -> Int {
        var (low, high) = (0, heights.count)
        while low < high {
            let middle = (low + high) / 2
            if heights[middle] < height { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What was measured, one for each piece, by ascending number.
    ///
    /// - Complexity: sorts some numbers for each place.
    public func finish() -> [MeasuredMembrane] {
        var members = [[Int]](repeating: [], count: numbers.count)
        for index in owners.indices { members[Int(owners[index])].append(index) }
        return members.indices.map { measured(members[$0], owner: $0) }
    }

    private func measured(_ members: [Int], owner: Int) -> MeasuredMembrane {
        let facing = members.filter { normals[$0] != .zero }
        let inner = facing.filter { points[$0].mean.isFinite && points[$0].gaussian.isFinite }
        var means = MembraneQuartiles(inner.map { points[$0].mean }, least: Self.leastPoints)
        if let median = means?.median, median < 0 {
            means = MembraneQuartiles(inner.map { -points[$0].mean }, least: Self.leastPoints)
        }
        let fill = MembraneQuartiles(facing.map { points[$0].fill }.filter(\.isFinite), least: Self.leastPoints)?.median ?? 1
        let area = facing.reduce(0.0) { $0 + Double(areas[$1]) } / min(max(fill, 0.5), 1.25)
        let near = facing.filter { !neighbours[$0].distance.isNaN }
        let others = near.filter { neighbours[$0].isOfOtherPiece }.count
        return MeasuredMembrane(
            piece: Int(numbers[owner]), points: members.count,
            areaInSquareAngstroms: facing.count >= Self.leastPoints ? area : nil, meanCurvature: means,
            gaussianCurvature: MembraneQuartiles(inner.map { points[$0].gaussian }, least: Self.leastPoints),
            neighbourhoodInAngstroms: MembraneQuartiles(inner.map { points[$0].radius }, least: Self.leastPoints)?.median,
            roughnessInAngstroms: MembraneQuartiles(inner.map { points[$0].residual }, least: Self.leastPoints)?.median,
            profile: profile(owner), spacingInAngstroms: MembraneQuartiles(near.map { neighbours[$0].distance }),
            neighbouredPart: facing.isEmpty ? nil : Double(near.count) / Double(facing.count),
            otherPiecePart: near.isEmpty ? nil : Double(others) / Double(near.count))
    }

    private func profile(_ owner: Int) -> MembraneProfile? {
        let mine = sums[owner * width..<(owner + 1) * width]
        let middle = mine[mine.startIndex + width / 2].y
        guard middle >= Double(Self.leastPoints) else { return nil }
        // A mean of less than a tenth of the places says little of the piece.
        let densities = mine.map { $0.y > 0.1 * middle ? $0.x / $0.y : nil }
        return MembraneProfile(step: step, densities: densities, points: Int(middle.rounded()))
    }
}
