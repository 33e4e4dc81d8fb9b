import Foundation

/// How many points lie outside of their tomogram, and what mistake would explain it.
///
/// The volume of a tomogram of n voxels reaches from −0.5 to n − 0.5 voxels along each axis. Where more than half of the points lie
/// outside, their coordinates were understood wrongly: at another pixel size, unit, origin, or order of the axes. Each of these
/// is tried, and the first that brings nearly all points inside is named.
public struct PointPlacement: Sendable {
    /// A mistake that explains why points lie outside: what the coordinates would be instead.
    public enum Cause: Hashable, Sendable {
        /// They count the tomogram's voxels, and not pixels of the size that the file states.
        case voxelsInsteadOfPixels(statedInAngstroms: Double)
        /// They count pixels that are smaller by a whole factor: those before a binning. The size is nil where nothing is known in Å.
        case smallerPixels(sizeInAngstroms: Double?, binning: Int)
        /// They are in Å, and not in voxels; or the other way round.
        case angstroms, voxels
        /// They count from the middle of the tomogram: in Å, as RELION 5 does, or in voxels.
        case centredAngstroms, centredVoxels
        /// They count in Å from the first voxel, and not from the middle.
        case uncentred
        /// z counts in the negative direction.
        case oppositeZ
        /// The order of the axes is z, y, x.
        case exchangedAxes
        /// The tomogram's voxels are larger than its voxel size says.
        case largerVoxels(sizeInAngstroms: Double)
    }

    /// The number of points.
    public let count: Int
    /// How many of them lie outside of the volume.
    public let outside: Int
    /// The first point outside, in voxels (x, y, z); nil where there is none.
    public let firstOutside: SIMD3<Double>?
    /// The mistake that explains it; nil unless more than half of the points lie outside, or where no usual mistake explains it.
    public let cause: Cause?

    /// The least part of the points that a mistake brings inside where it is the cause.
    static let nearlyAll = 0.95

    /// Whether the points cannot be meant for this tomogram, read so: more than half of them lie outside.
    public var isWrong: Bool { outside * 2 > count }

    /// Counts the points outside of a tomogram.
    ///
    /// - Parameter voxelSize: of the tomogram.
    /// - Returns: nil where the position of points in voxels depends on a voxel size that is not known.
    /// - Complexity: one pass over the points; a dozen more where more than half lie outside.
    public init?(_ set: PointSet, voxelSize: VoxelSize?, shape: VolumeShape) {
        guard let placed = set.inVoxels(voxelSize: voxelSize, shape: shape) else { return nil }
        let volume = VoxelRange(shape)
        let positions = placed.points.map { SIMD3($0.x, $0.y, $0.z) }
        count = positions.count
        outside = positions.count { !volume.contains($0) }
        firstOutside = positions.first { !volume.contains($0) }
        cause =
            outside * 2 > count
            ? Explanations(set, positions: positions, voxelSize: voxelSize, volume: volume).first(bringing: Self.nearlyAll) : nil
    }
}

/// The voxels of a volume as a range of positions.
private struct VoxelRange {
    /// The number of voxels along x, y, z.
    let size: SIMD3<Double>

    init(_ shape: VolumeShape) { size = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z)) }

    /// Whether a position lies in a voxel; conversions may have rounded it.
    func contains(_ position: SIMD3<Double>) -> Bool {
        let slack = 1e-6
        return (0..<3).allSatisfy { position[$0] >= -0.5 - slack && position[$0] <= size[$0] - 0.5 + slack }
    }
}

/// The mistakes that may explain points outside, in the order in which they are tried.
///
/// Dividing by a larger number brings ever more points inside, so of the readings at another scale that which shrinks least comes
/// first. Factors that enlarge are not tried: they bring nothing inside. A few points may be explained by several mistakes, so that
/// those which need evidence (centred coordinates and an opposite z, for which there must be negative numbers) are tried only with it.
private struct Explanations {
    private typealias Cause = PointPlacement.Cause

    /// A point as the file has it, and where it was put.
    private struct Sample {
        /// The coordinates of the file, from its origin.
        let raw: SIMD3<Double>
        /// The position in voxels.
        let placed: SIMD3<Double>
    }

    private let samples: [Sample]
    private let volume: VoxelRange
    private let convention: CoordinateConvention
    private let pixelSize: Double?
    private let voxelSize: VoxelSize?

    init(_ set: PointSet, positions: [SIMD3<Double>], voxelSize: VoxelSize?, volume: VoxelRange) {
        let origin: SIMD3<Double> =
            switch set.convention {
            case .angstrom, .voxel, .relion, .relion5Centered: .zero
            case .imod: SIMD3(0.5, 0.5, 0)
            case .dynamo: .one
            }
        samples = zip(set.points, positions).map { Sample(raw: SIMD3($0.x, $0.y, $0.z) - origin, placed: $1) }
        convention = set.convention
        pixelSize = set.convention == .relion ? set.pixelSizeInAngstroms : nil
        self.voxelSize = voxelSize
        self.volume = volume
    }

