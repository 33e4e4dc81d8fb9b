/// What a model of the catalog is for.
public enum ModelKind: String, Sendable, Hashable, CaseIterable {
    /// Stable Diffusion 1 or 2, a folder in the layout of diffusers.
    case diffusion
}
