public import Basics
internal import Foundation

/// Brings the descriptors of one tomogram to the scale of its noise, so that those of different tomograms can be compared.
///
/// Each component becomes w c · asinh((x − m) / (c s)), where m is its median over reference rows, s is 1.4826 times the median
/// absolute deviation from m, which is the standard deviation of normal numbers, and c = 4: near m it is (x − m) / s; far from
/// it, where a particle's own variation grows with its signal, it is a logarithm. A deviation below 5 % of the median one of the
/// same part is taken as that: what hardly varies decides nothing. w = 1 / √n for a part of n components: each part weighs the
/// same in a distance, so that the many harmonics, which hold most of the noise, do not drown the shells, which hold most of the
/// signal.
///
/// Reference rows are best those of boxes at random places of the same tomogram: then components count as they stand out of the
/// noise, and a tomogram with many ribosomes is no other than one with few. Rows of the particles themselves serve where there
/// are no others.
///
/// ```swift
/// var learner = DescriptorStandardizer.Learner(descriptor: maker.descriptor)
/// for box in backgrounds { try learner.add(maker.describe(box: box)) }
/// let standardizer = try learner.finish()
/// let row = try standardizer(maker.describe(box: particle))
/// ```
public struct DescriptorStandardizer: Codable, Hashable, Sendable {
    /// m of each component.
    public let centers: [Float]
    /// s of each component, above 0.
    public let scales: [Float]
    /// w of each component.
    public let weights: [Float]

    /// c: where deviations begin to be compressed, in standard deviations.
    public static let compression = 4.0
    /// s of the components of forms, of which m is 0, whatever the rows: about the deviation of a component of random forms.
    static let formScale: Float = 0.25
    /// The fewest reference rows.
    public static let leastRows = 20

    /// w of the components of a part: 1 / √n.
    public static func weight(of part: ParticleDescriptor.Part) -> Float { 1 / Float(part.count).squareRoot() }

    /// The standardised components of a row, all finite. Of noise each part has a length of about 1.
    ///
    /// - Throws: ``MiningError`` where the row has another number of components, or one is NaN or infinite.
    public func callAsFunction(_ row: [Float]) throws(MiningError) -> [Float] {
        guard row.count == centers.count, row.count == scales.count, row.count == weights.count else {
            throw .row(row.count, of: centers.count)
        }
        guard row.allSatisfy(\.isFinite) else { throw .notFinite }
        return row.indices.map { index in
            let deviation = (Double(row[index]) - Double(centers[index])) / Double(scales[index])
            return weights[index] * Float(Self.compression * asinh(deviation / Self.compression))
        }
    }

    /// Learns medians and deviations from reference rows, which come one after the other.
    ///
    /// Up to 4096 rows all count. Of more, 4096 are drawn, each row as likely as another (J. Vitter, *Random sampling with a
    /// reservoir*, 1985); the same rows in the same order give the same result. Memory is 4096 rows.
    public struct Learner: Sendable {
        private let descriptor: ParticleDescriptor
        private var rows: [[Float]] = []
        private var seen = 0
        private var random = RandomStream(seed: 4)
        static let capacity = 4096

        public init(descriptor: ParticleDescriptor) { self.descriptor = descriptor }

        /// Adds a row of components as ``DescriptorMaker`` gives it.
        ///
        /// - Throws: ``MiningError`` where the row has another number of components, or one is NaN or infinite.
        public mutating func add(_ row: [Float]) throws(MiningError) {
            guard row.count == descriptor.count else { throw .row(row.count, of: descriptor.count) }
            guard row.allSatisfy(\.isFinite) else { throw .notFinite }
            seen += 1
            if rows.count < Self.capacity {
                rows.append(row)
            } else {
                let place = random.index(below: seen)
                if place < Self.capacity { rows[place] = row }
            }
        }

        /// - Throws: ``MiningError`` with less than ``leastRows`` rows.
        /// - Complexity: O(n log n) for each component.
        public func finish() throws(MiningError) -> DescriptorStandardizer {
            guard rows.count >= DescriptorStandardizer.leastRows else {
                throw MiningError(
                    .tooFew,
                    "\(rows.count) rows are too few to standardise descriptors; "
                        + "add \(DescriptorStandardizer.leastRows) or more, of particles or of random places")
            }
            var (centers, scales) = ([Float](), [Float]())
            for component in 0..<descriptor.count {
                let center = Self.median(rows.map { $0[component] })
                centers.append(center)
                scales.append(1.4826 * Self.median(rows.map { abs($0[component] - center) }))
            }
            for (part, components) in descriptor.ranges {
                // Forms have a scale of their own: that of noise would turn each tomogram's another way.
                if part == .form {
                    for component in components {
                        (centers[component], scales[component]) = (0, DescriptorStandardizer.formScale)
                    }
                    continue
                }
                let positive = scales[components].filter { $0 > 0 }
                // A part that never varies stays where it is.
                let floor = positive.isEmpty ? 1 : 0.05 * Self.median(positive)
                for component in components { scales[component] = max(scales[component], floor) }
            }
            guard scales.allSatisfy({ $0.isFinite && $0 > 0 }) else { throw .tooLarge }
            let weights = descriptor.ranges.flatMap { part, components in
                [Float](repeating: DescriptorStandardizer.weight(of: part), count: components.count)
            }
            return DescriptorStandardizer(centers: centers, scales: scales, weights: weights)
        }

        private static func median(_ values: [Float]) -> Float { Float(Quantile.median(of: values.map(Double.init)) ?? 0) }
    }
}
