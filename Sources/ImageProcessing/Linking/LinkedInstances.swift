public import Basics
import Foundation

/// The particles of a slab, and the mapping from the instances of its slices to them: the result of ``InstanceLinking``.
public struct LinkedInstances: Sendable, Hashable {
    /// The particles, in the order of their identifiers 1, 2, …
    public let objects: [LinkedObject]
    /// The number of tracks that are not particles, for each reason.
    public let rejections: [LinkingRules.Rejection: Int]
    /// The identifier of the particle of each instance, `[slice][label]`; 0 where the instance belongs to no particle.
    public let tables: [[Int32]]

    /// A slice of the label volume of particles, `[y][x]`: each label is replaced by the identifier of its particle, or 0.
    ///
    /// - Parameter labels: the labels that were appended as this slice.
    /// - Throws: ``ImageError`` where there is no such slice.
    /// - Complexity: one pass over the pixels.
    public func identifiers(_ labels: Image<Int32>, slice: Int) throws(ImageError) -> Image<Int32> {
        guard tables.indices.contains(slice) else {
            throw .parameter("the slice", slice, mustBe: "one of the \(tables.count) that were linked")
        }
        return labels.relabelled(by: tables[slice])
    }
}

/// A particle in three dimensions, made of instances of consecutive slices.
///
/// Coordinates are in voxels; the centre of the slab's first voxel is (0, 0, 0), and z is the slice.
public struct LinkedObject: Sendable, Hashable {
    /// The number of the particle, from 1, in the order of first slices, and within a slice of first instances.
    public let identifier: Int32
    /// The number of voxels.
    public let voxelCount: Int
    /// The mean x of the voxels.
    public let x: Double
    /// The mean y of the voxels.
    public let y: Double
    /// The mean z of the voxels.
    public let z: Double
    /// The columns of the bounding box.
    public let boxX: Range<Int>
    /// The rows of the bounding box.
    public let boxY: Range<Int>
    /// The slices of the bounding box.
    public let boxZ: Range<Int>
    /// The number of slices with an instance of the particle; fewer than in `boxZ` where slices were missed.
    public let sliceCount: Int
    /// The diameter in voxels of the disc with the area of the largest section.
    public let largestDiameter: Double
    /// Whether the particle touches the first or the last slice of the slab, so that a part of it may be missing.
    public let isCutOff: Bool
    /// The similarity to a ball that is segmented in every slice, 0 … 1: the cube root of the product of
    /// * the smaller divided by the larger of two volumes, its own and that of a ball of ``largestDiameter`` (1 where
    ///   ``isCutOff``),
    /// * the mean overlap of consecutive instances, each as a fraction of the area of the smaller,
    /// * the number of slices with an instance divided by the number of slices in `boxZ`.
    public let confidence: Double

    /// The radius in voxels of the ball with the same volume.
    public var radius: Double { LinkedObject.ballDiameter(volume: Double(voxelCount)) / 2 }

    /// The particle made of one or more pieces, in a slab of `sliceCount` slices.
    init(identifier: Int32, of parts: [InstanceTrack], sliceCount: Int) {
        let sections = parts.flatMap(\.sections)
        let volume = Double(sections.reduce(0) { $0 + $1.shape.area })
        func mean(_ value: (InstanceTrack.Section) -> Double) -> Double {
            sections.reduce(0) { $0 + Double($1.shape.area) * value($1) } / volume
        }
        func hull(_ range: (InstanceTrack.Section) -> Range<Int>) -> Range<Int> {
            let ranges = sections.map(range)
            return (ranges.map(\.lowerBound).min() ?? 0)..<(ranges.map(\.upperBound).max() ?? 0)
        }
        self.identifier = identifier
        voxelCount = Int(volume)
        (x, y, z) = (mean(\.shape.x), mean(\.shape.y), mean { Double($0.slice) })
        boxX = hull(\.shape.box.x)
        boxY = hull(\.shape.box.y)
        boxZ = hull { $0.slice..<$0.slice + 1 }
        // Several pieces of one particle may lie in the same slice; their areas are added.
        let areas = Dictionary(sections.map { ($0.slice, $0.shape.area) }, uniquingKeysWith: +)
        self.sliceCount = areas.count
        largestDiameter = (4 * Double(areas.values.max() ?? 0) / .pi).squareRoot()
        isCutOff = boxZ.lowerBound == 0 || boxZ.upperBound == sliceCount
        let ball = .pi / 6 * largestDiameter * largestDiameter * largestDiameter
        let likeness = isCutOff ? 1 : min(volume, ball) / max(volume, ball)
        let overlaps = sections.compactMap(\.overlap)
        let overlap = overlaps.isEmpty ? 1 : overlaps.reduce(0, +) / Double(overlaps.count)
        confidence = cbrt(likeness * overlap * Double(areas.count) / Double(boxZ.count))
    }

