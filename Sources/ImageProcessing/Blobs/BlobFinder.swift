import Basics
package import Volumes

/// A particle that was found by its size.
package struct Blob: Hashable, Sendable {
    /// The centre (x, y, z) in voxels; whole numbers are centres of voxels.
    package var center: SIMD3<Double>
    /// Of the size that was looked for, in voxels.
    package var radius: Double
    /// 0 … 1: 1 − t / 2s, where s is the response of the filter and t the threshold. One half is at the threshold, three quarters
    /// at twice that. It is no probability.
    package var confidence: Double

    package init(center: SIMD3<Double>, radius: Double, confidence: Double) {
        (self.center, self.radius, self.confidence) = (center, radius, confidence)
    }
}

/// Finds particles of known sizes in a part of a volume, without labels and without a network ("size filter").
///
/// 1. The negative Laplacian of a Gaussian of σ = R / √3 answers most in the centres of bright balls of radius R. Maxima are at
///    least a part of the diameter apart; Otsu's threshold of their responses separates particles from noise.
/// 2. Each round averages the surroundings of all that was found over all directions (``RadialProfile``), and looks for what is
///    like that. So the filter learns the profile that particles have here, with the fringes of the defocus.
///
/// Several sizes are looked for one by one. Peaks of two sizes of which one lies in the ball of the other are one particle, of
/// the size that answers more. A size of which nothing is left in a round has no particle.
///
/// Particles of more than 32 voxels are looked for in a volume that is binned so far that they have 16 to 32; where the window of slices would
/// not fit into its memory, in one that is binned further, until they have 8.
///
/// What is round and dark is a particle: beads of gold as well as pieces of a membrane that bend. Where no particle is, Otsu's
/// threshold still takes the higher maxima of the noise.
///
/// ```swift
/// let finder = try BlobFinder(shape: shape, diameters: [18.5], rounds: 2)
/// let found = try finder.blobs(in: 100..<130) { z in density(z) }   // bright particles, mean 0, standard deviation 1
/// ```
///
/// Memory is a window of slices of the binned volume, within the bytes that it may have as long as particles keep 8 voxels; and the maxima.
package struct BlobFinder: Sendable {
    /// One size that is looked for.
    fileprivate struct Size: Sendable {
        /// How many voxels are one, along each axis.
        let binning: Int
        /// In binned voxels.
        let radius: Double
        /// Of the binned volume.
        let shape: VolumeShape
        /// Its place among the diameters.
        let number: Int
    }

    /// A maximum, in voxels of the volume.
    private struct Candidate {
        let peak: BlobPeak
        let size: Int
        let radius: Double
        let confidence: Double
    }

    /// What was found, and the threshold of each size.
    package struct Result: Sendable {
        /// Those with the highest confidence first. Their centres lie in the slices that were asked for.
        package let blobs: [Blob]
        /// The threshold of each size in the last round in which it had maxima, in standard deviations of the filter's response;
        /// nil where it had none.
        package let thresholds: [Double?]
    }

    /// The shape of the whole volume.
    package let shape: VolumeShape
    private let sizes: [Size]
    private let rounds: Int
    private let threshold: Double
    private let separation: Double

    /// Responses at or below this are no maxima. That of a ball to the first filter is .92 of its contrast.
    private static let leastResponse: Float = 1e-4
    /// The diameters that can be found, in voxels.
    package static let diameters = 4.0...10_000
    /// The largest diameter in voxels for which the volume is not binned.
    private static let largestUnbinned = 32.0
    /// The least diameter in binned voxels that memory may ask for.
    private static let leastBinned = 8.0
    /// The window on either side of a slice, in radii: that of the Laplacian.
    private static let windowInRadii = 3.5

    /// - Parameters:
    ///   - shape: of the whole volume.
    ///   - diameters: in voxels, 4 to 10 000.
    ///   - rounds: how many times a template is averaged, 0 … 10.
    ///   - threshold: the least response in standard deviations of the filter's response; 0 for Otsu's threshold of the maxima.
    ///   - separation: the least distance of two particles of one size, in diameters, 0.01 to 10.
    ///   - bytes: for the window of slices.
    /// - Throws: ``ImageError`` where a number is out of range.
    package init(
        shape: VolumeShape, diameters: [Double], rounds: Int = 2, threshold: Double = 0, separation: Double = 0.5,
        bytes: Int = 512 << 20
    ) throws(ImageError) {
        for diameter in diameters where !Self.diameters.contains(diameter) {
            throw .parameter("the diameter of a particle", diameter, mustBe: "4 to 10000 voxels")
        }
        guard (0...10).contains(rounds) else { throw .parameter("the number of rounds", rounds, mustBe: "0 to 10") }
        guard threshold >= 0, threshold.isFinite else {
            throw .parameter("the threshold", threshold, mustBe: "a finite number, 0 or more")
        }
        guard (0.01...10).contains(separation) else {
            throw .parameter("the separation", separation, mustBe: "0.01 to 10 diameters")
        }
        (self.shape, self.rounds, self.threshold, self.separation) = (shape, rounds, threshold, separation)
        sizes = diameters.enumerated().compactMap { number, diameter in
            var binning = Int((diameter / Self.largestUnbinned).rounded(.up))
            func window(_ binning: Int) -> Double {
                let slices = 2 * Self.windowInRadii * diameter / 2 / Double(binning) + 1
                return 4 * slices * Double(shape.voxelsPerSlice) / Double(binning * binning)
            }
            while window(binning) > Double(bytes), diameter / Double(binning + 1) >= Self.leastBinned { binning += 1 }
            func parts(_ count: Int) -> Int { (count + binning - 1) / binning }
            // A part of a valid shape is one.
            return VolumeShape(z: parts(shape.z), y: parts(shape.y), x: parts(shape.x)).map {
                Size(binning: binning, radius: diameter / 2 / Double(binning), shape: $0, number: number)
            }
        }
    }

    /// Finds the particles whose centres lie in a range of slices. Slices beyond it are read as far as filters reach, so that an
    /// end of the range is no edge; those of other slices only help to find the template and the threshold.
    ///
    /// - Parameters:
    ///   - z: slices of the volume.
    ///   - densities: slice `z` of the volume, `[y][x]`: particles are bright, the mean is about 0 and the standard deviation
    ///     about 1. It is called 1 + 2 · rounds times for each size and slice, in order of z each time.
    ///   - progress: receives the part that is done, 0 … 1.
    /// - Throws: ``ImageError`` where a slice has another size than the volume; what the closures throw.
    /// - Complexity: for each size, voxel and round five Gaussians.
    package func blobs(
        in z: Range<Int>, densities: (_ z: Int) throws -> Image<Float>, progress: (Double) throws -> Void = { _ in }
    ) throws -> Result {
        let z = z.clamped(to: 0..<shape.z)
        guard !z.isEmpty else { return Result(blobs: [], thresholds: sizes.map { _ in nil }) }
        let steps = Double(sizes.count * (1 + 2 * rounds))
        var done = 0.0
        func advance() throws {
            done += 1
            try progress(done / steps)
        }
        var thresholds = [Double?](repeating: nil, count: sizes.count)
        var candidates: [Candidate] = []
        for size in sizes {
            let kernel = RadialKernel.laplacian(radius: size.radius)
            candidates += try self.candidates(size, kernel, in: z, densities, threshold: &thresholds[size.number])
            try advance()
        }
        for _ in 0..<rounds {
            let found = particles(candidates)
            candidates = []
            for size in sizes {
                let centers = found.filter { $0.size == size.number }.map { size.binned($0.peak.center) }
                let kernel = try kernel(size, around: centers, densities)
                try advance()
                if let kernel {
                    candidates += try self.candidates(size, kernel, in: z, densities, threshold: &thresholds[size.number])
                }
                try advance()
            }
        }
        let blobs = particles(candidates).filter { z.contains(Int($0.peak.center.z.rounded())) }
            .map { Blob(center: $0.peak.center, radius: $0.radius, confidence: $0.confidence) }
        return Result(
            blobs: blobs.enumerated().sorted { ($0.element.confidence, $1.offset) > ($1.element.confidence, $0.offset) }
                .map(\.element),
            thresholds: thresholds)
    }

    /// The maxima of one size above its threshold, in the slices of a range and one radius beyond it.
    private func candidates(
        _ size: Size, _ kernel: RadialKernel, in z: Range<Int>, _ densities: (Int) throws -> Image<Float>,
        threshold: inout Double?
    ) throws -> [Candidate] {
        let distance = separation * 2 * size.radius
        // What lies beyond the range and is near enough to a particle in it to suppress it, and one slice to know maxima from
        // slopes.
        let widest = (sizes.map { $0.radius * Double($0.binning) }.max() ?? 0) / Double(size.binning)
        let margin = Int(max(distance, widest).rounded(.up)) + 2
        let wanted =
            max(0, z.lowerBound / size.binning - margin)..<min(size.shape.z, (z.upperBound - 1) / size.binning + 1 + margin)
        var maxima = BlobMaxima(depth: size.shape.z, least: Self.leastResponse)
        var (count, sum, squares) = (0.0, 0.0, 0.0)
        try RadialFilter(kernel, shape: size.shape).forEachSlice(of: wanted) {
            try size.slice($0, of: shape, densities)
        } _: { slice, response in
            maxima.add(response, z: slice)
            var (ofSlice, squaresOfSlice) = (0.0, 0.0)
            for value in response.values {
                ofSlice += Double(value)
                squaresOfSlice += Double(value) * Double(value)
            }
            count += Double(response.values.count)
            sum += ofSlice
            squares += squaresOfSlice
        }
        let peaks = maxima.peaks.separated(by: distance)
        guard !peaks.isEmpty else { return [] }
        let deviation = max(squares / count - (sum / count) * (sum / count), 0).squareRoot()
        let least = self.threshold > 0 ? Float(self.threshold * deviation) : peaks.otsuThreshold()
        threshold = deviation > 0 ? Double(least) / deviation : nil
        return peaks.filter { $0.response > least }.map { peak in
            Candidate(
                peak: BlobPeak(center: size.unbinned(peak.center, in: shape), response: peak.response),
                size: size.number, radius: size.radius * Double(size.binning),
                confidence: min(max(1 - Double(least) / (2 * Double(peak.response)), 0), 1))
        }
    }

    /// The template of what is around some centres, in binned voxels; nil where there are none.
    private func kernel(
        _ size: Size, around centers: [SIMD3<Double>], _ densities: (Int) throws -> Image<Float>
    ) throws -> RadialKernel? {
        var profile = RadialProfile(around: centers, radius: size.radius)
        for slice in profile.slices.clamped(to: 0..<size.shape.z) {
            profile.add(try size.slice(slice, of: shape, densities), z: slice)
        }
        // White noise of b³ voxels that are one is b^1.5 times smaller.
        let noise = Double(size.binning) * Double(size.binning).squareRoot()
        return centers.isEmpty ? nil : profile.kernel(norm: noise)
    }

    /// The particles among the maxima of all sizes: from the highest response to the lowest, one is left out where it and one
    /// that was kept are of different sizes, and the centre of one lies in the ball of the other.
    private func particles(_ candidates: [Candidate]) -> [Candidate] {
        guard sizes.count > 1, let widest = candidates.map(\.radius).max() else { return candidates }
        var kept: [Candidate] = []
        var places = [CellList](repeating: CellList(distance: widest), count: sizes.count)
        let sorted = candidates.sorted {
            $0.peak == $1.peak ? $0.size < $1.size : $0.peak.comes(before: $1.peak)
        }
        for candidate in sorted {
            let isTaken = places.indices.contains { size in
                size != candidate.size
                    && places[size].near(candidate.peak.center).contains { index in
                        let other = kept[index]
                        let (offset, limit) = (other.peak.center - candidate.peak.center, max(other.radius, candidate.radius))
                        return (offset * offset).sum() < limit * limit
                    }
            }
            guard !isTaken else { continue }
            places[candidate.size].add(kept.count, at: candidate.peak.center)
            kept.append(candidate)
        }
        return kept
    }
}

