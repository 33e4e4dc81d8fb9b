public import Basics

/// Links the instances of a slab's slices, one slice after the other, into particles in three dimensions.
///
/// ```swift
/// var linking = try InstanceLinking(diameters)
/// for slice in slices { try linking.append(slice.labels, slice.labels.instanceShapes()) }
/// let particles = linking.finished()
/// for (slice, labels) in … { write(particles.identifiers(labels, slice: slice)) }    // a second pass
/// ```
///
/// 1. **Linking.** An instance goes on with a track of earlier slices that it overlaps, one to one: pairs are taken from the
///    greatest overlap to the smallest, overlap being the pixels in common over the area of the smaller. A track may miss up
///    to ``gap`` slices. Instances that find no track begin one.
/// 2. **Cutting.** Tracks of several particles, one on top of another, are cut at waists, and those that are too long for
///    their width at any least area.
/// 3. **Gating.** A track becomes a particle if it spans enough slices, is neither flat (a membrane that lies in the plane of a
///    slice is round there) nor a rod (a filament along z), and its volume is that of a ball of a fitting diameter.
/// 4. **Joining.** Particles whose centres are closer than halves of a particle can be are pieces of one.
///
/// - Complexity: a pass over the pixels of each slice; memory is two slices of four bytes a pixel, and 150 bytes for each
///   instance.
public struct InstanceLinking: Sendable {
    public let diameters: ParticleDiameters
    public let rules: LinkingRules
    private var tracks: [InstanceTrack] = []
    /// For each slice and label the track, and its section.
    private var placesOfLabels: [[(track: Int32, section: Int32)]] = []
    /// For each pixel the track whose latest section covers it, plus one; those that have missed too many slices still have
    /// pixels, but are passed over.
    private var front: Image<Int32>?

    public init(_ diameters: ParticleDiameters, rules: LinkingRules = .standard) {
        (self.diameters, self.rules) = (diameters, rules)
    }

    /// The number of slices so far.
    public var sliceCount: Int { placesOfLabels.count }

    /// Adds the next slice.
    ///
    /// - Parameters:
    ///   - labels: the instances of the slice, 0 elsewhere.
    ///   - shapes: their shapes, as ``Image/instanceShapes()`` gives them.
    /// - Throws: ``ImageError`` where the size differs from that of the slice before, or the shapes are not those of the labels.
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

    private func place(_ track: Int) -> (track: Int32, section: Int32) {
        (Int32(truncatingIfNeeded: track), Int32(truncatingIfNeeded: tracks[track].sections.count))
    }

    private struct Overlap {
        let track: Int
        let label: Int
        let share: Double
        /// The pixels in common over the area of the larger: decides where one instance lies within two.
        let shareOfLarger: Double
    }

    /// The overlaps that can link, the best first.
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

    private mutating func advanceFront(_ labels: Image<Int32>, _ places: [(track: Int32, section: Int32)]) {
        var next = front ?? labels.map { _ in 0 }
        // Not both at once in memory.
        front = nil
        let slice = placesOfLabels.count - 1
        next.update { index, old in
            let label = labels.values[index]
            if label > 0 { return places[Int(label)].track + 1 }
            // A track that went on in this slice has left its former place.
            guard old > 0 else { return 0 }
            let last = tracks[Int(old) - 1].lastSlice
            return last < slice && slice - last <= rules.gap ? old : 0
        }
        front = next
    }

