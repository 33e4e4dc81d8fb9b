/// What a model of the catalog is for.
public enum ModelKind: String, Sendable, Hashable, CaseIterable {
    /// Stable Diffusion 1 or 2, a folder in the layout of diffusers.
    case diffusion
    /// A network of CellPose (cyto, cyto2, cyto3, nuclei), a file that CellPose saved or the same tensors as safetensors.
    case cellpose
    /// A network that Cellar trained, a safetensors file (`cellar export network`).
    case network
}
