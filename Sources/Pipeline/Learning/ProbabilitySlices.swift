import ImageProcessing
import Training
import Volumes

/// What networks say of each voxel of a tomogram, slice by slice in files: for each class its probability, and how far networks, or copies
/// of blocks, differ about it.
struct ProbabilitySlices {
    /// What one network says.
    struct Part {
        /// Slices of bytes, `[value][y][x]`: probabilities of its classes, 255 for 1, and behind them their standard deviations where there are
        /// copies, 255 for one half, which is the largest.
        let file: SliceFile
        /// The place of each class in the file; nil for a class that the network does not know.
        let places: [Int?]
        /// The least score of the particles of each class, by which the network's scores are compared with those of others; empty where
        /// probabilities are averaged as they are.
        var leastScores: [Double] = []
    }

    let shape: VolumeShape
    let classes: [String]
    /// Whether there is more than one opinion.
    let hasSpread: Bool
    let parts: [Part]
    /// Whether the files have deviations.
    let spreadOfParts: Bool

    /// The bytes of a slice in a ``Part``'s file.
    ///
    /// - Parameters:
    ///   - slice: `[y][x][value]`
    ///   - values: the number of values of a voxel.
    ///   - means: how many of them, the first ones, are probabilities.
    static func encoded(_ slice: [Float], values: Int, means: Int) -> [UInt8] {
        let pixels = slice.count / values
        var bytes = [UInt8](repeating: 0, count: slice.count)
        for value in 0..<values {
            let scale: Float = value < means ? 255 : 510
            for pixel in 0..<pixels {
                bytes[value * pixels + pixel] = UInt8(min(max(slice[pixel * values + value] * scale, 0), 255).rounded())
            }
        }
        return bytes
    }

    private func plane(_ part: Part, _ place: Int, _ z: Int) throws -> [UInt8] {
        try part.file.read(z, place * shape.voxelsPerSlice..<(place + 1) * shape.voxelsPerSlice)
    }

    /// The networks that know a class.
    func partCount(knowing index: Int) -> Int { parts.count { $0.places[index] != nil } }

    /// The probability of a class in a slice, `[y][x]`: the mean over the networks that know it, 255 for 1.
    ///
    /// Scores of several networks are made comparable first: divided by twice the least score of each, at most 1, so that one half is what each
    /// network alone would just take. So one that is sure of everything does not outvote one that sees nothing there.
    func mean(of index: Int, slice z: Int) throws -> [UInt8] {
        let isShared = partCount(knowing: index) > 1
        let planes = try parts.compactMap { part -> [UInt8]? in
            guard let place = part.places[index] else { return nil }
            let plane = try plane(part, place, z)
            guard isShared, !part.leastScores.isEmpty, part.leastScores[index] > 0 else { return plane }
            let scale = Float(1 / (2 * part.leastScores[index]))
            return plane.map { UInt8(min(Float($0) * scale, 255).rounded()) }
        }
        guard planes.count > 1, let first = planes.first else { return planes.first ?? [] }
        return first.indices.map { pixel in
            let sum = planes.reduce(0) { $0 + Int($1[pixel]) }
            return UInt8((sum + planes.count / 2) / planes.count)
        }
    }

    /// The standard deviation of the probability of a class over networks and copies, in a slice `[y][x]`: 255 for one half.
    func spread(of index: Int, slice z: Int) throws -> [UInt8] {
        let known = try parts.compactMap { part in
            try part.places[index].map { place in
                (
                    mean: try plane(part, place, z),
                    spread: spreadOfParts
                        ? try plane(part, part.places.compactMap(\.self).count + place, z)
                        : [UInt8](repeating: 0, count: shape.voxelsPerSlice)
                )
            }
        }
        return (0..<shape.voxelsPerSlice).map { pixel in
            let means = known.map { Float($0.mean[pixel]) / 255 }
            let mean = means.reduce(0, +) / Float(max(means.count, 1))
            var variance: Float = 0
            for (one, part) in zip(means, known) {
                let own = Float(part.spread[pixel]) / 510
                variance += own * own + (one - mean) * (one - mean)
            }
            return UInt8(min(510 * (variance / Float(max(known.count, 1))).squareRoot(), 255).rounded())
        }
    }

    /// The label of each pixel of a slice, `[y][x]`: the class whose probability is the largest multiple of its threshold, of those that reach
    /// theirs; 0 where none does.
    func labels(slice z: Int, thresholds: [Double]) throws -> [UInt8] {
        var labels = [UInt8](repeating: 0, count: shape.voxelsPerSlice)
        var best = [Float](repeating: 1, count: shape.voxelsPerSlice)
        for index in classes.indices {
            let scale = 1 / Float(max(thresholds[index], 1e-3) * 255)
            for (pixel, probability) in try mean(of: index, slice: z).enumerated() {
                let multiple = Float(probability) * scale
                if multiple >= best[pixel] { (best[pixel], labels[pixel]) = (multiple, UInt8(index + 1)) }
            }
        }
        return labels
    }
}