    /// The particles of the slices so far. More slices may follow, and this be asked for again.
    public func finished() -> LinkedInstances {
        var owners = tracks.map { [Int32](repeating: 0, count: $0.sections.count) }
        var found: [(track: Int, first: Int, part: InstanceTrack)] = []
        var rejections: [LinkingRules.Rejection: Int] = [:]
        for (index, track) in tracks.enumerated() {
            var first = 0
            for part in track.cut(waist: rules.waist, longest: rules.longest) {
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

/// What links instances of slices, and which of the tracks are particles.
public struct LinkingRules: Sendable, Hashable {
    /// Why a track is no particle.
    public enum Rejection: String, Codable, CaseIterable, Hashable, Sendable {
        /// It spans too few slices.
        case tooShort
        /// Its height is small beside its width: a membrane in the plane of the slices.
        case tooFlat
        /// Its height is great beside its width: a filament along z.
        case tooLong
        /// Its volume is too small, or too large.
        case tooSmall, tooLarge
    }

    /// The least overlap that links two instances, as a part of the smaller's area.
    public let overlap: Double
    /// How many slices a track may miss.
    public let gap: Int
    /// The least number of slices, in smallest diameters.
    public let shortest: Double
    /// The least height of a particle, in diameters of its largest section.
    public let flattest: Double
    /// The greatest height of a particle, in diameters of its largest section. The missing wedge stretches along z.
    public let longest: Double
    /// Where the area of sections falls below this part of what it is above and below, particles touch.
    public let waist: Double
    /// The least diameter of a ball of the particle's volume, in smallest diameters, and the greatest, in largest ones.
    public let volumes: ClosedRange<Double>
    /// The least distance of two particles' centres, in diameters of the larger, and of the smallest kind: pieces that are nearer are
    /// one particle.
    public let separation: Double

    /// The greatest height, and the greatest volume's diameter, may be infinite: no limit.
    ///
    /// - Throws: ``ImageError`` where a parameter is out of range.
    public init(
        overlap: Double = 0.3, gap: Int = 2, shortest: Double = 0.4, flattest: Double = 0.5, longest: Double = 2,
        waist: Double = 0.7,
        volumes: ClosedRange<Double> = 0.4...1.3, separation: Double = 0.7
    ) throws(ImageError) {
        for (name, value) in [("overlap", overlap), ("waist", waist)] where !(0...1).contains(value) {
            throw .parameter("the \(name)", value, mustBe: "in 0 … 1")
        }
        guard (0...1000).contains(gap) else { throw .parameter("the gap", gap, mustBe: "in 0 … 1000 slices") }
        for (name, value) in [
            ("least height", shortest), ("least flatness", flattest), ("separation", separation),
            ("least volume's diameter", volumes.lowerBound),
        ] where !(0...1000).contains(value) {
            throw .parameter("the \(name)", value, mustBe: "in 0 … 1000 diameters")
        }
        for (name, value) in [("greatest height", longest), ("greatest volume's diameter", volumes.upperBound)]
        where !(0...1000).contains(value) && value != .infinity {
            throw .parameter("the \(name)", value, mustBe: "in 0 … 1000 diameters, or infinite")
        }
        self.init(unchecked: overlap, gap, shortest, flattest, longest, waist, volumes, separation)
    }

    private init(
        unchecked overlap: Double, _ gap: Int, _ shortest: Double, _ flattest: Double, _ longest: Double, _ waist: Double,
        _ volumes: ClosedRange<Double>, _ separation: Double
    ) {
        (self.overlap, self.gap, self.shortest, self.flattest) = (overlap, gap, shortest, flattest)
        (self.longest, self.waist, self.volumes, self.separation) = (longest, waist, volumes, separation)
    }

    /// What the defaults of the initializer are.
    public static let standard = LinkingRules(unchecked: 0.3, 2, 0.4, 0.5, 2, 0.7, 0.4...1.3, 0.7)

    func rejection(of track: InstanceTrack, _ diameters: ParticleDiameters) -> Rejection? {
        let height = Double(track.slices.count)
        let volume = track.sections.reduce(0) { $0 + $1.shape.area }
        let diameter = LinkedObject.ballDiameter(volume: Double(volume))
        if height < shortest * diameters.smallest { return .tooShort }
        if height < flattest * track.largestDiameter { return .tooFlat }
        if height > longest * track.largestDiameter { return .tooLong }
        if diameter < volumes.lowerBound * diameters.smallest { return .tooSmall }
        if diameter > volumes.upperBound * diameters.largest { return .tooLarge }
        return nil
    }
}
