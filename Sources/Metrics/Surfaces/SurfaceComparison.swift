public import Basics
import Dispatch
public import ImageProcessing
public import Volumes

/// Measures the distances between the surfaces of two masks, a prediction and the truth. Masks are added slice by slice.
///
/// ```swift
/// var comparison = try SurfaceComparison(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try comparison.add(prediction: prediction(z), truth: truth(z)) }
/// let distances = try comparison.finish()
/// print(distances.mean, distances.hausdorff(percentile: 95), distances.dice(toleranceInAngstroms: 30))
/// ```
///
/// Distances are exact. Memory is 8 bytes for each element of either surface, and a bit for each voxel and mask.
public struct SurfaceComparison: Sendable {
    /// The definition of the elements of a surface and of their weights.
    public enum Convention: String, Codable, CaseIterable, Hashable, Sendable {
        /// An element is a neighbourhood of 2 × 2 × 2 voxels with both foreground and background. It lies at the corner in its
        /// middle, and its weight is the area of the marching-cubes surface in it. A percentile is the least distance within
        /// which that part of the area lies. The convention of google-deepmind/surface-distance.
        case elements
        /// An element is a foreground voxel of which one of the six neighbours is background. It lies at the voxel's centre, and
        /// all weights are 1. Percentiles are interpolated linearly, as in NumPy. The convention of MONAI.
        case voxels
    }

    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The size of a voxel along z, y and x.
    public let voxelSize: VoxelSize
    /// The definition of the elements of a surface.
    public let convention: Convention
    /// The slices whose elements are counted.
    private let slices: Range<Int>
    private var prediction: SurfaceElements
    private var truth: SurfaceElements
    private var depth = 0
    private var isFinished = false

    /// - Parameters:
    ///   - shape: the shape of the volume.
    ///   - voxelSize: the voxel size.
    ///   - convention: the definition of the elements of a surface.
    ///   - slices: the slices whose elements are counted; all by default. Elements outside of them still are targets of
    ///     distances. An element between two slices is counted if one of them is in the range.
    /// - Throws: ``MetricsError`` where the range of slices is empty or not in the volume, or the volume is too large to number
    ///   its elements.
    public init(
        shape: VolumeShape, voxelSize: VoxelSize, convention: Convention = .elements, slices: Range<Int>? = nil
    ) throws(MetricsError) {
        let slices = slices ?? 0..<shape.z
        guard slices.lowerBound >= 0, slices.upperBound <= shape.z, !slices.isEmpty else {
            throw .parameter("the range of slices", "\(slices)", mustBe: "a part of 0..<\(shape.z) that is not empty")
        }
        self.shape = shape
        self.voxelSize = voxelSize
        self.convention = convention
        self.slices = slices
        prediction = try SurfaceElements(shape: shape, voxelSize: voxelSize, convention)
        truth = prediction
    }

    /// Adds the next slice.
    ///
    /// - Throws: ``MetricsError`` where a mask has another size, or the volume is full.
    /// - Complexity: one pass over the pixels, 64 at a time, and about 10 ns for each element.
    public mutating func add(prediction: Mask, truth: Mask) throws(MetricsError) {
        try prediction.requireSlice(depth, of: shape)
        try truth.requireSlice(depth, of: shape)
        self.prediction.add(PackedSlice(prediction), z: depth)
        self.truth.add(PackedSlice(truth), z: depth)
        depth += 1
    }

    /// Ends the volume and measures the distances.
    ///
    /// - Throws: ``MetricsError`` where slices are missing.
    /// - Complexity: one search for each element, on all cores: about a microsecond where surfaces are near each other.
    public mutating func finish() throws(MetricsError) -> SurfaceDistances {
        guard depth == shape.z else { throw .missingSlices(depth, of: shape) }
        if !isFinished {
            prediction.finish(depth: depth)
            truth.finish(depth: depth)
            isFinished = true
        }
        return SurfaceDistances(
            predictionToTruth: direction(from: prediction, to: truth), truthToPrediction: direction(from: truth, to: prediction),
            convention: convention)
    }

