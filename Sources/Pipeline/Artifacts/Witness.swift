package import Engine

/// What the steps give that are sources of labels and nothing else.
public struct WitnessOutputs: Sendable {
    package let labels = ArtifactOutput<PseudoLabels>("labels", evictable: true)
}

/// A source of labels for the slices of a slab: one of several that ``PseudoLabelsStep`` asks.
///
/// Each gives the classes of pseudo-labels, and tells some of them: what one cannot tell, it has no vote on.
struct Witness {
    enum Kind: String, CaseIterable, Sendable {
        /// The masks of the diffusion map, linked to particles and membranes (``LinkStep``): the published method.
        case diffusion
        /// Sheets in three dimensions.
        case sheets
        /// A network that was there before anything was picked.
        case model
        /// Balls of a given size in three dimensions.
        case blobs

        /// The parameter of ``PseudoLabelsStep`` that switches it on or off.
        var parameter: String { "sources.\(rawValue)" }

        var tellsMembranes: Bool { self != .blobs }
        var tellsParticles: Bool { self != .sheets }
    }

    let kind: Kind
    let labels: PseudoLabels
}