    /// The diameter of the ball of a volume.
    static func ballDiameter(volume: Double) -> Double { cbrt(6 * volume / .pi) }
}

/// Instances of consecutive slices that are linked by overlap, at most one of each slice.
struct InstanceTrack {
    /// The instance of one slice.
    struct Section {
        let slice: Int
        let shape: InstanceShape
        /// The pixels in common with the section before, divided by the area of the smaller section; nil for the first.
        let overlap: Double?
    }

    private(set) var sections: [Section] = []

    init(_ section: Section) { sections = [section] }

    init(_ sections: ArraySlice<Section>) { self.sections = Array(sections) }

    mutating func append(_ section: Section) { sections.append(section) }

    var lastSlice: Int { sections.last?.slice ?? 0 }
    var slices: Range<Int> { (sections.first?.slice ?? 0)..<lastSlice + 1 }
    private var largestArea: Int { sections.reduce(0) { max($0, $1.shape.area) } }
    var largestDiameter: Double { (4 * Double(largestArea) / .pi).squareRoot() }

    /// Divides a track of several particles on top of each other into pieces.
    ///
    /// The areas along z are smoothed with the weights 1 2 1. The depth of a section is its area divided by the smaller of the
    /// largest areas before and after it. The track is cut before the section of least depth if this depth is below `waist`,
    /// and its pieces are cut in turn. If the height exceeds `greatestHeight` times the largest diameter, any depth below 1 is enough.
    /// A rod has no minimum of area, and is not cut.
    func cut(waist: Double, greatestHeight: Double) -> [InstanceTrack] {
        let areas = smoothedAreas()
        let limit = Double(slices.count) > greatestHeight * largestDiameter ? 1 : waist
        var best: (place: Int, depth: Double)?
        var before = areas.first ?? 0
        var after = [Double](repeating: 0, count: areas.count + 1)
        for index in areas.indices.reversed() { after[index] = max(areas[index], after[index + 1]) }
        for index in areas.indices.dropFirst().dropLast() {
            let depth = areas[index] / min(before, after[index + 1])
            if depth < limit, depth < best?.depth ?? .infinity { best = (index, depth) }
            before = max(before, areas[index])
        }
        guard let best else { return [self] }
        return [sections[..<best.place], sections[best.place...]].flatMap {
            InstanceTrack($0).cut(waist: waist, greatestHeight: greatestHeight)
        }
    }

    /// The areas of the sections, smoothed with the weights 1 2 1.
    private func smoothedAreas() -> [Double] {
        let areas = sections.map { Double($0.shape.area) }
        return areas.indices.map { index in
            (areas[max(index - 1, 0)] + 2 * areas[index] + areas[min(index + 1, areas.count - 1)]) / 4
        }
    }
}

/// Groups of pieces that are one particle, because their centres are nearer than those of two particles can be.
struct ParticleGroups {
    /// The group of each piece; groups are numbered from 0 in the order of their first pieces.
    let groupOfPart: [Int]
    /// The pieces of each group.
    let members: [[Int]]

