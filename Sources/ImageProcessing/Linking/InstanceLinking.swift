public import Basics

/// Links the instances of consecutive slices of a slab into particles in three dimensions.
///
/// ```swift
/// var linking = InstanceLinking(diameters)
/// for slice in slices { try linking.append(slice.labels, slice.labels.instanceShapes()) }
/// let particles = linking.finished()
/// for (slice, labels) in … { write(particles.identifiers(labels, slice: slice)) }    // a second pass
/// ```
///
/// 1. **Linking.** An instance continues a track of earlier slices that it overlaps, one to one: pairs are taken from the
///    greatest overlap to the smallest. The overlap is the number of common pixels divided by the area of the smaller
///    instance. A track may miss up to ``LinkingRules/gap`` slices. An instance without a track begins a new one.
/// 2. **Cutting.** A track of several particles on top of each other is cut at its waists. A track that is too long for its
///    width is cut at any minimum of its area.
/// 3. **Gating.** A track becomes a particle if it spans enough slices, if it is neither flat (a membrane in the plane of a
///    slice is round there) nor a rod (a filament along z), and if its volume is that of a ball of a suitable diameter.
/// 4. **Joining.** Particles whose centres are nearer than ``LinkingRules/separation`` allows are pieces of one particle.
///
/// - Complexity: a few passes over the pixels of each slice. Memory is two slices of four bytes for each pixel, and 150 bytes
///   for each instance.
public struct InstanceLinking: Sendable {
    /// The diameters of the particles.
    public let diameters: ParticleDiameters
    /// The parameters of all four steps.
    public let rules: LinkingRules
    private var tracks: [InstanceTrack] = []
    /// For each slice and label its track, and its section of the track.
    private var placesOfLabels: [[(track: Int32, section: Int32)]] = []
    /// For each pixel 1 + the track whose last section covers it, or 0. Tracks that have missed too many slices may still
    /// have pixels; they are ignored.
    private var front: Image<Int32>?

    /// - Parameters:
    ///   - diameters: the diameters of the particles.
    ///   - rules: the parameters of all four steps.
    public init(_ diameters: ParticleDiameters, rules: LinkingRules = .standard) {
        (self.diameters, self.rules) = (diameters, rules)
    }

    /// The number of slices that were appended.
    public var sliceCount: Int { placesOfLabels.count }

    /// Appends the next slice.
    ///
    /// - Parameters:
    ///   - labels: the instances of the slice, `[y][x]`, 0 elsewhere.
    ///   - shapes: the shapes of the instances, from ``Image/instanceShapes()``.
    /// - Throws: ``ImageError`` where the size differs from that of the slice before, or a label is out of range or
    ///   has no shape.
    /// - Complexity: a few passes over the pixels.
    public mutating func append(_ labels: Image<Int32>, _ shapes: [InstanceShape]) throws(ImageError) {
        if let front { try front.requireSize(of: labels) }
        var indices = [Int](repeating: -1, count: try labels.largestLabel() + 1)
        for (index, shape) in shapes.enumerated() where shape.label > 0 && Int(shape.label) < indices.count {
            indices[Int(shape.label)] = index
        }
        guard labels.values.allSatisfy({ $0 == 0 || indices[Int($0)] >= 0 }) else {
            throw ImageError(.invalidParameter, "a label has no shape; hand over the shapes of the same labels")
        }
        let slice = placesOfLabels.count
        var places = [(track: Int32, section: Int32)](repeating: (-1, -1), count: indices.count)
        for overlap in overlaps(of: labels, shapes, indices) {
            guard places[overlap.label].track < 0, tracks[overlap.track].lastSlice < slice else { continue }
            places[overlap.label] = place(overlap.track)
            tracks[overlap.track].append(
                InstanceTrack.Section(slice: slice, shape: shapes[indices[overlap.label]], overlap: overlap.share))
        }
        for (label, index) in indices.enumerated() where index >= 0 && places[label].track < 0 {
            tracks.append(InstanceTrack(InstanceTrack.Section(slice: slice, shape: shapes[index], overlap: nil)))
            places[label] = (Int32(truncatingIfNeeded: tracks.count - 1), 0)
        }
        placesOfLabels.append(places)
        advanceFront(labels, places)
    }

    /// The place of the next section of a track.
    private func place(_ track: Int) -> (track: Int32, section: Int32) {
        (Int32(truncatingIfNeeded: track), Int32(truncatingIfNeeded: tracks[track].sections.count))
    }