    /// The first mistake that brings a part of the points inside.
    func first(bringing part: Double) -> PointPlacement.Cause? {
        candidates().first { candidate in
            let inside = samples.count { volume.contains(candidate.position($0)) }
            return Double(inside) >= part * Double(samples.count)
        }?.cause
    }

    private func candidates() -> [(cause: Cause, position: (Sample) -> SIMD3<Double>)] {
        let middle = volume.size / 2
        let voxel = voxelSize?.vectorInAngstroms
        let isCentred = convention == .relion5Centered
        var list: [(cause: Cause, position: (Sample) -> SIMD3<Double>)] = []

        let negative = samples.count { sample in (0..<3).contains { sample.raw[$0] < -0.5 } }
        if isCentred {
            if let voxel { list.append((.uncentred, { $0.raw / voxel })) }
            list.append((.voxels, { $0.raw }))
        } else if negative * 4 >= samples.count {
            if let voxel { list.append((.centredAngstroms, { $0.raw / voxel + middle })) }
            list.append((.centredVoxels, { (convention == .angstrom ? $0.raw : $0.placed) + middle }))
        }
        if samples.count(where: { $0.placed.z < -0.5 }) * 2 > samples.count {
            list.append((.oppositeZ, { SIMD3($0.placed.x, $0.placed.y, -$0.placed.z) }))
        }
        list.append((.exchangedAxes, { SIMD3($0.placed.z, $0.placed.y, $0.placed.x) }))

        // How many times smaller the positions become.
        var scales: [(shrink: Double, cause: Cause, position: (Sample) -> SIMD3<Double>)] = []
        for factor in [2, 4, 8, 16] {
            let divisor = Double(factor)
            let cause: Cause? =
                switch convention {
                case .angstrom, .relion5Centered: voxelSize.map { .largerVoxels(sizeInAngstroms: $0.meanInAngstroms * divisor) }
                case .voxel, .relion, .imod, .dynamo:
                    .smallerPixels(
                        sizeInAngstroms: (pixelSize ?? voxelSize?.meanInAngstroms).map { $0 / divisor }, binning: factor)
                }
            guard let cause else { continue }
            // Centred coordinates shrink towards the middle.
            let fixed = isCentred ? middle : .zero
            scales.append((divisor, cause, { ($0.placed - fixed) / divisor + fixed }))
        }
        if let voxel, let size = voxelSize?.meanInAngstroms {
            if convention == .angstrom {
                scales.append((1 / size, .voxels, { $0.raw }))
            } else if !isCentred {
                scales.append((pixelSize ?? size, .angstroms, { $0.raw / voxel }))
            }
            if let pixelSize {
                scales.append((pixelSize / size, .voxelsInsteadOfPixels(statedInAngstroms: pixelSize), { $0.raw }))
            }
        }
        return list + scales.sorted { $0.shrink < $1.shrink }.map { ($0.cause, $0.position) }
    }
}

extension PointPlacement.Cause: CustomStringConvertible {
    /// A clause for people: what the coordinates would be.
    public var description: String {
        switch self {
        case .voxelsInsteadOfPixels(let stated):
            "they count the tomogram's voxels, and not pixels of \(Self.text(stated)) Å, as the file says"
        case .smallerPixels(let size?, let binning): "their pixels are \(Self.text(size)) Å, as before a binning by \(binning)"
        case .smallerPixels(nil, let binning): "they count pixels before a binning by \(binning)"
        case .angstroms: "they are in Å, and not in voxels"
        case .voxels: "they are in voxels, and not in Å"
        case .centredAngstroms: "they count Å from the middle of the tomogram, as RELION 5 does"
        case .centredVoxels: "they count voxels from the middle of the tomogram"
        case .uncentred: "they count Å from the first voxel, and not from the middle of the tomogram"
        case .oppositeZ: "z has the other sign"
        case .exchangedAxes: "x and z are exchanged"
        case .largerVoxels(let size): "the tomogram's voxels are \(Self.text(size)) Å"
        }
    }

    private static func text(_ number: Double) -> String { String(format: "%.4g", number) }
}

extension PointPlacement {
    /// How many points lie outside, and where the first of them is, as a clause for people; nil where none does.
    public func clause(of tomogram: String, shape: VolumeShape) -> String? {
        guard let first = firstOutside else { return nil }
        let place = (0..<3).map { String(format: "%.4g", first[$0]) }.joined(separator: ", ")
        let (verb, which) = outside == 1 ? ("lies", "at voxel") : ("lie", "the first at voxel")
        return
            "\(outside) of \(count) point\(count == 1 ? "" : "s") \(verb) outside of the \(shape) voxels of \(tomogram), \(which) (\(place))"
    }
}
