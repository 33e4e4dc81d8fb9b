import ImageProcessing
import Training
import Volumes

/// What networks say of each voxel of a tomogram, or of some of its slices, slice by slice in files: for each class its
/// probability, and how far networks, or copies of blocks, differ about it.
struct ProbabilitySlices {
    /// What one network says, of the tomogram at one magnification.
    struct Part {
        /// The number of the network. What it says at several magnifications is one opinion, their mean.
        let network: Int
        /// Slices of bytes, `[value][y][x]`: probabilities of its classes, 255 for 1, and behind them their standard deviations where there are
        /// copies, 255 for one half, which is the largest.
        let file: SliceFile
        /// The place of each class in the file; nil for a class that the network does not know.
        let places: [Int?]
        /// The number of probabilities in the file. There may be more than these classes have.
        let means: Int

        init(network: Int, file: SliceFile, places: [Int?], means: Int? = nil) {
            (self.network, self.file, self.places) = (network, file, places)
            self.means = means ?? places.compactMap(\.self).count
        }
    }

    /// Of the slices that were asked for; slice 0 is the first of them.
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
                let number = slice[pixel * values + value] * scale
                // A network whose numbers are none says 0.
                bytes[value * pixels + pixel] = number > 0 ? UInt8(min(number, 255).rounded()) : 0
            }
        }
        return bytes
    }

    /// Whether there is more than one opinion of a class.
    func hasSpread(of index: Int) -> Bool { spreadOfParts || parts.count { $0.places[index] != nil } > 1 }

    /// What a part says of a class in some pixels of a slice: probabilities, 255 for 1, and their deviations over copies, 255 for one half.
    private typealias Opinion = (network: Int, means: [UInt8], spreads: [UInt8]?)

    /// What the parts that know a class say of it in a range of the pixels of a slice, those of a network side by side.
    private func opinions(of index: Int, slice z: Int, pixels: Range<Int>, withSpread: Bool) throws -> [Opinion] {
        try parts.compactMap { part in
            guard let place = part.places[index] else { return nil }
            func values(_ place: Int) throws -> [UInt8] {
                let first = place * shape.voxelsPerSlice
                return try part.file.read(z, first + pixels.lowerBound..<first + pixels.upperBound)
            }
            return (part.network, try values(place), withSpread && spreadOfParts ? try values(part.means + place) : nil)
        }
    }

    /// The probability of a class in a slice, `[y][x]`, by each network that knows it: 255 for 1.
    func each(of index: Int, slice z: Int) throws -> [[UInt8]] {
        let opinions = try opinions(of: index, slice: z, pixels: 0..<shape.voxelsPerSlice, withSpread: false)
        return opinions.chunked(by: \.network).map { Self.mean($0.map(\.means)) }
    }

    /// The probability of a class in a slice, `[y][x]`: the mean over the networks that know it, 255 for 1.
    func mean(of index: Int, slice z: Int) throws -> [UInt8] { Self.mean(try each(of: index, slice: z)) }

    private static func mean(_ planes: [[UInt8]]) -> [UInt8] {
        guard planes.count > 1, let first = planes.first else { return planes.first ?? [] }
        return first.indices.map { pixel in
            let sum = planes.reduce(0) { $0 + Int($1[pixel]) }
            return UInt8((sum + planes.count / 2) / planes.count)
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
        let networks = try opinions(of: index, slice: z, pixels: pixels, withSpread: true).chunked(by: \.network)
        // Each network counts alike, at however many magnifications it looks.
        let opinions = networks.flatMap { parts in parts.map { ($0, 1 / Float(networks.count * parts.count)) } }
        return (0..<pixels.count).map { pixel in
            let mean = opinions.reduce(0) { $0 + $1.1 * Float($1.0.means[pixel]) / 255 }
            var variance: Float = 0
            for (opinion, weight) in opinions {
                let (own, distance) = (Float(opinion.spreads?[pixel] ?? 0) / 510, Float(opinion.means[pixel]) / 255 - mean)
                variance += weight * (own * own + distance * distance)
            }
            return variance.squareRoot()
        }
    }

    /// The label of each pixel of a slice, `[y][x]`: the class whose probability is the largest multiple of its threshold, of those that reach
    /// theirs; 0 where none does.
    func labels(slice z: Int, thresholds: [Double]) throws -> [UInt8] {
        try labels(slice: z, thresholds: thresholds, reaching: 1).labels
    }

    /// The class of each pixel of a slice, `[y][x]`, whose probability is the largest multiple of its threshold, of those that
    /// reach a part of theirs, and 0 where none does; and that multiple, or the part.
    func labels(
        slice z: Int, thresholds: [Double], reaching part: Double
    ) throws -> (labels: [UInt8], multiples: [Float]) {
        var labels = [UInt8](repeating: 0, count: shape.voxelsPerSlice)
        var best = [Float](repeating: Float(part), count: shape.voxelsPerSlice)
        for index in classes.indices {
            let scale = 1 / Float(max(thresholds[index], 1e-3) * 255)
            for (pixel, probability) in try mean(of: index, slice: z).enumerated() {
                let multiple = Float(probability) * scale
                if multiple >= best[pixel] { (best[pixel], labels[pixel]) = (multiple, UInt8(index + 1)) }
            }
        }
        return (labels, best)
    }
}

extension Array {
    /// Runs of elements that have the same key.
    fileprivate func chunked(by key: KeyPath<Element, Int>) -> [[Element]] {
        var runs: [[Element]] = []
        for element in self {
            if let last = runs.last?.last, last[keyPath: key] == element[keyPath: key] {
                runs[runs.count - 1].append(element)
            } else {
                runs.append([element])
            }
        }
        return runs
    }
}