    private struct Overlap {
        let track: Int
        let label: Int
        /// The common pixels divided by the area of the smaller instance.
        let share: Double
        /// The common pixels divided by the area of the larger instance. It decides where a small instance lies within two
        /// others.
        let shareOfLarger: Double
    }

    /// The overlaps of at least ``LinkingRules/overlap``, the greatest first.
    private func overlaps(of labels: Image<Int32>, _ shapes: [InstanceShape], _ indices: [Int]) -> [Overlap] {
        guard let front else { return [] }
        var counts: [UInt64: Int] = [:]
        var (key, length): (UInt64, Int) = (0, 0)
        for (track, label) in zip(front.values, labels.values) where track > 0 && label > 0 {
            let next = UInt64(UInt32(bitPattern: track)) &<< 32 | UInt64(UInt32(bitPattern: label))
            if next != key {
                if length > 0 { counts[key, default: 0] += length }
                (key, length) = (next, 0)
            }
            length += 1
        }
        if length > 0 { counts[key, default: 0] += length }
        let slice = placesOfLabels.count
        return counts.compactMap { key, common in
            let (track, label) = (Int(key >> 32) - 1, Int(key & 0xFFFF_FFFF))
            guard slice - tracks[track].lastSlice <= rules.gap + 1, let last = tracks[track].sections.last else { return nil }
            let areas = (last.shape.area, shapes[indices[label]].area)
            let share = Double(common) / Double(max(1, min(areas.0, areas.1)))
            guard share >= rules.overlap else { return nil }
            return Overlap(
                track: track, label: label, share: min(1, share), shareOfLarger: Double(common) / Double(max(1, areas.0, areas.1))
            )
        }
        .sorted {
            ($0.share, $0.shareOfLarger, -$0.track, -$0.label) > ($1.share, $1.shareOfLarger, -$1.track, -$1.label)
        }
    }

    /// Updates ``front`` with the slice that was appended last.
    private mutating func advanceFront(_ labels: Image<Int32>, _ places: [(track: Int32, section: Int32)]) {
        var next = front ?? labels.map { _ in 0 }
        // Releases the old front, so that `next` is changed in place and not copied.
        front = nil
        let slice = placesOfLabels.count - 1
        next.update { index, old in
            let label = labels.values[index]
            if label > 0 { return places[Int(label)].track + 1 }
            // A track that continued in this slice loses the pixels of its earlier section.
            guard old > 0 else { return 0 }
            let last = tracks[Int(old) - 1].lastSlice
            return last < slice && slice - last <= rules.gap ? old : 0
        }
        front = next
    }

    /// The particles of the slices that were appended. More slices may be appended afterwards.
    public func finished() -> LinkedInstances {
        var owners = tracks.map { [Int32](repeating: 0, count: $0.sections.count) }
        var found: [(track: Int, first: Int, part: InstanceTrack)] = []
        var rejections: [LinkingRules.Rejection: Int] = [:]
        for (index, track) in tracks.enumerated() {
            var first = 0
            for part in track.cut(waist: rules.waist, greatestHeight: rules.greatestHeight) {
                if let rejection = rules.rejection(of: part, diameters) {
                    rejections[rejection, default: 0] += 1
                } else {
                    found.append((index, first, part))
                }
                first += part.sections.count
            }
        }
        let groups = ParticleGroups(
            found.map(\.part), least: rules.separation * diameters.smallest, separation: rules.separation)
        for (place, group) in zip(found, groups.groupOfPart) {
            for section in place.part.sections.indices {
                owners[place.track][place.first + section] = Int32(truncatingIfNeeded: group + 1)
            }
        }
        let tables = placesOfLabels.map { labels in
            labels.map { $0.track < 0 ? 0 : owners[Int($0.track)][Int($0.section)] }
        }
        let objects = groups.members.enumerated().map { index, members in
            LinkedObject(
                identifier: Int32(truncatingIfNeeded: index + 1), of: members.map { found[$0].part }, sliceCount: sliceCount)
        }
        return LinkedInstances(objects: objects, rejections: rejections, tables: tables)
    }
}

/// The parameters that link instances of slices, and that decide which tracks are particles.
public struct LinkingRules: Sendable, Hashable {
    /// The reason why a track is not a particle.
    public enum Rejection: String, Codable, CaseIterable, Hashable, Sendable {
        /// The track spans too few slices.
        case tooShort
        /// Its height is small in comparison with its width: a membrane in the plane of the slices.
        case tooFlat
        /// Its height is large in comparison with its width: a filament along z.
        case tooLong
        /// Its volume is too small, or too large.
        case tooSmall, tooLarge
    }

