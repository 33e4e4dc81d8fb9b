import CatalogSchema

/// Something that a step's result depends on, beside its parameters.
public enum StepInput: Sendable, Hashable {
    /// Something that a person said or brought.
    case fact(Fact)
    /// The voxels of the tomogram, for steps that open its file (``StepItem/openVolume()``): their digest, which the one step with
    /// the output ``StepOutput/voxels(_:)`` gave, and that the file is there. What else may change about the file changes nothing. Of
    /// a training set, the voxels of all its members' tomograms.
    case voxels
    /// An output of another step. Of the step's own scope where both work on the same kind; else of the tomogram it is
    /// part of, of its parts, or of the slabs and slices that share its z. A training set reads from its members: slabs and
    /// their slices, annotations, and the tomograms of these, each once; all else reads from the current training set.
    case output(of: String, named: String)

    /// What the catalog knows of a scope without computing anything; of a training set, of its members.
    public enum Fact: String, Sendable, Hashable, CaseIterable {
        /// The file of the tomogram: its path, size, time of change and inode. Only the step that gives the voxels may read it: all
        /// others would compute anew what a touched or moved file holds as before.
        case source
        /// What people say about the voxel size, beside the header.
        case declaredVoxelSize = "declared-voxel-size"
        /// Which slices: the z of a slice, the range of a slab.
        case z
        /// The content of an annotation: its voxels or points, and its classes; where points are written in voxels of the
        /// tomogram or from its middle, also the tomogram's voxel size and shape.
        case annotation

        /// The kinds of scope that have it.
        var scopes: Set<ScopeKind> {
            switch self {
            case .source: Set(ScopeKind.allCases)
            case .declaredVoxelSize: Set(ScopeKind.allCases).subtracting([.trainingSet])
            case .z: [.slab, .slice]
            case .annotation: [.annotation, .trainingSet]
            }
        }
    }

    /// The name under which traces and `why` list it.
    public var name: String {
        switch self {
        case .fact(let fact): fact.rawValue
        case .voxels: "voxels"
        case .output(let step, let name): "\(step).\(name)"
        }
    }
}
