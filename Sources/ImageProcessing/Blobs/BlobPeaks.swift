/// A maximum of a filtered volume.
struct BlobPeak: Hashable, Sendable {
    /// The place (x, y, z) in voxels, refined by a parabola along each axis; whole numbers are centres of voxels.
    var center: SIMD3<Double>
    var response: Float

    /// Whether it comes before another one: the higher response first, of equal ones the smaller z, then y, then x.
    func comes(before other: BlobPeak) -> Bool {
        guard response == other.response else { return response > other.response }
        let (a, b) = (center, other.center)
        return (a.z, a.y, a.x) < (b.z, b.y, b.x)
    }
}

/// The local maxima of a volume that is added slice by slice: voxels that come before their 26 neighbours in order of value, and
/// of place where values are the same, so that two neighbours are never both maxima.
///
/// (`PeakFinder` in `Training` is for probabilities: it averages them over the size of a particle first, and joins plateaus.)
///
/// Memory is three slices, and the maxima.
struct BlobMaxima {
    /// The maxima so far, in order of z, y and x.
    private(set) var peaks: [BlobPeak] = []
    /// The number of slices of the whole volume.
    private let depth: Int
    /// Responses at or below this are no maxima.
    private let least: Float
    /// The last slices that were added, at most three.
    private var slices: [(z: Int, image: Image<Float>)] = []

    init(depth: Int, least: Float) { (self.depth, self.least) = (depth, least) }

    /// Adds the next slice. A maximum is known once both its neighbours were added, unless it lies at an end of the volume; those
    /// in the first and the last slice of a part of the volume are not known, and left out.
    ///
    /// - Complexity: two comparisons for most voxels.
    mutating func add(_ image: Image<Float>, z: Int) {
        slices.append((z, image))
        if slices.count > 3 { slices.removeFirst() }
        if slices.count == 3 { search(below: slices[0].image, slices[1], above: slices[2].image) }
        if slices.count == 2, slices[0].z == 0 { search(below: nil, slices[0], above: image) }
        if z == depth - 1 { search(below: slices.dropLast().last?.image, (z, image), above: nil) }
    }

    private mutating func search(below: Image<Float>?, _ slice: (z: Int, image: Image<Float>), above: Image<Float>?) {
        // Where only the upper half of a volume is a part, its first slice has no lower neighbour.
        if below == nil, slice.z > 0 { return }
        let (height, width) = (slice.image.height, slice.image.width)
        slice.image.values.withUnsafeBufferPointer { values in
            func value(_ image: Image<Float>?, _ y: Int, _ x: Int) -> Float? {
                guard let image, y >= 0, y < height, x >= 0, x < width else { return nil }
                return image.values[y * width + x]
            }
            for y in 0..<height {
                for x in 0..<width {
                    let index = y * width + x
                    let own = values[index]
                    // Most voxels fail here.
                    guard own > least, x == 0 || values[index - 1] < own, x + 1 == width || values[index + 1] <= own else {
                        continue
                    }
                    var isMaximum = true
                    search: for dz in -1...1 {
                        let image = dz < 0 ? below : dz > 0 ? above : slice.image
                        for dy in -1...1 {
                            for dx in -1...1 where (dz, dy, dx) != (0, 0, 0) {
                                guard let other = value(image, y + dy, x + dx) else { continue }
                                if other > own || (other == own && (dz, dy, dx) < (0, 0, 0)) {
                                    isMaximum = false
                                    break search
                                }
                            }
                        }
                    }
                    guard isMaximum else { continue }
                    func offset(_ before: Float?, _ after: Float?) -> Double {
                        guard let before, let after else { return 0 }
                        let curvature = Double(before) - 2 * Double(own) + Double(after)
                        return curvature < 0 ? (Double(before) - Double(after)) / (2 * curvature) : 0
                    }
                    let refined = SIMD3(
                        offset(value(slice.image, y, x - 1), value(slice.image, y, x + 1)),
                        offset(value(slice.image, y - 1, x), value(slice.image, y + 1, x)),
                        offset(value(below, y, x), value(above, y, x)))
                    peaks.append(
                        BlobPeak(center: SIMD3(Double(x), Double(y), Double(slice.z)) + refined, response: own))
                }
            }
        }
    }
}

extension [BlobPeak] {
    /// The peaks that have no higher peak nearer than a distance in voxels, the highest first. From the highest to the lowest, a
    /// peak is left out where one that was kept is that near.
    ///
    /// - Precondition: the distance is positive.
    func separated(by distance: Double) -> [BlobPeak] {
        var kept: [BlobPeak] = []
        var places = CellList(distance: distance)
        for peak in sorted(by: { $0.comes(before: $1) }) {
            let isNear = places.near(peak.center).contains { index in
                let offset = kept[index].center - peak.center
                return (offset * offset).sum() < distance * distance
            }
            guard !isNear else { continue }
            places.add(kept.count, at: peak.center)
            kept.append(peak)
        }
        return kept
    }

    /// Otsu's threshold of the responses; infinite where there is no peak. Where all are the same it lies below them.
    func otsuThreshold() -> Float {
        let responses = map(\.response)
        guard let image = Image(height: 1, width: responses.count, values: responses), let range = image.finiteRange else {
            return .infinity
        }
        return range.lowerBound < range.upperBound ? image.otsuThreshold() : range.lowerBound.nextDown
    }
}