    /// - Parameters:
    ///   - least: the least distance of two centres in voxels.
    ///   - separation: the least distance, as a multiple of the diameter of the ball with the larger volume.
    init(_ parts: [InstanceTrack], least: Double, separation: Double) {
        let balls = parts.map(Ball.init)
        // From the largest piece to the smallest: each joins the nearest leader within the limit, or becomes a leader.
        let order = parts.indices.sorted { (balls[$0].volume, $1) > (balls[$1].volume, $0) }
        var leaderOfPart = Array(parts.indices)
        var leaders = CellList(distance: max(1, least, separation * (balls.map(\.diameter).max() ?? 1)))
        for index in order {
            let ball = balls[index]
            let near = leaders.near(ball.center).filter {
                balls[$0].distance(to: ball) < max(least, separation * max(balls[$0].diameter, ball.diameter))
            }
            if let leader = near.min(by: { (balls[$0].distance(to: ball), $0) < (balls[$1].distance(to: ball), $1) }) {
                leaderOfPart[index] = leader
            } else {
                leaders.add(index, at: ball.center)
            }
        }
        var numbers: [Int: Int] = [:]
        var members: [[Int]] = []
        groupOfPart = leaderOfPart.enumerated().map { index, leader in
            let number = numbers[leader] ?? members.count
            if number == members.count {
                numbers[leader] = number
                members.append([])
            }
            members[number].append(index)
            return number
        }
        self.members = members
    }

    /// The volume and centre of a piece, and the diameter of the ball with this volume.
    private struct Ball {
        let volume: Int
        let diameter: Double
        let center: SIMD3<Double>

        init(_ track: InstanceTrack) {
            volume = track.sections.reduce(0) { $0 + $1.shape.area }
            diameter = LinkedObject.ballDiameter(volume: Double(volume))
            center =
                track.sections.reduce(SIMD3()) {
                    $0 + Double($1.shape.area) * SIMD3($1.shape.x, $1.shape.y, Double($1.slice))
                } / Double(volume)
        }

        func distance(to other: Ball) -> Double {
            let difference = center - other.center
            return (difference * difference).sum().squareRoot()
        }
    }
}

/// Points that are added one by one, for searches within one fixed distance: a cell list, as in molecular dynamics.
///
/// Space is divided into cubic cells whose side is that distance, so that all points within it lie in the 27 cells around a
/// place. Where points are not nearer to each other than a part of the distance, a cell has few of them, and the cost of a
/// search does not depend on their number. `PointGrid` in `Metrics` needs all points at once, and searches within any distance.
package struct CellList: Sendable {
    /// The side of a cell: the greatest distance that is searched.
    private let side: Double
    /// The points of each cell that has any, in the order in which they were added.
    private var members: [SIMD3<Int>: [Int]] = [:]

    /// - Parameter distance: the greatest distance that is searched; above 0, in the unit of the coordinates.
    package init(distance: Double) {
        precondition(distance > 0, "points cannot be searched within a distance of \(distance)")
        side = distance
    }

    /// Adds a point, of which later searches give the index.
    ///
    /// - Precondition: the coordinates are finite, and no more than 10¹⁸ times the distance.
    package mutating func add(_ index: Int, at place: SIMD3<Double>) { members[cell(of: place), default: []].append(index) }

    /// The indices of the points in the 27 cells around a place: of all points within the distance, and of some farther ones.
    ///
    /// - Precondition: as for ``add(_:at:)``.
    package func near(_ place: SIMD3<Double>) -> [Int] {
        let center = cell(of: place)
        var result: [Int] = []
        for z in -1...1 {
            for y in -1...1 {
                for x in -1...1 { result += members[center &+ SIMD3(x, y, z)] ?? [] }
            }
        }
        return result
    }

    private func cell(of place: SIMD3<Double>) -> SIMD3<Int> {
        let scaled = (place / side).rounded(.down)
        return SIMD3(Int(scaled.x), Int(scaled.y), Int(scaled.z))
    }
}
