public import CatalogSchema

/// One step of the method: what it works on, what it reads, what it gives, and how.
///
/// A step is a value without state. The engine decides when it runs, from what it declares:
///
/// * its results depend on nothing but its `version`, its `parameters`, its `inputs` and the models they name;
/// * the same of these give the same outputs, whatever the number of threads.
///
/// ```swift
/// struct InvertStep: Step {
///     let name = "invert"
///     let version = 1
///     let scope = ScopeKind.slice
///     let summary = "bright structures on dark ground"
///     let inputs = [StepInput.output(of: "prepare", named: "slice")]
///     let outputs = [StepOutput.artifact("inverted", evictable: true)]
///     func run(_ item: StepItem) throws { … }
/// }
/// ```
public protocol Step: Sendable {
    /// Unique; lower case with dashes: `feature-map`.
    var name: String { get }

    /// Raised by one whenever the same inputs give another result: everything below becomes stale then.
    var version: Int { get }

    var scope: ScopeKind { get }

    /// What it does, in half a line.
    var summary: String { get }

    var parameters: [ParameterDeclaration] { get }

    /// Names of parameters that earlier versions had: recipes that still give them a value are read as if they did not.
    var retiredParameters: [String] { get }

    var inputs: [StepInput] { get }

    var outputs: [StepOutput] { get }

    /// Computes the outputs of one item and hands them to it. Called from several threads at once.
    ///
    /// - Throws: anything; the item is recorded as failed with the error's description.
    func run(_ item: StepItem) throws
}

extension Step {
    public var parameters: [ParameterDeclaration] { [] }
    public var retiredParameters: [String] { [] }

    /// Whether its items open the file of their tomogram, or those of a training set's members.
    var readsFile: Bool { inputs.contains(.voxels) || inputs.contains(.fact(.source)) }
}

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

/// Something that a step gives.
public struct StepOutput: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A short value, kept in the catalog as JSON.
        case value
        /// A value whose digest tells the voxels of a tomogram from all others.
        case voxels
        /// A blob. An evictable one may be dropped by `gc` and is computed again when a step below needs it.
        case artifact(evictable: Bool)
    }

    public let name: String
    public let kind: Kind

    public static func value(_ name: String) -> StepOutput { StepOutput(name: name, kind: .value) }

    /// Of the one step that reads tomograms' files as they are; what ``StepInput/voxels`` stands for.
    public static func voxels(_ name: String) -> StepOutput { StepOutput(name: name, kind: .voxels) }

    public static func artifact(_ name: String, evictable: Bool) -> StepOutput {
        StepOutput(name: name, kind: .artifact(evictable: evictable))
    }
}
