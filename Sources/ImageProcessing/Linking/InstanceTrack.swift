/// Instances of consecutive slices, linked by overlap; at most one of each slice.
struct InstanceTrack {
    /// One slice's instance.
    struct Section {
        let slice: Int
        let shape: InstanceShape
        /// The pixels that it has in common with the section before, over the area of the smaller; nil for the first.
        let overlap: Double?
    }

    private(set) var sections: [Section] = []

    init(_ section: Section) { sections = [section] }

    init(_ sections: ArraySlice<Section>) { self.sections = Array(sections) }

    mutating func append(_ section: Section) { sections.append(section) }

    var lastSlice: Int { sections.last?.slice ?? 0 }
    var slices: Range<Int> { (sections.first?.slice ?? 0)..<lastSlice + 1 }
    var largestArea: Int { sections.reduce(0) { max($0, $1.shape.area) } }
    var largestDiameter: Double { (4 * Double(largestArea) / .pi).squareRoot() }

    /// The pieces of a track of several particles, one on top of another.
    ///
    /// Areas along z are smoothed by 1 2 1. A track is cut before its least area between two larger ones if that is below
    /// `waist` times the smaller of the greatest on either side; or, if it spans more than `longest` of its own diameters, at
    /// any least area. What has no least area is not cut: a rod.
    func cut(waist: Double, longest: Double) -> [InstanceTrack] {
        let areas = smoothedAreas()
        // From below the smallest waist first: what is left on either side is cut in turn.
        let limit = Double(slices.count) > longest * largestDiameter ? 1 : waist
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
            InstanceTrack($0).cut(waist: waist, longest: longest)
        }
    }

    private func smoothedAreas() -> [Double] {
        let areas = sections.map { Double($0.shape.area) }
        return areas.indices.map { index in
            (areas[max(index - 1, 0)] + 2 * areas[index] + areas[min(index + 1, areas.count - 1)]) / 4
        }
    }
}
