public import CatalogSchema

/// A step of the method: its scope, parameters, inputs and outputs, and the computation.
///
/// A step is a value without state. From its declarations, the engine decides when it runs:
///
/// * its results depend only on its `version`, its `parameters` and the models they name, and its `inputs`;
/// * the same values of these give the same outputs, whatever the number of threads.
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

    /// Raised by one whenever the same inputs give another result. Then its results, and those that depend on them, become stale.
    var version: Int { get }

    var scope: ScopeKind { get }

    /// What it does, in half a line.
    var summary: String { get }

    var parameters: [ParameterDeclaration] { get }

    /// The group of the recipe that its parameters stand in: its name, or that of another step whose values it reads. Steps of one
    /// group share parameters of the same name, which all of them declare alike.
    var recipeGroup: String { get }

    /// The names of parameters that earlier versions had. Values for them in recipes are ignored.
    var retiredParameters: [String] { get }

    /// The full names of parameters, by the name that each had within this step in earlier versions. Recipes that have a value under the old
    /// name keep it.
    var renamedParameters: [String: String] { get }

    /// Whether it has items only where another step reads its outputs under the recipe, or it is asked for by name (`run --until`).
    var runsOnlyWhereRead: Bool { get }

    var inputs: [StepInput] { get }

    /// The inputs that items do without under some values of the recipe.
    var conditions: [InputCondition] { get }

    var outputs: [StepOutput] { get }

    /// Computes the outputs of one item and gives them to it. Called from several threads at once.
    ///
    /// - Throws: any error; the item is recorded as failed, with the error's description.
    func run(_ item: StepItem) throws
}

extension Step {
    public var parameters: [ParameterDeclaration] { [] }
    public var recipeGroup: String { name }
    public var retiredParameters: [String] { [] }
    public var renamedParameters: [String: String] { [:] }
    public var runsOnlyWhereRead: Bool { false }
    public var conditions: [InputCondition] { [] }

    /// Whether its items open the file of their tomogram, or the files of a training set's tomograms.
    var readsFile: Bool { inputs.contains(.voxels) || inputs.contains(.fact(.source)) }
}

/// An input of a step: something that its result depends on, beside its parameters.
public enum StepInput: Sendable, Hashable {
    /// Something that a person brought or stated.
    case fact(Fact)
    /// The voxels of the tomogram, for steps that open its file (``StepItem/openVolume()``): their digest, from the one step with the output
    /// ``StepOutput/voxels(_:)``, and that the file exists. Other changes of the file have no effect. For a training set, the voxels of the
    /// tomograms of all its members.
    case voxels
    /// An output of another step: of the step's own scope where both have the same kind; else of its tomogram, of the parts of it, or of the slabs
    /// and slices that share its z. A training set reads from its members: slabs and their slices, annotations, and the tomograms of these, each
    /// once. All other scopes read from the current training set.
    case output(of: String, named: String)

    /// Something that the catalog has about a scope without a computation; for a training set, about its members.
    public enum Fact: String, Sendable, Hashable, CaseIterable {
        /// The file of the tomogram: its path, size, modification time and inode. Only the step that gives the voxels may read it: other steps
        /// would be computed again when a file was only touched or moved.
        case source
        /// The voxel sizes that the user and the dataset give, beside the header.
        case declaredVoxelSize = "declared-voxel-size"
        /// The slices: the z of a slice, the range of a slab.
        case z
        /// The content of an annotation: its voxels or points, and its classes. Where points are in voxels, or relative to the middle of the
        /// tomogram, also the tomogram's voxel size and shape.
        case annotation
        /// What people say of single particles of the tomograms of a training set: the verdicts that count. Where there is none, no
        /// item reads it (``InputCondition/Need/whereThere``).
        case curation

        /// The kinds of scope that have it.
        var scopes: Set<ScopeKind> {
            switch self {
            case .source: Set(ScopeKind.allCases)
            case .declaredVoxelSize: Set(ScopeKind.allCases).subtracting([.trainingSet])
            case .z: [.slab, .slice]
            case .annotation: [.annotation, .trainingSet]
            case .curation: [.trainingSet]
            }
        }
    }

    /// The name in traces and `why`.
    public var name: String {
        switch self {
        case .fact(let fact): fact.rawValue
        case .voxels: "voxels"
        case .output(let step, let name): "\(step).\(name)"
        }
    }
}

/// When an item needs an input: a value of the recipe decides. An input may have several conditions; it is read where none of them
/// says never.
public struct InputCondition: Sendable, Hashable {
    public enum Need: Sendable, Hashable {
        /// It is not read, and not in the key.
        case never
        /// It is read where the step that gives it has items, such as a step on the training set where there is one; and a fact,
        /// where there is anything to say.
        case whereThere
    }

    public let input: StepInput
    /// The name of the parameter, within the step's group of the recipe, or within that of the choice.
    public let parameter: String
    /// The choice that decides, where it is no parameter of the step.
    public let choice: RecipeChoice?
    /// The need under each value of the parameter; under all others, the input is always needed.
    public let needs: [String: Need]
    /// Whether the parameter says nothing but how the input is used: then it is no part of the configuration where the input is not
    /// read, so that results from before there was such an input stay fresh.
    public let ownsParameter: Bool

    public init(_ input: StepInput, parameter: String, needs: [String: Need], ownsParameter: Bool = false) {
        (self.input, self.parameter, self.needs, self.ownsParameter, choice) = (input, parameter, needs, ownsParameter, nil)
    }

    public init(_ input: StepInput, choice: RecipeChoice, needs: [String: Need]) {
        (self.input, parameter, self.needs, self.choice, ownsParameter) = (input, choice.parameter.name, needs, choice, false)
    }

    /// The full name in the recipe of the value that decides.
    func key(in step: any Step) -> String { choice?.key ?? "\(step.recipeGroup).\(parameter)" }
}

/// A value of the recipe that belongs to no step: it says only which inputs steps read (``InputCondition``). So it is in no key,
/// except by the inputs that are read under it.
public struct RecipeChoice: Sendable, Hashable {
    /// The group of the recipe that it stands in: that of no step.
    public let group: String
    public let parameter: ParameterDeclaration

    public init(group: String, _ parameter: ParameterDeclaration) { (self.group, self.parameter) = (group, parameter) }

    /// The full name in the recipe.
    public var key: String { "\(group).\(parameter.name)" }
}

/// An output of a step.
public struct StepOutput: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A short value, kept in the catalog as JSON.
        case value
        /// A value with the digest of a tomogram's voxels.
        case voxels
        /// An artifact. `gc` may evict an evictable one; it is computed again when a step that reads it needs it.
        case artifact(evictable: Bool)
    }

    public let name: String
    public let kind: Kind
    /// Whether it is large and only handed on: a run may drop it when the steps that read it are done (`catalog.budget` of the recipe).
    public private(set) var isTransient = false

    private init(name: String, kind: Kind) { (self.name, self.kind) = (name, kind) }

    public static func value(_ name: String) -> StepOutput { StepOutput(name: name, kind: .value) }

    /// The output of the one step that reads tomograms' files; it gives ``StepInput/voxels``.
    public static func voxels(_ name: String) -> StepOutput { StepOutput(name: name, kind: .voxels) }

    public static func artifact(_ name: String, evictable: Bool) -> StepOutput {
        StepOutput(name: name, kind: .artifact(evictable: evictable))
    }

    /// An evictable artifact that is large and only handed on (``isTransient``).
    public static func transient(_ name: String) -> StepOutput {
        var output = artifact(name, evictable: true)
        output.isTransient = true
        return output
    }
}