    /// The distances from the elements of one surface to the other surface.
    private func direction(from elements: SurfaceElements, to other: SurfaceElements) -> SurfaceDistances.Direction {
        let edges = voxelSize.vectorInAngstroms
        let areas = convention == .elements ? MarchingCubesAreas(edges).values : [1]
        let counted = convention == .elements ? slices.lowerBound...slices.upperBound : slices.lowerBound...slices.upperBound - 1
        let extent = elements.extent
        let chunk = 1 << 15
        let count = elements.places.count
        var parts = [[UInt64: SurfaceDistances.Share]](repeating: [:], count: (count + chunk - 1) / chunk)
        other.tree.withSearch { search in
            elements.places.withUnsafeBufferPointer { places in
                parts.withUnsafeMutableBufferPointer { parts in
                    // Safe, because each iteration writes its own part.
                    nonisolated(unsafe) let (parts, places) = (parts, places)
                    DispatchQueue.concurrentPerform(iterations: parts.count) { index in
                        var shares: [UInt64: SurfaceDistances.Share] = [:]
                        var last = (place: SIMD3<Double>.zero, distance: Double.infinity)
                        for place in places[index * chunk..<min((index + 1) * chunk, count)] {
                            let number = Int(place & (1 &<< SurfaceElements.codeShift - 1))
                            let (row, x) = number.quotientAndRemainder(dividingBy: extent.x)
                            let (z, y) = row.quotientAndRemainder(dividingBy: extent.y)
                            guard counted.contains(z) else { continue }
                            let here = SIMD3(Double(x), Double(y), Double(z))
                            var squared = Double.infinity
                            if !other.tree.isEmpty {
                                // The triangle inequality bounds the distance by that of the last element plus the step
                                // from it; the small terms allow for rounding.
                                let step = (here - last.place) * edges
                                let bound = (last.distance + (step * step).sum().squareRoot()) * (1 + 1e-9) + 1e-9
                                squared = search.squaredDistance(from: here, below: bound * bound)
                            }
                            last = (here, squared.squareRoot())
                            shares[squared.bitPattern, default: SurfaceDistances.Share()]
                                .add(areas[Int(place &>> SurfaceElements.codeShift)])
                        }
                        parts[index] = shares
                    }
                }
            }
        }
        var shares: [UInt64: SurfaceDistances.Share] = [:]
        for part in parts { shares.merge(part) { $0 + $1 } }
        return SurfaceDistances.Direction(shares, convention)
    }
}

/// The distances between two surfaces, in Å: the result of ``SurfaceComparison``.
///
/// Where one surface is empty, distances are nil and the surface Dice is 0. Where both are empty, the surface Dice is nil, too.
public struct SurfaceDistances: Sendable {
    /// The distances from each element of the prediction's surface to the nearest element of the truth's surface.
    public let predictionToTruth: Direction
    /// The distances from each element of the truth's surface to the nearest element of the prediction's surface.
    public let truthToPrediction: Direction
    /// The definition of the elements.
    public let convention: SurfaceComparison.Convention

    /// The distances from one surface to the other.
    public struct Direction: Sendable {
        /// The number of elements of the first surface.
        public let elements: Int
        /// The sum of their weights: Å² for `elements`, their number for `voxels`.
        public let weight: Double
        /// The distances that occur, ascending; empty where the other surface is empty.
        private let distances: [Double]
        /// The elements at each distance.
        private let shares: [Share]
        private let convention: SurfaceComparison.Convention

