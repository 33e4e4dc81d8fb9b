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
