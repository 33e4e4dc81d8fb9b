import Foundation

/// An object that a step found in a tomogram, such as a particle or a piece of membrane: a row of `object` with its rows of
/// `object_neighbour`, `object_enclosure` and `object_membrane`.
public struct FoundObject: Sendable, Hashable, Codable {
    /// The nearest other object of a class, by centroids.
    public struct Neighbour: Sendable, Hashable, Codable {
        /// The class of the neighbour.
        public var `class`: String
        /// The number of the neighbour among the objects of the same result.
        public var number: Int
        public var distanceInAngstroms: Double

        public init(class: String, number: Int, distanceInAngstroms: Double) {
            self.class = `class`
            self.number = number
            self.distanceInAngstroms = distanceInAngstroms
        }
    }

    /// What a particle looks like, among the kinds of the collection (`v_kind`).
    public struct Kind: Sendable, Hashable, Codable {
        /// From 1; 0 where it is unlike all kinds that are known.
        public var number: Int
        /// How sure that is, 0 to 1.
        public var certainty: Double

        public init(number: Int, certainty: Double) { (self.number, self.certainty) = (number, certainty) }

        fileprivate var isValid: Bool { number >= 0 && (0...1).contains(certainty) }
    }

    /// What a compartment is more than other objects: a row of `object_enclosure`.
    public struct Enclosure: Sendable, Hashable, Codable {
        /// How far membranes enclose a compartment.
        public enum State: String, Sendable, Hashable, Codable, CaseIterable {
            /// The surroundings of all others.
            case outer
            /// An edge of the tomogram, or an end of the sample, cuts it.
            case cut
            /// It has a gap.
            case open
            /// It has none.
            case closed
        }

        public var state: State
        /// How many compartments enclose it.
        public var level: Int
        /// The diameter of its widest gap; 0 for none.
        public var gapInAngstroms: Double
        /// The part of its surface that is gap, 0 to 1.
        public var openPart: Double
        /// The greatest distance to the nearest membrane; nil where there is none.
        public var depthInAngstroms: Double?
        /// The surface of the ball of the same volume, in its own; nil where an edge cuts it.
        public var sphericity: Double?

        public init(
            state: State, level: Int, gapInAngstroms: Double, openPart: Double, depthInAngstroms: Double?, sphericity: Double?
        ) {
            self.state = state
            self.level = level
            self.gapInAngstroms = gapInAngstroms
            self.openPart = openPart
            self.depthInAngstroms = depthInAngstroms
            self.sphericity = sphericity
        }

        fileprivate var isValid: Bool {
            level >= 0 && gapInAngstroms >= 0 && gapInAngstroms.isFinite && (0...1).contains(openPart)
                && (0..<Double.infinity).contains(depthInAngstroms ?? 0) && sphericity ?? 1 > 0 && (sphericity ?? 1).isFinite
        }
    }

    /// The value of its voxels in the label volume that the step gave, from 1; unique within a result.
    public var number: Int
    /// Such as `membrane` or `macromolecule`.
    public var `class`: String
    /// x, y, z in Å from the centre of the first voxel.
    public var centroidInAngstroms: SIMD3<Double>
    /// Of a particle; nil for objects that are not taken as balls.
    public var radiusInAngstroms: Double?
    public var voxels: Int
    public var volumeInCubicNanometers: Double
    /// nil where the step does not measure it, as the next three.
    public var surfaceInSquareNanometers: Double?
    /// The longest axis over the middle axis of the ellipsoid with the same second moments: 1 or more.
    public var elongation: Double?
    /// The mean of the tomogram's values over its voxels, as they are in the file.
    public var meanDensity: Double?
    /// From the centroid to the nearest voxel of membrane.
    public var membraneDistanceInAngstroms: Double?
    /// 0 to 1; nil where the step gives none.
    public var confidence: Double?
    /// The standard deviation of its class's probability over networks and copies, 0 to ½: of a particle in its centre, of a piece the mean over
    /// its voxels; nil where there is one opinion only.
    public var uncertainty: Double?
    /// The box around it, to the outer faces of its voxels: x, y, z in Å.
    public var boxMinimumInAngstroms: SIMD3<Double>
    public var boxMaximumInAngstroms: SIMD3<Double>
    /// At most one of each class.
    public var neighbours: [Neighbour]
    /// The number of the compartment of its tomogram in which it lies; of a compartment, the one that encloses it.
    public var compartment: Int?
    /// Of a compartment.
    public var enclosure: Enclosure?
    /// Of a piece of membrane, where it was measured.
    public var membrane: Membrane?
    /// Of a particle, where kinds are known.
    public var kind: Kind?

