public import Basics
public import Volumes

/// Draws random patches from labelled regions of tomograms.
///
/// With the probability `foregroundShare` a patch is centred on a foreground item, and shifted at random by up to `jitter` voxels
/// along each axis (a patch of one slice is not shifted along z). Otherwise its position in a region is uniform. All foreground
/// items of all regions are equally likely; for the other patches a region's probability is its share of all voxels.
///
/// Along an axis where the region is as long as a patch or longer, patches lie inside the region; otherwise the region lies
/// inside the patch. Voxels of a patch outside the region have the label ``TrainingPatch/ignored``. Their densities are those of
/// the tomogram; beyond its faces the outermost voxels are repeated.
///
/// ```swift
/// let sampler = try PatchSampler(volumes: [volume], regions: [region], shape: shape, foregroundShare: 1, jitter: 14)
/// var random = RandomStream(seed: 7)
/// let patch = try sampler.patch(at: sampler.drawPosition(&random)).oriented(Orientation.slab[random.index(below: 16)])
/// ```
public struct PatchSampler: Sendable {
    /// The position of a patch.
    public struct PatchPosition: Hashable, Sendable {
        /// The index of its region.
        public let region: Int
        /// The patch's first voxel (x, y, z) in the tomogram; it may be negative.
        public let origin: SIMD3<Int>
    }

    public let volumes: [PatchVolume]
    public let regions: [LabelledRegion]
    /// The shape of the patches.
    public let shape: VolumeShape
    /// The probability that a patch is centred on foreground.
    public let foregroundShare: Double
    /// The largest random shift of such a patch along each axis, in voxels.
    public let jitter: Int
    /// The number of slices before and after a patch whose densities belong to it (``NetworkArchitecture/context``).
    public let context: Int
    /// Cumulative sums over the regions of their voxels and of their foreground items.
    private let voxelSums: [Int]
    private let foregroundSums: [Int]

    /// - Throws: ``TrainingError`` if there is no region, a region lies outside its volume, a particle's centre is not finite or
    ///   not in its region, the share is not in 0 … 1, the jitter is not in 0 … 2²⁰, the context not in 0 … 64, or the share is 1 and there is no
    ///   foreground.
    public init(
        volumes: [PatchVolume], regions: [LabelledRegion], shape: VolumeShape, context: Int = 0, foregroundShare: Double,
        jitter: Int = 0
    ) throws(TrainingError) {
        guard !regions.isEmpty else { throw TrainingError("there is nothing to learn from; give at least one labelled region") }
        guard (0...1).contains(foregroundShare), (0...1 << 20).contains(jitter), (0...64).contains(context) else {
            throw TrainingError(
                "patches cannot be drawn with a foreground share of \(foregroundShare), a jitter of \(jitter) voxels and \(context) "
                    + "slices on each side; the share must be 0 … 1, the jitter 0 or more, the slices 0 … 64")
        }
        for (index, region) in regions.enumerated() {
            guard volumes.indices.contains(region.volume), region.box.isInside(volumes[region.volume].shape) else {
                throw TrainingError("labelled region \(index) does not lie in a tomogram; give a box inside of one")
            }
            guard case .particles(let centers) = region.foreground else { continue }
            let box = region.box
            for center in centers {
                // False for NaN as well.
                guard Self.holds(box.x, center.x), Self.holds(box.y, center.y), Self.holds(box.z, center.z) else {
                    throw TrainingError("the particle at \(center) does not lie in labelled region \(index); leave it out")
                }
            }
        }
        self.volumes = volumes
        self.regions = regions
        self.shape = shape
        self.context = context
        self.foregroundShare = foregroundShare
        self.jitter = jitter
        voxelSums = Self.sums(regions.map(\.box.shape.count))
        foregroundSums = Self.sums(regions.map(\.foreground.count))
        guard foregroundShare < 1 || foregroundSums.last ?? 0 > 0 else {
            throw TrainingError(
                "there is no foreground to learn from in \(regions.count) labelled regions; "
                    + "label some, or give a foreground share below 1")
        }
    }

