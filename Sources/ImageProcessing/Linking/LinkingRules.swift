public import Basics

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
