import Volumes

/// Regions that were kept apart by the flood, what lies between them, and which of them are compartments.
struct RegionGraph {
    /// What lies between two regions.
    struct Gap {
        /// The squared distance to the membrane at the widest place, in Å²: at which the two meet first.
        var square: Float = 0
        /// The area of the faces between them in Å².
        var area = 0.0
    }

    /// The squared greatest distance of each region in Å²; it descends.
    private var peaks: [Float] = []
    /// The volume of each region in nm³.
    private var volumes: [Double]
    /// The area of the faces of each region to membrane in Å².
    private var membranes: [Double]
    /// For each region with gaps: its gaps, by the region on the other side.
    private var gaps: [Int32: [Int32: Gap]] = [:]
    /// For each region the one that it was joined to; itself, or −1 where it was left out.
    private var targets: [Int32]

    /// Measures the regions, and turns the labels of a flood, a basin's number + 1, into a region's number + 1.
    ///
    /// - Complexity: two passes over the voxels.
    init(_ flood: BasinFlood, _ grid: inout CompartmentGrid, check: () throws -> Void) throws {
        let (regions, count) = flood.regions()
        volumes = [Double](repeating: 0, count: count)
        membranes = [Double](repeating: 0, count: count)
        targets = (0..<Int32(count)).map { $0 }
        peaks.reserveCapacity(count)
        for (basin, region) in regions.enumerated() where Int(region) == peaks.count { peaks.append(flood.peaks[basin]) }
        for (pair, square) in flood.meetings {
            let (high, low) = (regions[Int(pair.high)], regions[Int(pair.low)])
            if high != low { add(Gap(square: square), between: high, low) }
        }
        grid.labels.withUnsafeMutableBufferPointer { labels in
            for index in labels.indices where labels[index] > 0 { labels[index] = regions[Int(labels[index]) &- 1] &+ 1 }
        }
        try measure(grid, check)
    }

    private mutating func add(_ gap: Gap, between a: Int32, _ b: Int32) {
        for (one, other) in [(a, b), (b, a)] {
            var whole = gaps[one, default: [:]][other] ?? Gap()
            whole.square = max(whole.square, gap.square)
            whole.area += gap.area
            gaps[one, default: [:]][other] = whole
        }
    }

    /// The volume of each region, and the areas of its faces.
    private mutating func measure(_ grid: CompartmentGrid, _ check: () throws -> Void) throws {
        let (shape, labels, areas) = (grid.shape, grid.labels, grid.faceAreas)
        let (unit, neighbours) = (grid.amountInCubicNanometers, grid.faceNeighbours)
        let steps = [(1, areas.x), (grid.rowStride, areas.y), (grid.sliceStride, areas.z)]
        for z in 0..<shape.z {
            try check()
            for y in 0..<shape.y {
                let row = grid.row(z: z, y: y)
                for index in row..<row &+ shape.x {
                    let label = labels[index]
                    if label > 0 {
                        volumes[Int(label) &- 1] += unit * Double(grid.amounts[index])
                    } else if label == CompartmentGrid.membrane, grid.amounts[index] > 0 {
                        // What is free of a voxel of membrane belongs to its neighbours.
                        let near = neighbours.filter { labels[index &+ $0] > 0 }
                        for offset in near {
                            volumes[Int(labels[index &+ offset]) &- 1] += unit * Double(grid.amounts[index]) / Double(near.count)
                        }
                    }
                    for (step, area) in steps {
                        let next = labels[index &+ step]
                        guard next != label else { continue }
                        if label > 0, next > 0 {
                            add(Gap(area: area), between: label &- 1, next &- 1)
                        } else if label > 0, next == CompartmentGrid.membrane {
                            membranes[Int(label) &- 1] += area
                        } else if label == CompartmentGrid.membrane, next > 0 {
                            membranes[Int(next) &- 1] += area
                        }
                    }
                }
            }
        }
    }

    /// Joins regions that are too small, then those that are too open, to the neighbour that they meet first.
    mutating func simplify(_ parameters: CompartmentParameters) {
        let least = parameters.leastVolumeInCubicNanometers
        let small = volumes.indices.filter { volumes[$0] < least }.sorted { (volumes[$0], $0) < (volumes[$1], $1) }
        for region in small where targets[region] == region {
            var root = Int32(region)
            while volumes[Int(root)] < least {
                guard let neighbour = widest(root) else {
                    targets[Int(root)] = -1
                    break
                }
                join(root, to: neighbour)
                root = min(root, neighbour)
            }
        }
        // A space that is joined changes the open part of what it joins, so that all are asked again.
        var isChanged = true
        while isChanged {
            isChanged = false
            for region in gaps.keys.sorted(by: >) where isTooOpen(region, parameters) {
                guard let neighbour = widest(region) else { continue }
                join(region, to: neighbour)
                isChanged = true
            }
        }
    }

    private func isTooOpen(_ region: Int32, _ parameters: CompartmentParameters) -> Bool {
        guard targets[Int(region)] == region, let all = gaps[region] else { return false }
        let open = all.values.reduce(0) { $0 + $1.area }
        return open > parameters.mostOpenPart * (open + membranes[Int(region)])
    }

    /// The neighbour that a region meets first; of several the one with the highest peak.
    private func widest(_ region: Int32) -> Int32? {
        gaps[region, default: [:]].max { ($0.value.square, $1.key) < ($1.value.square, $0.key) }?.key
    }

    /// Joins two regions. Both keep the lesser number, so that numbers still are in the order of peaks.
    private mutating func join(_ a: Int32, to b: Int32) {
        let (gone, kept) = (max(a, b), min(a, b))
        targets[Int(gone)] = kept
        volumes[Int(kept)] += volumes[Int(gone)]
        membranes[Int(kept)] += membranes[Int(gone)]
        for (other, gap) in gaps.removeValue(forKey: gone) ?? [:] {
            gaps[other]?[gone] = nil
            if other != kept { add(gap, between: kept, other) }
        }
    }

    /// What ``simplify(_:)`` left: for each region the number of its compartment from 1, or 0; and for each compartment from 0
    /// the squared distance at its widest gap (0 without one), and the part of its surface that is gap.
    func compartments() -> (ofRegion: [Int32], gaps: [(square: Float, openPart: Double)]) {
        var numbers = [Int32](repeating: 0, count: targets.count)
        var widths: [(square: Float, openPart: Double)] = []
        for (region, target) in targets.enumerated() where target >= 0 {
            // Targets are smaller, so that they have their number already.
            if Int(target) < region {
                numbers[region] = numbers[Int(target)]
                continue
            }
            let all = gaps[target, default: [:]].values
            let open = all.reduce(0) { $0 + $1.area }
            widths.append((all.reduce(0) { max($0, $1.square) }, open > 0 ? open / (open + membranes[region]) : 0))
            numbers[region] = Int32(widths.count)
        }
        return (numbers, widths)
    }
}