        /// - Parameter shares: the elements at each squared distance in Å², whose bit pattern is the key.
        fileprivate init(_ shares: [UInt64: Share], _ convention: SurfaceComparison.Convention) {
            // Sums are taken in order of distance, which is that of the bit patterns, so that they are reproducible.
            let sorted = shares.sorted { $0.key < $1.key }
            elements = sorted.reduce(0) { $0 + $1.value.elements }
            weight = sorted.reduce(0) { $0 + $1.value.weight }
            let finite = sorted.filter { Double(bitPattern: $0.key).isFinite }
            distances = finite.map { Double(bitPattern: $0.key).squareRoot() }
            self.shares = finite.map(\.value)
            self.convention = convention
        }

        /// The weighted mean distance in Å; nil where either surface is empty.
        public var mean: Double? { distances.isEmpty ? nil : sum / weight }

        /// Σ weight · distance.
        fileprivate var sum: Double { zip(distances, shares).reduce(0) { $0 + $1.0 * $1.1.weight } }

        /// A percentile of the distances in Å, as the convention defines it; nil where either surface is empty, or `percent` is
        /// not in 0 … 100.
        public func percentile(_ percent: Double) -> Double? {
            guard (0...100).contains(percent), !distances.isEmpty else { return nil }
            switch convention {
            case .elements:
                var reached = 0.0
                for (distance, share) in zip(distances, shares) {
                    reached += share.weight
                    if reached / weight >= percent / 100 { return distance }
                }
                return distances.last
            case .voxels:
                let place = Double(elements - 1) * percent / 100
                return Quantile.value(atRank: place, count: elements, distance(ofElement:))
            }
        }

        /// The distance of the element with this index, in ascending order of distance.
        private func distance(ofElement index: Int) -> Double {
            var passed = 0
            for (distance, share) in zip(distances, shares) {
                passed += share.elements
                if index < passed { return distance }
            }
            return distances.last ?? 0
        }

        /// The fraction of the surface, by weight, within `toleranceInAngstroms` of the other one; nil where this surface is
        /// empty, 0 where only the other one is.
        public func fraction(within toleranceInAngstroms: Double) -> Double? {
            elements == 0 ? nil : weight(within: toleranceInAngstroms) / weight
        }

        /// The weight of the elements within `tolerance` (Å) of the other surface.
        fileprivate func weight(within tolerance: Double) -> Double {
            zip(distances, shares).reduce(0) { $1.0 <= tolerance ? $0 + $1.1.weight : $0 }
        }
    }

    /// The elements at one distance.
    fileprivate struct Share: Sendable {
        /// Their number.
        var elements = 0
        /// The sum of their weights.
        var weight = 0.0

        /// Adds an element.
        mutating func add(_ weight: Double) {
            elements += 1
            self.weight += weight
        }

        static func + (a: Share, b: Share) -> Share { Share(elements: a.elements + b.elements, weight: a.weight + b.weight) }
    }

    /// The average symmetric surface distance in Å: the weighted mean over the elements of both surfaces; nil where either is
    /// empty.
    public var mean: Double? {
        guard predictionToTruth.mean != nil, truthToPrediction.mean != nil else { return nil }
        return (predictionToTruth.sum + truthToPrediction.sum) / (predictionToTruth.weight + truthToPrediction.weight)
    }

    /// The Hausdorff distance in Å at a percentile: the larger of the percentiles of both directions. 100 gives the Hausdorff
    /// distance itself. nil where either surface is empty, or the percentile is not in 0 … 100.
    public func hausdorff(percentile: Double = 95) -> Double? {
        guard let one = predictionToTruth.percentile(percentile), let other = truthToPrediction.percentile(percentile) else {
            return nil
        }
        return max(one, other)
    }

    /// The surface Dice: the fraction of both surfaces, by weight, that lies within the tolerance of the other one; nil where
    /// both are empty, 0 where one is.
    public func dice(toleranceInAngstroms tolerance: Double) -> Double? {
        let whole = predictionToTruth.weight + truthToPrediction.weight
        guard predictionToTruth.elements + truthToPrediction.elements > 0 else { return nil }
        return (predictionToTruth.weight(within: tolerance) + truthToPrediction.weight(within: tolerance)) / whole
    }
}