    /// Draws the position of a patch. If no region has foreground, all positions are uniform.
    ///
    /// - Complexity: O(log n) in the numbers of regions and of foreground runs; touches no voxel.
    public func drawPosition(_ random: inout RandomStream) -> PatchPosition {
        let foreground = foregroundSums.last ?? 0
        if random.unit() < foregroundShare, foreground > 0 {
            let (region, item) = Self.find(random.index(below: foreground), in: foregroundSums)
            let half = SIMD3(shape.x / 2, shape.y / 2, shape.z / 2)
            let shift = SIMD3(
                random.integer(in: -jitter...jitter), random.integer(in: -jitter...jitter),
                // A shift along z would move a patch of one slice off its foreground item.
                shape.z > 1 ? random.integer(in: -jitter...jitter) : 0)
            let origin = regions[region].foreground.voxel(item) &- half &+ shift
            let (least, most) = origins(in: regions[region].box)
            return PatchPosition(region: region, origin: origin.clamped(lowerBound: least, upperBound: most))
        }
        let (region, _) = Self.find(random.index(below: voxelSums.last ?? 1), in: voxelSums)
        let (least, most) = origins(in: regions[region].box)
        return PatchPosition(
            region: region,
            origin: SIMD3(
                random.integer(in: least.x...most.x), random.integer(in: least.y...most.y), random.integer(in: least.z...most.z)))
    }

    /// The positions of patches that together show every voxel of every region, each as seldom as possible: for validation, which must see
    /// empty places, too.
    var cover: [PatchPosition] {
        regions.indices.flatMap { region in
            let box = regions[region].box
            func starts(_ range: Range<Int>, _ length: Int) -> [Int] {
                let count = (range.count + length - 1) / length
                // A patch that is longer than the region lies around it.
                guard count > 1 else { return [range.lowerBound - (length - range.count) / 2] }
                return (0..<count).map { range.lowerBound + (range.count - length) * $0 / (count - 1) }
            }
            return starts(box.z, shape.z).flatMap { z in
                starts(box.y, shape.y).flatMap { y in
                    starts(box.x, shape.x).map { PatchPosition(region: region, origin: SIMD3($0, y, z)) }
                }
            }
        }
    }

    /// Reads the densities and labels of a patch, and normalises the densities: (value − mean) / standard deviation.
    ///
    /// - Throws: What the volume's and the region's closures throw; ``TrainingError`` if a closure returns another number of
    ///   values than its box has, or the position does not belong to this sampler.
    /// - Complexity: reads the densities of the patch and its labels once; where it is turned or enlarged, those of the box that holds it.
    public func patch(at position: PatchPosition) throws -> TrainingPatch { try patch(at: position, placed: .upright) }

    /// - Parameter placement: how the patch lies in the tomogram. Voxels beyond the region are ignored.
    func patch(at position: PatchPosition, placed placement: PatchPlacement) throws -> TrainingPatch {
        guard regions.indices.contains(position.region) else {
            throw TrainingError("there is no labelled region \(position.region); give 0 to \(regions.count - 1)")
        }
        let region = regions[position.region]
        func box(context: Int) -> PaddedBox {
            PaddedBox(
                origin: (position.origin.z - context, position.origin.y, position.origin.x),
                size: (shape.z + 2 * context, shape.y, shape.x))
        }
        let (labelled, seen) = (box(context: 0), box(context: context))
        guard labelled.clipped(to: region.box) != nil else {
            throw TrainingError(
                "a patch at \(position.origin) has no voxel in labelled region \(position.region); "
                    + "give a position that this sampler drew")
        }
        let (labels, densities) = (
            try labels(of: region, in: placement.source(of: labelled)),
            try densities(of: volumes[region.volume], in: placement.source(of: seen))
        )
        let isUpright = placement == .upright
        return try TrainingPatch(
            shape: shape, context: context, densities: isUpright ? densities : placement.interpolated(densities, of: seen),
            labels: isUpright ? labels : placement.nearest(labels, of: labelled))
    }

