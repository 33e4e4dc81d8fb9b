public import Basics

/// What a descriptor of a particle consists of: its parts, the names of its components, and the version of their meaning.
///
/// Densities here are those of the box less the mean around the particle, so that an offset of the density has no effect. All
/// components that are computed from them, but those of ``Part/form``, grow in proportion to the density: a factor is a factor, and
/// ``DescriptorStandardizer`` removes it.
public struct ParticleDescriptor: Hashable, Sendable {
    /// A group of components that a recipe can choose.
    public enum Part: String, CaseIterable, Codable, Hashable, Sendable {
        /// The mean density in eight spherical shells, in real space. It holds size and contrast; it is linear in the density, so
        /// that noise averages out best. The wedge is not corrected: of a shell's mean, it changes little.
        case shells
        /// For eight frequencies the mean of the Fourier transform over the directions, in which the particle's middle is the
        /// origin, and its root mean square, which does not depend on the origin. From directions that are measured.
        case spectrum
        /// For degrees 1 to 4 of spherical harmonics: the amplitude of the Fourier transform in eight frequencies, and the
        /// agreement between each two neighbouring frequencies with its sign, which noise leaves at 0 on average. From directions
        /// that are measured.
        case harmonics
        /// Mean, standard deviation and third moment of the density, and the extent along three axes. Not corrected for the
        /// wedge.
        case moments
        /// The shells divided by their length (root of the sum of squares): the same at any contrast. Alone it told full balls
        /// from hollow ones where contrast and size vary more than that (second_simulator.py); beside the other parts it does
        /// harm, as noise has a form too.
        case form
        /// What a network that segments or picks makes of the particle's surroundings: its map of the last level but one on the way down, averaged
        /// over the particle's middle and over mirrored copies, and projected (``FeatureProjection``). ``DescriptorMaker`` does not make it.
        case network
        /// The same of a block of a diffusion model (DIFT), over sections of the particle.
        case diffusion

        /// Those that are computed from the densities of a box alone, by ``DescriptorMaker``.
        public static let ofDensities = allCases.filter { !$0.isLearned }

        /// Whether a network makes the part. Such parts come last.
        public var isLearned: Bool { self == .network || self == .diffusion }

        /// The number of components.
        public var count: Int {
            switch self {
            case .shells: ParticleDescriptor.shells
            case .spectrum: 2 * ParticleDescriptor.bands
            case .harmonics: ParticleDescriptor.degrees.count * (2 * ParticleDescriptor.bands - 1)
            case .moments: 6
            case .form: ParticleDescriptor.shells
            case .network, .diffusion: ParticleDescriptor.learnedCount
            }
        }
    }

    /// The components' meaning: descriptors of different versions must not be compared.
    public static let version = 1

    /// The number of shells in real space; they are 3/20 of the radius apart.
    static let shells = 8
    /// The number of bands of frequencies. Band b, from 1, is about the frequency 2 b / (5 R).
    static let bands = 8
    /// The degrees of harmonics beside 0.
    static let degrees = 1...4

    /// The numbers to which the features of a network are projected.
    public static let learnedCount = 16

    /// In the order of their components; each once.
    public let parts: [Part]

    /// - Parameter parts: in any order; what stands there twice is taken once. They are put into the order of ``Part/allCases``.
    /// - Throws: ``MiningError`` without parts.
    public init(_ parts: [Part] = [.shells, .spectrum, .harmonics]) throws(MiningError) {
        self.parts = Part.allCases.filter(parts.contains)
        guard !parts.isEmpty else {
            throw MiningError(
                .invalidParameter,
                "a descriptor has no parts; choose of \(Part.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    /// The descriptor of the parts that a text names, with commas between them.
    ///
    /// - Throws: ``MiningError`` where one is unknown, or there is none.
    public init(parsing text: String) throws(MiningError) {
        var parts: [Part] = []
        for word in text.split(separator: ",").map({ $0.filter { !$0.isWhitespace } }) where !word.isEmpty {
            guard let part = Part(rawValue: word) else {
                throw .parameter(
                    "a part of a descriptor", "\"\(word)\"",
                    mustBe: "one of \(Part.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            parts.append(part)
        }
        try self.init(parts)
    }

    /// The number of components.
    public var count: Int { parts.reduce(0) { $0 + $1.count } }

    /// Where the components of each part are, in the order of the parts.
    public var ranges: [(part: Part, components: Range<Int>)] {
        var first = 0
        return parts.map { part in
            defer { first += part.count }
            return (part, first..<first + part.count)
        }
    }

    /// A name for each component, for readers: "mean density at 17 Å", "degree 2 at 1/58 Å".
    ///
    /// - Parameter radius: R of the maker, in Å.
    public func componentNames(radiusInAngstroms radius: Double) -> [String] {
        func period(_ band: Int) -> String { "1/\(Int((2.5 * radius / Double(band)).rounded())) Å" }
        return parts.flatMap { part -> [String] in
            switch part {
            case .shells:
                return (0..<Self.shells).map { "mean density at \(Int((0.15 * radius * Double($0)).rounded())) Å" }
            case .spectrum:
                return (1...Self.bands).map { "mean of the spectrum at \(period($0))" }
                    + (1...Self.bands).map { "amplitude of the spectrum at \(period($0))" }
            case .harmonics:
                return Self.degrees.flatMap { degree in
                    (1...Self.bands).map { "degree \(degree) at \(period($0))" }
                        + (1..<Self.bands).map { "degree \(degree), \(period($0)) with \(period($0 + 1))" }
                }
            case .form:
                return (0..<Self.shells).map { "relative density at \(Int((0.15 * radius * Double($0)).rounded())) Å" }
            case .network, .diffusion:
                return (1...Self.learnedCount).map { "\(part.rawValue) \($0)" }
            case .moments:
                return [
                    "mean density", "standard deviation of the density", "third moment of the density", "largest extent",
                    "middle extent", "smallest extent",
                ]
            }
        }
    }
}
