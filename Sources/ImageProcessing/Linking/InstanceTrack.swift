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
