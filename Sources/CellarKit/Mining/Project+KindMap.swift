import Basics
import Catalog
import Engine
import Mining
import Pipeline

extension Project {
    /// The most dots of a map; of more particles every n-th is drawn.
    private static let mostDots = 20_000

    /// A map of kinds: each particle a dot on the plane on which the kinds that the recipe names lie farthest apart.
    ///
    /// - Parameter condition: an SQL expression over the columns of `v_object`, as the step `pick` gives them: which particles; nil for all.
    /// - Returns: the map, and the number of tomograms that were left out: described in another way, or picked anew since.
    /// - Throws: `CatalogError` where the recipe names no kinds, no particle is described, or the condition is not understood.
    /// - Complexity: reads the descriptors of all tomograms, one tomogram at a time; keeps at most 200,000.
    public func kindMap(where condition: String? = nil) throws -> (figure: Figure, others: Int) {
        let (name, file) = try knownKinds()
        let sample = try describedParticles(where: condition, as: file.meaning)
        guard sample.dimension == file.model.dimension else {
            throw CatalogError(
                .notFound,
                "there is nothing to draw: no particle for which --where is true is described as the kinds \(name) are; `cellar run --until "
                    + "\(DescriptorsStep.name)` describes what was picked, and `cellar kind find` finds kinds again")
        }
        let kinds = try file.model.assign(rows: sample.rows).map(\.kind)
        let places = try KindMap(file.model).places(of: sample.rows)
        let names = try catalog.collection.kindNames()
        let step = (places.count + Self.mostDots - 1) / Self.mostDots
        var dots: [Int: [SIMD2<Double>]] = [:]
        for index in stride(from: 0, to: places.count, by: max(step, 1)) { dots[kinds[index], default: []].append(places[index]) }
        let counts = Dictionary(kinds.map { ($0, 1) }, uniquingKeysWith: +)
        let palette = PlotSeries.palette
        // The last colour is grey: that of what has no colour of its own.
        let own = counts.keys.filter { $0 > 0 }.sorted { (counts[$1] ?? 0, $0) < (counts[$0] ?? 0, $1) }.prefix(palette.count - 1)
        func series(_ words: String, _ kinds: [Int], _ color: Color?) -> PlotSeries? {
            let count = kinds.reduce(0) { $0 + counts[$1, default: 0] }
            guard count > 0 else { return nil }
            return PlotSeries("\(words) (\(count))", kinds.flatMap { dots[$0, default: []] }, color: color)
        }
        let rest = counts.keys.filter { $0 > 0 && !own.contains($0) }
        // What is unlike all lies behind the others.
        let drawn =
            [series("unlike all", [0], palette.last), series("other kinds", rest, palette.last)]
            + own.sorted().enumerated().map { index, kind in
                series(names[kind].map { "\(kind) \($0)" } ?? "kind \(kind)", [kind], palette[index])
            }
        let words =
            step > 1
            ? "\((places.count + step - 1) / step) of \(places.count) particles" : "\(places.count) particles"
        let figure = Figure(
            plot: ScatterPlot(
                "\(words), \(own.count + rest.count) kind\(own.count + rest.count == 1 ? "" : "s")",
                x: PlotAxis("first axis (deviations of a kind)"),
                y: PlotAxis("second axis"), series: drawn.compactMap(\.self)))
        return (figure, sample.others)
    }
}
