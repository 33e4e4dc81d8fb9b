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

    /// Whether there is more than one opinion of a class.
    func hasSpread(of index: Int) -> Bool { spreadOfParts || parts.count { $0.places[index] != nil } > 1 }

    /// What a network says of a class in some pixels of a slice.
    private struct Opinion {
        let means: [UInt8]
        /// nil where there are no copies.
        let spreads: [UInt8]?
        /// The factor that makes both comparable with those of other networks.
        let scale: Float
    }

    /// What the networks that know a class say of it in a range of the pixels of a slice.
    ///
    /// Scores of several networks are made comparable: divided by twice the least score of each, so that one half is what each network alone
    /// would just take. So one that is sure of everything does not outvote one that sees nothing there.
    private func opinions(of index: Int, slice z: Int, pixels: Range<Int>, withSpread: Bool) throws -> [Opinion] {
        let isShared = parts.count { $0.places[index] != nil } > 1
        return try parts.compactMap { part in
            guard let place = part.places[index] else { return nil }
            func values(_ place: Int) throws -> [UInt8] {
                let first = place * shape.voxelsPerSlice
                return try part.file.read(z, first + pixels.lowerBound..<first + pixels.upperBound)
            }
            let score = part.leastScores.isEmpty ? 0 : part.leastScores[index]
            return Opinion(
                means: try values(place),
                spreads: withSpread && spreadOfParts ? try values(part.places.compactMap(\.self).count + place) : nil,
                scale: isShared && score > 0 ? Float(1 / (2 * score)) : 1)
        }
    }

    /// The probability of a class in a slice, `[y][x]`: the mean over the networks that know it, 255 for 1; of comparable scores, each at most 1,
    /// where the networks have least scores.
    func mean(of index: Int, slice z: Int) throws -> [UInt8] {
        let opinions = try opinions(of: index, slice: z, pixels: 0..<shape.voxelsPerSlice, withSpread: false)
        guard opinions.count > 1 else { return opinions.first?.means ?? [] }
        let factor = 1 / Float(opinions.count)
        return (0..<shape.voxelsPerSlice).map { pixel in
            var sum: Float = 0
            for opinion in opinions { sum += min(Float(opinion.means[pixel]) * opinion.scale, 255) }
            return UInt8((sum * factor).rounded())
        }
    }

    /// The standard deviation of the probability of a class over networks and copies, in a slice `[y][x]`: 255 for one half.
    func spread(of index: Int, slice z: Int) throws -> [UInt8] {
        try spread(of: index, slice: z, pixels: 0..<shape.voxelsPerSlice).map { UInt8(min(510 * $0, 255).rounded()) }
    }

    /// The standard deviation of the probability of a class in the voxel nearest to a place; nil where there is one opinion only.
    ///
    /// - Parameter place: x, y, z in voxels.
    func spread(of index: Int, at place: SIMD3<Double>) throws -> Double? {
        guard hasSpread(of: index) else { return nil }
        func nearest(_ value: Double, _ count: Int) -> Int { Int(min(max(value.rounded(), 0), Double(count - 1))) }
        let pixel = nearest(place.y, shape.y) * shape.x + nearest(place.x, shape.x)
        return try spread(of: index, slice: nearest(place.z, shape.z), pixels: pixel..<pixel + 1).first.map {
            Double(min($0, 0.5))
        }
    }

    private func spread(of index: Int, slice z: Int, pixels: Range<Int>) throws -> [Float] {
        let opinions = try opinions(of: index, slice: z, pixels: pixels, withSpread: true)
        let factor = 1 / Float(max(opinions.count, 1))
        return pixels.indices.map { pixel in
            let pixel = pixel - pixels.lowerBound
            let means = opinions.map { min(Float($0.means[pixel]) * $0.scale / 255, 1) }
            let mean = means.reduce(0, +) * factor
            var variance: Float = 0
            for (opinion, own) in zip(opinions, means) {
                let deviation = Float(opinion.spreads?[pixel] ?? 0) / 510 * opinion.scale
                variance += deviation * deviation + (own - mean) * (own - mean)
            }
            return (variance * factor).squareRoot()
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