    /// The least overlap that links two instances, as a fraction of the area of the smaller one.
    public let overlap: Double
    /// The number of consecutive slices that a track may miss.
    public let gap: Int
    /// The least height of a particle in slices, as a multiple of the smallest diameter.
    public let leastHeight: Double
    /// The least height of a particle, as a multiple of the diameter of its largest section.
    public let leastFlatness: Double
    /// The greatest height of a particle, as a multiple of the diameter of its largest section. It allows for the elongation
    /// along z by the missing wedge.
    public let greatestHeight: Double
    /// A track is cut where the area of its sections falls below this fraction of the largest areas above and below.
    public let waist: Double
    /// The allowed diameters of the ball with the particle's volume: the lower bound as a multiple of the smallest diameter,
    /// the upper bound as a multiple of the largest.
    public let volumes: ClosedRange<Double>
    /// The least distance of the centres of two particles, as a multiple of the diameter of the larger one and of the smallest
    /// diameter. Nearer pieces are one particle.
    public let separation: Double

    /// `greatestHeight` and the upper bound of `volumes` may be infinite, for no limit.
    ///
    /// - Throws: ``ImageError`` unless overlap and waist are in 0 … 1, the gap in 0 … 1000 slices, and the others in 0 … 1000.
    public init(
        overlap: Double = 0.3, gap: Int = 2, leastHeight: Double = 0.4, leastFlatness: Double = 0.5, greatestHeight: Double = 2,
        waist: Double = 0.7,
        volumes: ClosedRange<Double> = 0.4...1.3, separation: Double = 0.7
    ) throws(ImageError) {
        for (name, value) in [("overlap", overlap), ("waist", waist)] where !(0...1).contains(value) {
            throw .parameter("the \(name)", value, mustBe: "in 0 … 1")
        }
        guard (0...1000).contains(gap) else { throw .parameter("the gap", gap, mustBe: "in 0 … 1000 slices") }
        for (name, value) in [
            ("least height", leastHeight), ("least flatness", leastFlatness), ("separation", separation),
            ("least volume's diameter", volumes.lowerBound),
        ] where !(0...1000).contains(value) {
            throw .parameter("the \(name)", value, mustBe: "in 0 … 1000 diameters")
        }
        for (name, value) in [("greatest height", greatestHeight), ("greatest volume's diameter", volumes.upperBound)]
        where !(0...1000).contains(value) && value != .infinity {
            throw .parameter("the \(name)", value, mustBe: "in 0 … 1000 diameters, or infinite")
        }
        self.init(unchecked: overlap, gap, leastHeight, leastFlatness, greatestHeight, waist, volumes, separation)
    }

    private init(
        unchecked overlap: Double, _ gap: Int, _ leastHeight: Double, _ leastFlatness: Double, _ greatestHeight: Double,
        _ waist: Double,
        _ volumes: ClosedRange<Double>, _ separation: Double
    ) {
        (self.overlap, self.gap, self.leastHeight, self.leastFlatness) = (overlap, gap, leastHeight, leastFlatness)
        (self.greatestHeight, self.waist, self.volumes, self.separation) = (greatestHeight, waist, volumes, separation)
    }

    /// The rules with the default values of the initializer.
    public static let standard = LinkingRules(unchecked: 0.3, 2, 0.4, 0.5, 2, 0.7, 0.4...1.3, 0.7)

    /// The first reason, in the order of ``Rejection``, why a track is not a particle; nil for a particle.
    fileprivate func rejection(of track: InstanceTrack, _ diameters: ParticleDiameters) -> Rejection? {
        let height = Double(track.slices.count)
        let volume = track.sections.reduce(0) { $0 + $1.shape.area }
        let diameter = LinkedObject.ballDiameter(volume: Double(volume))
        if height < leastHeight * diameters.smallest { return .tooShort }
        if height < leastFlatness * track.largestDiameter { return .tooFlat }
        if height > greatestHeight * track.largestDiameter { return .tooLong }
        if diameter < volumes.lowerBound * diameters.smallest { return .tooSmall }
        if diameter > volumes.upperBound * diameters.largest { return .tooLarge }
        return nil
    }
}
