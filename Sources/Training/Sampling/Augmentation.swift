public import Basics
import Foundation

/// One way of changing the patches of a training at random, so that the network learns what does not matter: which, how often, and how
/// much.
///
/// As text it is `KIND PROBABILITY LEAST..MOST`, for example `rotation 0.5 -180..180`; see ``Kind`` for the units.
///
/// Sources of the choice: nnU-Net (Isensee et al., Nature Methods 2021, supplement), MemBrain-seg (Lamm et al., bioRxiv 2024).
public struct Augmentation: Hashable, Sendable, Codable {
    public let kind: Kind
    /// The probability with which a patch is changed, 0 … 1.
    public let probability: Double
    /// How much: the number is drawn uniformly from this range; ratios, from 1/2 to 2 say, so that their logarithm is uniform.
    public let range: ClosedRange<Double>

    /// What is changed. Densities have mean 0 and standard deviation 1.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Turned about z, by degrees; labels are turned too.
        case rotation
        /// Enlarged along all axes by a ratio; labels are enlarged too.
        case zoom
        /// White Gaussian noise of a standard deviation is added.
        case noise
        /// Blurred by a Gaussian of a standard deviation in voxels.
        case blur
        /// Amplitudes are multiplied by a random smooth function of the spatial frequency; its logarithm has a standard deviation.
        case spectrum
        /// A second missing wedge, with a random tilt axis in the plane of the slices; the tilts reach plus and minus degrees.
        case wedge
        /// Multiplied by a ratio.
        case contrast
        /// A number is added.
        case brightness
        /// Raised to a power, a ratio, after scaling to 0 … 1; mean and standard deviation stay.
        case gamma
        /// A linear ramp in a random direction is added, from minus a number to plus the number.
        case gradient
        /// Up to three boxes of random sides, up to a part of the patch's side, become 0, and their labels are ignored.
        case blank

        /// The numbers that make sense.
        var limits: ClosedRange<Double> {
            switch self {
            case .rotation: -360...360
            case .zoom: 0.25...4
            case .noise, .brightness, .gradient: 0...10
            case .blur: 0...16
            case .spectrum: 0...2
            case .wedge: 10...90
            case .contrast, .gamma: 0.1...10
            case .blank: 0...0.9
            }
        }

        /// Whether a number is a ratio, whose logarithm is drawn.
        var isRatio: Bool { [.zoom, .contrast, .gamma].contains(self) }

        /// Whether the patch is read at another place, before any density is changed.
        var isPlacement: Bool { self == .rotation || self == .zoom }

        /// Whether it is a factor of the Fourier transform.
        var isFilter: Bool { [.blur, .spectrum, .wedge].contains(self) }
    }

    /// - Throws: ``TrainingError`` unless the probability is in 0 … 1 and the range within the kind's limits.
    public init(_ kind: Kind, probability: Double, _ range: ClosedRange<Double>) throws(TrainingError) {
        guard (0...1).contains(probability) else {
            throw TrainingError("the augmentation \(kind.rawValue) has a probability of \(probability); give 0 to 1")
        }
        // Brightness may fall as well as rise.
        let least = kind == .brightness ? -kind.limits.upperBound : kind.limits.lowerBound
        guard range.lowerBound >= least, range.upperBound <= kind.limits.upperBound else {
            throw TrainingError(
                "the augmentation \(kind.rawValue) cannot have \(range.lowerBound)..\(range.upperBound); give numbers from "
                    + "\(least) to \(kind.limits.upperBound)")
        }
        (self.kind, self.probability, self.range) = (kind, probability, range)
    }

    /// Parses `KIND PROBABILITY LEAST..MOST`.
    ///
    /// - Throws: ``TrainingError`` with the word that is wrong.
    public init(parsing text: String) throws(TrainingError) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        let form = "KIND PROBABILITY LEAST..MOST, as in rotation 0.5 -180..180"
        guard words.count == 3 else { throw TrainingError("\"\(text)\" is no augmentation: write \(form)") }
        guard let kind = Kind(rawValue: words[0]) else {
            throw TrainingError(
                "there is no augmentation \"\(words[0])\": choose among \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let bounds = words[2].components(separatedBy: "..").map(Double.init)
        guard let probability = Double(words[1]), bounds.count == 2, let least = bounds[0], let most = bounds[1], least <= most,
            least.isFinite, most.isFinite, !words[2].contains("...")
        else { throw TrainingError("\"\(text)\" is no augmentation: write \(form)") }
        try self.init(kind, probability: probability, least...most)
    }

    /// The text that ``init(parsing:)`` reads.
    public var text: String { "\(kind.rawValue) \(probability) \(range.lowerBound)..\(range.upperBound)" }

    /// How much a patch is changed; nil if it is not.
    ///
    /// Two numbers are drawn in either case, so that other changes do not depend on the probability of this one.
    func drawn(_ random: inout RandomStream) -> Double? {
        let (chance, part) = (random.unit(), random.unit())
        guard chance < probability else { return nil }
        guard kind.isRatio else { return range.lowerBound + part * (range.upperBound - range.lowerBound) }
        return exp(log(range.lowerBound) + part * (log(range.upperBound) - log(range.lowerBound)))
    }
}

/// The augmentations of a training, in the order in which they are applied: rotation and zoom first, whatever their place in the list.
public struct Augmentations: Hashable, Sendable, Codable {
    public let list: [Augmentation]

    /// The text of an empty list.
    public static let none = "none"

    public init(_ list: [Augmentation] = []) { self.list = list }

    /// Parses augmentations with commas between, or ``none``.
    ///
    /// - Throws: ``TrainingError`` with the part that is wrong.
    public init(parsing text: String) throws(TrainingError) {
        guard text.trimmingCharacters(in: .whitespaces) != Self.none else {
            list = []
            return
        }
        var list: [Augmentation] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            list.append(try Augmentation(parsing: String(part)))
        }
        self.list = list
    }

    /// The text that ``init(parsing:)`` reads.
    public var text: String { list.isEmpty ? Self.none : list.map(\.text).joined(separator: ", ") }

    /// How a patch is placed.
    func placement(_ random: inout RandomStream) -> PatchPlacement {
        var placement = PatchPlacement.upright
        for augmentation in list where augmentation.kind.isPlacement {
            guard let number = augmentation.drawn(&random) else { continue }
            if augmentation.kind == .rotation { placement.angle += number * .pi / 180 } else { placement.zoom *= number }
        }
        return placement
    }

    /// A patch with other densities; labels change only where boxes are blanked.
    ///
    /// - Complexity: some ten operations for each voxel; with filters, two Fourier transforms of the patch.
    func changed(_ patch: TrainingPatch, _ random: inout RandomStream) -> TrainingPatch {
        var changes = DensityChanges(patch)
        var filter = FrequencyFilter()
        for augmentation in list where !augmentation.kind.isPlacement {
            let number = augmentation.drawn(&random)
            // What is random in a change has a stream of its own, so that the later changes do not depend on it.
            var own = RandomStream(state: random.next())
            guard let number else { continue }
            if augmentation.kind.isFilter {
                filter.add(augmentation.kind, number, &own)
            } else {
                changes.apply(&filter)
                changes.change(augmentation.kind, number, &own)
            }
        }
        changes.apply(&filter)
        return changes.patch
    }
}
