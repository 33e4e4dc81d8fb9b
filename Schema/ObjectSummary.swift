/// Sums over the objects of one class in one result: a row of `object_summary`.
///
/// Means and standard deviations over any number of results follow from a few of these, so that questions about millions of
/// objects need not look at them. Squares are summed in float64: of numbers whose spread is less than a millionth of their size
/// nothing is left of it.
public struct ObjectSummary: Sendable, Hashable {
    public var `class`: String
    /// A column of `v_object`, or `nearest/CLASS`: the distance to the nearest other object of a class, in Å.
    public var measure: String
    /// The objects that have the number.
    public private(set) var count: Int
    public private(set) var sum: Double
    public private(set) var sumOfSquares: Double
    public private(set) var minimum: Double
    public private(set) var maximum: Double

    /// - Parameter value: of the first object.
    init(class: String, measure: String, value: Double) {
        self.class = `class`
        self.measure = measure
        (count, sum, sumOfSquares, minimum, maximum) = (1, value, value * value, value, value)
    }

    private mutating func add(_ value: Double) {
        count += 1
        sum += value
        sumOfSquares += value * value
        (minimum, maximum) = (min(minimum, value), max(maximum, value))
    }

    private struct Key: Hashable {
        let `class`: String
        let measure: String
    }

    /// One for each class and measure that some object has, by class and measure.
    public static func summaries(of objects: some Sequence<FoundObject>) -> [ObjectSummary] {
        var summaries: [Key: ObjectSummary] = [:]
        for object in objects {
            for (measure, value) in object.measures {
                let key = Key(class: object.class, measure: measure)
                if summaries[key]?.add(value) == nil {
                    summaries[key] = ObjectSummary(class: object.class, measure: measure, value: value)
                }
            }
        }
        return summaries.values.sorted { ($0.class, $0.measure) < ($1.class, $1.measure) }
    }
}

extension FoundObject {
    /// The numbers that are summed, under the names that `v_object` has for them.
    fileprivate var measures: [(name: String, value: Double)] {
        let own: [(String, Double?)] = [
            ("volume_nm3", volumeInCubicNanometers), ("diameter_nm", diameterInNanometers), ("radius", radiusInAngstroms),
            ("surface_nm2", surfaceInSquareNanometers), ("elongation", elongation), ("density_mean", meanDensity),
            ("membrane_distance", membraneDistanceInAngstroms), ("confidence", confidence),
        ]
        return own.compactMap { name, value in value.map { (name, $0) } }
            + neighbours.map { ("nearest/\($0.class)", $0.distanceInAngstroms) }
    }
}