    /// The normalised densities of a box; beyond the volume those of its outermost voxels.
    private func densities(of volume: PatchVolume, in padded: PaddedBox) throws -> [Float] {
        let shape = volume.shape
        // A box beyond the volume shows its outermost voxels.
        func range(_ first: Int, _ count: Int, _ length: Int) -> Range<Int> {
            let first = min(max(first, 0), length - 1)
            return first..<max(first + 1, min(first + count, length))
        }
        let inside =
            padded.clipped(to: shape.box)
            ?? Box(
                z: range(padded.z, padded.depth, shape.z), y: range(padded.y, padded.height, shape.y),
                x: range(padded.x, padded.width, shape.x))
        guard let inside else { throw TrainingError(mistake: .invalid, "a patch lies outside its tomogram") }
        let raw = try volume.read(inside)
        guard raw.count == inside.shape.count else {
            throw TrainingError("\(raw.count) densities of \(inside.shape) voxels were read; return one for each")
        }
        let scale = 1 / volume.deviation
        let normalized = raw.map { ($0 - volume.mean) * scale }
        var densities = [Float](repeating: 0, count: padded.count)
        densities.withUnsafeMutableBufferPointer { padded.replicate(normalized, of: inside, into: $0) }
        return densities
    }

    /// The labels of a box; ``TrainingPatch/ignored`` beyond the region.
    private func labels(of region: LabelledRegion, in padded: PaddedBox) throws -> [UInt8] {
        var labels = [UInt8](repeating: TrainingPatch.ignored, count: padded.count)
        guard let inside = padded.clipped(to: region.box) else { return labels }
        let known = try region.labels(inside)
        guard known.count == inside.shape.count else {
            throw TrainingError("\(known.count) labels of \(inside.shape) voxels were read; return one for each")
        }
        for z in 0..<inside.shape.z {
            for y in 0..<inside.shape.y {
                let from = (z * inside.shape.y + y) * inside.shape.x
                let line = (inside.z.lowerBound + z - padded.z) * padded.height + inside.y.lowerBound + y - padded.y
                let to = line * padded.width + inside.x.lowerBound - padded.x
                labels.replaceSubrange(to..<to + inside.shape.x, with: known[from..<from + inside.shape.x])
            }
        }
        return labels
    }

    /// The first and the last origin (x, y, z) of a patch of a region: the patch lies inside the region or, where it is longer,
    /// around it.
    private func origins(in box: Box) -> (least: SIMD3<Int>, most: SIMD3<Int>) {
        let near = SIMD3(box.x.lowerBound, box.y.lowerBound, box.z.lowerBound)
        let far = SIMD3(box.x.upperBound - shape.x, box.y.upperBound - shape.y, box.z.upperBound - shape.z)
        return (pointwiseMin(near, far), pointwiseMax(near, far))
    }

    /// Whether a coordinate lies in a range of voxels, whose centres are whole numbers.
    private static func holds(_ range: Range<Int>, _ coordinate: Double) -> Bool {
        coordinate >= Double(range.lowerBound) - 0.5 && coordinate <= Double(range.upperBound) - 0.5
    }

    /// Cumulative sums.
    private static func sums(_ counts: [Int]) -> [Int] {
        var sum = 0
        return counts.map { count in
            sum += count
            return sum
        }
    }

    /// The first region whose cumulative sum exceeds the number, and the number's offset in that region.
    private static func find(_ number: Int, in sums: [Int]) -> (region: Int, rest: Int) {
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > number { high = middle } else { low = middle + 1 }
        }
        return (low, number - (low == 0 ? 0 : sums[low - 1]))
    }
}

/// A tomogram from which patches are read.
public struct PatchVolume: Sendable {
    public let shape: VolumeShape
    let mean: Float
    let deviation: Float
    let read: @Sendable (Box) throws -> [Float]

    /// - Parameters:
    ///   - mean: the mean density of all voxels. Patches are normalised with it and with the standard deviation.
    ///   - standardDeviation: the standard deviation of the density of all voxels.
    ///   - read: returns the densities `[z][y][x]` of a box inside the volume, as they are in the file.
    /// - Throws: ``TrainingError`` if the mean or the standard deviation is not finite, or the latter is not positive.
    public init(
        shape: VolumeShape, mean: Double, standardDeviation: Double, read: @escaping @Sendable (Box) throws -> [Float]
    ) throws(TrainingError) {
        guard mean.isFinite, standardDeviation.isFinite, Float(standardDeviation) > 0, Float(mean).isFinite else {
            throw TrainingError(
                "a tomogram of mean \(mean) and standard deviation \(standardDeviation) cannot be normalised; train "
                    + "without it, or copy its file again")
        }
        self.shape = shape
        self.mean = Float(mean)
        self.deviation = Float(standardDeviation)
        self.read = read
    }
}
