import Foundation

/// Something that a step found in a tomogram: a particle, a piece of membrane. A row of `object`, with its rows of
/// `object_neighbour`.
public struct FoundObject: Sendable, Hashable {
    /// The nearest other object of a class, by centroids.
    public struct Neighbour: Sendable, Hashable {
        /// Of the neighbour.
        public var `class`: String
        /// Of the neighbour, among the objects of the same result.
        public var number: Int
        public var distanceInAngstroms: Double

        public init(class: String, number: Int, distanceInAngstroms: Double) {
            self.class = `class`
            self.number = number
            self.distanceInAngstroms = distanceInAngstroms
        }
    }

    /// The value of its voxels in the label volume that the step gave, from 1; unique within a result.
    public var number: Int
    /// What it is: `membrane`, `macromolecule`.
    public var `class`: String
    /// x, y, z in Å.
    public var centroidInAngstroms: SIMD3<Double>
    /// Of a particle; nil for what is no ball.
    public var radiusInAngstroms: Double?
    public var voxels: Int
    public var volumeInCubicNanometers: Double
    /// nil, as the next three, where the step does not measure it.
    public var surfaceInSquareNanometers: Double?
    /// The longest axis of the ellipsoid with the same second moments, in middle ones: from 1.
    public var elongation: Double?
    /// The mean over its voxels, as the tomogram's file has them.
    public var meanDensity: Double?
    /// From the centroid to the nearest voxel of membrane.
    public var membraneDistanceInAngstroms: Double?
    /// 0 to 1; nil where the step gives none.
    public var confidence: Double?
    /// The box that encloses it, to the outer faces of its voxels: x, y, z in Å.
    public var boxMinimumInAngstroms: SIMD3<Double>
    public var boxMaximumInAngstroms: SIMD3<Double>
    /// At most one of each class.
    public var neighbours: [Neighbour]

    public init(
        number: Int, class: String, centroidInAngstroms: SIMD3<Double>, radiusInAngstroms: Double? = nil, voxels: Int,
        volumeInCubicNanometers: Double, surfaceInSquareNanometers: Double? = nil, elongation: Double? = nil,
        meanDensity: Double? = nil, membraneDistanceInAngstroms: Double? = nil, confidence: Double? = nil,
        boxMinimumInAngstroms: SIMD3<Double>, boxMaximumInAngstroms: SIMD3<Double>, neighbours: [Neighbour] = []
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
        self.boxMinimumInAngstroms = boxMinimumInAngstroms
        self.boxMaximumInAngstroms = boxMaximumInAngstroms
        self.neighbours = neighbours
    }

    /// Of a ball of the same volume.
    public var diameterInNanometers: Double { cbrt(volumeInCubicNanometers * 6 / .pi) }

    /// Whether the catalog can hold it: numbers finite and in their ranges.
    public var isValid: Bool {
        let points = [centroidInAngstroms, boxMinimumInAngstroms, boxMaximumInAngstroms].flatMap { [$0.x, $0.y, $0.z] }
        let measures = [
            radiusInAngstroms, surfaceInSquareNanometers, elongation, meanDensity, membraneDistanceInAngstroms, confidence,
        ].compactMap(\.self)
        let isBox = all(boxMinimumInAngstroms .< boxMaximumInAngstroms)
        return number >= 1 && !`class`.isEmpty && voxels >= 1 && (points + measures).allSatisfy(\.isFinite) && isBox
            && volumeInCubicNanometers > 0 && volumeInCubicNanometers.isFinite && radiusInAngstroms ?? 1 > 0
            && surfaceInSquareNanometers ?? 1 > 0 && elongation ?? 1 >= 1 && membraneDistanceInAngstroms ?? 0 >= 0
            && (0...1).contains(confidence ?? 0) && areNeighboursValid
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
    /// Whether they can be the objects of one result: each valid, under a number of its own, and each neighbour one of them.
    public var areOneResult: Bool {
        var classes: [Int: String] = [:]
        for object in self {
            guard object.isValid, classes.updateValue(object.class, forKey: object.number) == nil else { return false }
        }
        return allSatisfy { object in object.neighbours.allSatisfy { classes[$0.number] == $0.class } }
    }
}