    public init(
        number: Int, class: String, centroidInAngstroms: SIMD3<Double>, radiusInAngstroms: Double? = nil, voxels: Int,
        volumeInCubicNanometers: Double, surfaceInSquareNanometers: Double? = nil, elongation: Double? = nil,
        meanDensity: Double? = nil, membraneDistanceInAngstroms: Double? = nil, confidence: Double? = nil,
        uncertainty: Double? = nil, boxMinimumInAngstroms: SIMD3<Double>, boxMaximumInAngstroms: SIMD3<Double>,
        neighbours: [Neighbour] = [], compartment: Int? = nil, enclosure: Enclosure? = nil, membrane: Membrane? = nil,
        kind: Kind? = nil
    ) {
        self.number = number
        self.class = `class`
        self.centroidInAngstroms = centroidInAngstroms
        self.radiusInAngstroms = radiusInAngstroms
        self.voxels = voxels
        self.volumeInCubicNanometers = volumeInCubicNanometers
        self.surfaceInSquareNanometers = surfaceInSquareNanometers
        self.elongation = elongation
        self.meanDensity = meanDensity
        self.membraneDistanceInAngstroms = membraneDistanceInAngstroms
        self.confidence = confidence
        self.uncertainty = uncertainty
        self.boxMinimumInAngstroms = boxMinimumInAngstroms
        self.boxMaximumInAngstroms = boxMaximumInAngstroms
        self.neighbours = neighbours
        self.compartment = compartment
        self.enclosure = enclosure
        self.membrane = membrane
        self.kind = kind
    }

    /// The diameter of the ball of the same volume.
    public var diameterInNanometers: Double { cbrt(volumeInCubicNanometers * 6 / .pi) }

    /// Whether the catalog can hold it: its numbers are finite and in their ranges.
    public var isValid: Bool {
        let points = [centroidInAngstroms, boxMinimumInAngstroms, boxMaximumInAngstroms].flatMap { [$0.x, $0.y, $0.z] }
        let measures = [
            radiusInAngstroms, surfaceInSquareNanometers, elongation, meanDensity, membraneDistanceInAngstroms, confidence,
        ].compactMap(\.self)
        let isBox = all(boxMinimumInAngstroms .< boxMaximumInAngstroms)
        return number >= 1 && !`class`.isEmpty && voxels >= 1 && (points + measures).allSatisfy(\.isFinite) && isBox
            && volumeInCubicNanometers > 0 && volumeInCubicNanometers.isFinite && radiusInAngstroms ?? 1 > 0
            && surfaceInSquareNanometers ?? 1 > 0 && elongation ?? 1 >= 1 && membraneDistanceInAngstroms ?? 0 >= 0
            && (0...1).contains(confidence ?? 0) && (0...0.5).contains(uncertainty ?? 0) && areNeighboursValid
            && compartment ?? 1 >= 1 && enclosure?.isValid ?? true && membrane?.isValid ?? true
            && kind?.isValid ?? true
    }

    private var areNeighboursValid: Bool {
        Set(neighbours.map(\.class)).count == neighbours.count
            && neighbours.allSatisfy {
                !$0.class.isEmpty && $0.number != number && $0.number >= 1 && $0.distanceInAngstroms >= 0
                    && $0.distanceInAngstroms.isFinite
            }
    }
}

extension Sequence<FoundObject> {
    /// Whether they can be the objects of one result: all are valid, no two have one number, and each neighbour is one of them.
    public var areOneResult: Bool {
        var classes: [Int: String] = [:]
        for object in self {
            guard object.isValid, classes.updateValue(object.class, forKey: object.number) == nil else { return false }
        }
        return allSatisfy { object in object.neighbours.allSatisfy { classes[$0.number] == $0.class } }
    }
}

/// Sums of one measure over the objects of one class in one result: a row of `object_summary`.
///
/// Sums, unlike means, add up over results: means and standard deviations over millions of objects follow from these rows,
/// without reading objects. Squares are summed in float64, so that the deviation of numbers that differ by less than a millionth
/// of their size is lost.
public struct ObjectSummary: Sendable, Hashable {
    public var `class`: String
    /// A column of `v_object`, or `nearest/CLASS` for the distance to the nearest other object of a class, in Å.
    public var measure: String
    /// How many objects have the measure.
    public private(set) var count: Int
    public private(set) var sum: Double
    public private(set) var sumOfSquares: Double
    public private(set) var minimum: Double
    public private(set) var maximum: Double

    /// - Parameter value: the measure of the first object.
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

    /// A summary for each class and measure of which there is any object, ordered by class, then by measure.
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
    /// The numbers that are summed, under their names in `v_object`.
    fileprivate var measures: [(name: String, value: Double)] {
        let own: [(String, Double?)] = [
            ("volume_nm3", volumeInCubicNanometers), ("diameter_nm", diameterInNanometers), ("radius", radiusInAngstroms),
            ("surface_nm2", surfaceInSquareNanometers), ("elongation", elongation), ("density_mean", meanDensity),
            ("membrane_distance", membraneDistanceInAngstroms), ("confidence", confidence), ("uncertainty", uncertainty),
        ]
        return own.compactMap { name, value in value.map { (name, $0) } }
            + neighbours.map { ("nearest/\($0.class)", $0.distanceInAngstroms) }
    }
}