extension BlobFinder.Size {
    /// A slice of the binned volume: the mean over cubes of voxels, which are smaller at the far ends of the volume.
    ///
    /// - Complexity: one pass over the slices of the volume that it is made of.
    fileprivate func slice(
        _ z: Int, of volume: VolumeShape, _ densities: (Int) throws -> Image<Float>
    ) throws -> Image<Float> {
        guard binning > 1 else { return try densities(z) }
        var sums = [Float](repeating: 0, count: shape.voxelsPerSlice)
        let slices = z * binning..<min((z + 1) * binning, volume.z)
        for slice in slices {
            let image = try densities(slice)
            guard image.height == volume.y, image.width == volume.x else {
                throw ImageError(
                    .invalidSize,
                    "slice \(slice) of \(image.width) × \(image.height) pixels does not fit a volume of \(volume) voxels; "
                        + "give slices of \(volume.x) × \(volume.y)")
            }
            image.values.withUnsafeBufferPointer { values in
                sums.withUnsafeMutableBufferPointer { sums in
                    for y in 0..<volume.y {
                        let (row, target) = (y * volume.x, y / binning * shape.x)
                        for cell in 0..<shape.x {
                            var sum: Float = 0
                            for x in cell * binning..<min((cell + 1) * binning, volume.x) { sum += values[row + x] }
                            sums[target + cell] += sum
                        }
                    }
                }
            }
        }
        for y in 0..<shape.y {
            let rows = min((y + 1) * binning, volume.y) - y * binning
            for x in 0..<shape.x {
                let columns = min((x + 1) * binning, volume.x) - x * binning
                sums[y * shape.x + x] /= Float(slices.count * rows * columns)
            }
        }
        return Image(uncheckedHeight: shape.y, width: shape.x) { _ = $0.initialize(from: sums) }
    }

    /// A place in voxels of the volume, of one in binned voxels; and the other way. The last binned voxel may reach beyond the volume.
    fileprivate func unbinned(_ place: SIMD3<Double>, in volume: VolumeShape) -> SIMD3<Double> {
        (place * Double(binning) + Double(binning - 1) / 2).clamped(
            lowerBound: .zero, upperBound: SIMD3(Double(volume.x - 1), Double(volume.y - 1), Double(volume.z - 1)))
    }

    fileprivate func binned(_ place: SIMD3<Double>) -> SIMD3<Double> {
        (place - Double(binning - 1) / 2) / Double(binning)
    }
}
