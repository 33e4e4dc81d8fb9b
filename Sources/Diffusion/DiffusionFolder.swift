import Basics
import Checkpoints

/// What is in a folder in the layout of diffusers.
public enum DiffusionFolder {
    /// The subfolders whose weights are files of `torch.save`, since there are no safetensors: of those that the model reads.
    ///
    /// - Complexity: a few access(2).
    public static func pickledParts(of folder: String) -> Set<String> {
        let stem = "diffusion_pytorch_model"
        var parts = [("unet", stem, stem), ("vae", stem, stem)]
        // A stored context takes the place of the text encoder.
        if !FilePath.exists("\(folder)/\(FolderContext.constantFile)") {
            parts.append(("text_encoder", "model", "pytorch_model"))
        }
        return Set(
            parts.filter { part, stem, pickledStem in
                Checkpoint.fileName(inFolder: "\(folder)/\(part)", stem: stem, pickledStem: pickledStem)?.contains(".bin") == true
            }.map(\.0))
    }
}
