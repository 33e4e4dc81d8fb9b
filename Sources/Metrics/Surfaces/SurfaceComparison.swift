public import Basics
import Dispatch
public import ImageProcessing
public import Volumes

/// Measures how far the surfaces of two masks are from one another, slice after slice.
///
/// ```swift
/// var comparison = try SurfaceComparison(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try comparison.add(prediction: prediction(z), truth: truth(z)) }
/// let distances = try comparison.finish()
/// print(distances.mean, distances.hausdorff(percentile: 95), distances.dice(toleranceInAngstroms: 30))
/// ```
///
/// Distances are exact. In memory are 8 bytes for each element of either surface, and a bit for each voxel and mask.
public struct SurfaceComparison: Sendable {
    /// What a surface is made of, and how its parts count.
    public enum Convention: String, Codable, CaseIterable, Hashable, Sendable {
        /// Neighbourhoods of 2 × 2 × 2 voxels that have both foreground and background, at the corner in their middle, weighted
        /// by the area that marching cubes draw in them. Percentiles are the least distance at which so much of the area is
        /// reached. The convention of google-deepmind/surface-distance.
        case elements
        /// Foreground voxels with background on one of their six sides, at their centres, all of one weight. Percentiles are
        /// interpolated linearly, as NumPy does. The convention of MONAI.
        case voxels
    }

    public let shape: VolumeShape
    public let voxelSize: VoxelSize
    public let convention: Convention
    private let slices: Range<Int>
    private var prediction: SurfaceElements
    private var truth: SurfaceElements
    private var depth = 0
    private var isFinished = false

    /// - Parameter slices: elements outside of these slices are not counted; distances to them are. An element between two
    ///   slices is within where either is.
    /// - Throws: ``MetricsError`` where there are no such slices, or the volume is too large to number its voxels.
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
    /// - Throws: ``MetricsError`` where it has another size, or the volume is full.
    /// - Complexity: a pass over the pixels, 64 at a time, and some 10 ns for each element.
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
    /// - Complexity: a search for each element, on all cores: about a microsecond where surfaces are near each other.
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

    private func direction(from elements: SurfaceElements, to other: SurfaceElements) -> SurfaceDistances.Direction {
        let edges = SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms)
        let areas = convention == .elements ? SurfaceAreas(edges).values : [1]
        let counted = convention == .elements ? slices.lowerBound...slices.upperBound : slices.lowerBound...slices.upperBound - 1
        let extent = elements.extent
        let chunk = 1 << 15
        let count = elements.places.count
        var parts = [[UInt64: SurfaceDistances.Share]](repeating: [:], count: (count + chunk - 1) / chunk)
        other.tree.withSearch { search in
            elements.places.withUnsafeBufferPointer { places in
                parts.withUnsafeMutableBufferPointer { parts in
                    // Each iteration writes its own part.
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
                                // What is near the last element is hardly farther from this one; the rest is for rounding.
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

/// The distances between two surfaces, in Å.
///
/// Where one of them is empty, nothing can be said of distances: they are nil, and the surface Dice is 0. Where both are,
/// that is nil as well.
public struct SurfaceDistances: Sendable {
    /// From each element of the prediction's surface to the nearest of the truth's.
    public let predictionToTruth: Direction
    /// From each element of the truth's surface to the nearest of the prediction's.
    public let truthToPrediction: Direction
    public let convention: SurfaceComparison.Convention

    /// The distances from one surface to the other.
    public struct Direction: Sendable {
        /// The number of elements.
        public let elements: Int
        /// What they weigh together: Å², or their number.
        public let weight: Double
        /// The distances that occur, rising, and what weighs so much and lies so far; empty where there is no other surface.
        private let distances: [Double]
        private let shares: [Share]
        private let convention: SurfaceComparison.Convention

        init(_ shares: [UInt64: Share], _ convention: SurfaceComparison.Convention) {
            // The sums are taken in order of distance, so that they are the same each time.
            let sorted = shares.sorted { $0.key < $1.key }
            elements = sorted.reduce(0) { $0 + $1.value.elements }
            weight = sorted.reduce(0) { $0 + $1.value.weight }
            let finite = sorted.filter { Double(bitPattern: $0.key).isFinite }
            distances = finite.map { Double(bitPattern: $0.key).squareRoot() }
            self.shares = finite.map(\.value)
            self.convention = convention
        }

        /// The mean distance, weighted; nil where either surface is empty.
        public var mean: Double? { distances.isEmpty ? nil : sum / weight }

        var sum: Double { zip(distances, shares).reduce(0) { $0 + $1.0 * $1.1.weight } }

        /// The distance that so many per cent of the surface do not exceed, as the convention has it; nil where either surface
        /// is empty, or the number is no percentage.
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
                let lower = Int(place)
                let (below, above) = (distance(ofElement: lower), distance(ofElement: min(lower + 1, elements - 1)))
                return below + (above - below) * (place - Double(lower))
            }
        }

        private func distance(ofElement index: Int) -> Double {
            var passed = 0
            for (distance, share) in zip(distances, shares) {
                passed += share.elements
                if index < passed { return distance }
            }
            return distances.last ?? 0
        }

        /// The part of the surface that is at most so far from the other; nil where this surface is empty, 0 where the other is.
        public func fraction(within toleranceInAngstroms: Double) -> Double? {
            elements == 0 ? nil : weight(within: toleranceInAngstroms) / weight
        }

        func weight(within tolerance: Double) -> Double {
            zip(distances, shares).reduce(0) { $1.0 <= tolerance ? $0 + $1.1.weight : $0 }
        }
    }

    /// What has one distance.
    struct Share: Sendable {
        var elements = 0
        var weight = 0.0

        mutating func add(_ weight: Double) {
            elements += 1
            self.weight += weight
        }

        static func + (a: Share, b: Share) -> Share { Share(elements: a.elements + b.elements, weight: a.weight + b.weight) }
    }

    /// The average symmetric distance: the mean over the elements of both surfaces; nil where either is empty.
    public var mean: Double? {
        guard predictionToTruth.mean != nil, truthToPrediction.mean != nil else { return nil }
        return (predictionToTruth.sum + truthToPrediction.sum) / (predictionToTruth.weight + truthToPrediction.weight)
    }

    /// The larger of the two directions' percentiles, the Hausdorff distance at 100; nil where either surface is empty.
    public func hausdorff(percentile: Double = 95) -> Double? {
        guard let one = predictionToTruth.percentile(percentile), let other = truthToPrediction.percentile(percentile) else {
            return nil
        }
        return max(one, other)
    }

    /// The surface Dice: the part of both surfaces that is at most so far from the other one; nil where both are empty, 0 where
    /// one is.
    public func dice(toleranceInAngstroms tolerance: Double) -> Double? {
        let whole = predictionToTruth.weight + truthToPrediction.weight
        guard predictionToTruth.elements + truthToPrediction.elements > 0 else { return nil }
        return (predictionToTruth.weight(within: tolerance) + truthToPrediction.weight(within: tolerance)) / whole
    }
}
