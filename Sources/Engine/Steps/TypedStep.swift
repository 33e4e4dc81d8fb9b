public import Basics
public import BlobStore
public import CatalogSchema
public import Foundation

/// A step whose declarations the compiler checks: code that uses something undeclared does not compile.
///
/// Parameters, inputs and outputs are stored properties of three structures. The engine lists them in the order of declaration, and ``Item``
/// reads them by key paths to these properties.
///
/// ```swift
/// struct InvertStep: TypedStep {
///     static let name = "invert"
///     static let version = 1
///     static let scope = ScopeKind.slice
///     static let summary = "bright structures on dark ground"
///
///     struct Parameters: Sendable { let gain = Parameter.real("gain", default: 1, in: 0...10, "factor of all densities") }
///     struct Inputs: Sendable { let slice = Input(PrepareStep.self, \.slice) }
///     struct Outputs: Sendable { let inverted = ArtifactOutput<InvertedSlice>("inverted", evictable: true) }
///     static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())
///
///     func run(_ item: Item<Self>) throws {
///         let slice = try item.inputs.slice
///         try item.give(\.inverted, slice.inverted(gain: item.parameters.gain))
///     }
/// }
/// ```
public protocol TypedStep: Step {
    associatedtype Parameters: Sendable = NoDeclarations
    associatedtype Inputs: Sendable = NoDeclarations
    associatedtype Outputs: Sendable = NoDeclarations

    /// As ``Step/name`` and the other properties of ``Step``, but static, so that other steps can refer to its outputs by type.
    static var name: String { get }
    static var version: Int { get }
    static var scope: ScopeKind { get }
    static var summary: String { get }
    /// As ``Step/recipeGroup``.
    static var recipeGroup: String { get }
    static var retiredParameters: [String] { get }
    /// As ``Step/renamedParameters``.
    static var renamedParameters: [String: String] { get }
    /// As ``Step/runsOnlyWhereRead``.
    static var runsOnlyWhereRead: Bool { get }

    static var parameters: Parameters { get }
    static var inputs: Inputs { get }
    static var outputs: Outputs { get }

    /// Computes the outputs of one item and gives them to it. Called from several threads at once.
    ///
    /// - Throws: any error; the item is recorded as failed, with the error's description.
    func run(_ item: Item<Self>) throws
}

/// The declarations of a step that has no parameters, inputs or outputs.
public struct NoDeclarations: Sendable {
    public init() {}
}

/// Declarations that several steps share: a property of this type declares everything that its own properties declare.
public protocol DeclarationGroup: Sendable {}

extension TypedStep {
    public static var recipeGroup: String { name }
    public static var retiredParameters: [String] { [] }
    public static var renamedParameters: [String: String] { [:] }
    public static var runsOnlyWhereRead: Bool { false }

    public var name: String { Self.name }
    public var version: Int { Self.version }
    public var scope: ScopeKind { Self.scope }
    public var summary: String { Self.summary }
    public var recipeGroup: String { Self.recipeGroup }
    public var retiredParameters: [String] { Self.retiredParameters }
    public var renamedParameters: [String: String] { Self.renamedParameters }
    public var runsOnlyWhereRead: Bool { Self.runsOnlyWhereRead }
    /// The parameters in the order of declaration, with those of one group beside each other as in a recipe: `patch.size` before `patch.turned`.
    ///
    /// - Complexity: reflection; the engine reads it once.
    public var parameters: [ParameterDeclaration] {
        let all = declarations(in: Self.parameters) { ($0 as? any DeclaredParameter)?.declaration }
        var groups: [Substring] = []
        for parameter in all where !groups.contains(parameter.group) { groups.append(parameter.group) }
        return groups.flatMap { group in all.filter { $0.group == group } }
    }
    public var inputs: [StepInput] { declarations(in: Self.inputs) { ($0 as? any DeclaredInput)?.input } }
    public var conditions: [InputCondition] {
        declarations(in: Self.inputs) { ($0 as? any DeclaredInput)?.conditions }.flatMap(\.self)
    }
    public var outputs: [StepOutput] { declarations(in: Self.outputs) { ($0 as? any DeclaredOutput)?.output } }

    public func run(_ item: StepItem) throws { try run(Item<Self>(item)) }
}

extension TypedStep where Parameters == NoDeclarations {
    public static var parameters: NoDeclarations { NoDeclarations() }
}

extension TypedStep where Inputs == NoDeclarations {
    public static var inputs: NoDeclarations { NoDeclarations() }
}

extension TypedStep where Outputs == NoDeclarations {
    public static var outputs: NoDeclarations { NoDeclarations() }
}

/// The declarations in the stored properties of a structure, in their order, with those of groups in place, each once.
private func declarations<Declaration: Hashable>(in structure: Any, _ declaration: (Any) -> Declaration?) -> [Declaration] {
    var found: [Declaration] = []
    for (_, value) in Mirror(reflecting: structure).children {
        let more = value is any DeclarationGroup ? declarations(in: value, declaration) : declaration(value).map { [$0] } ?? []
        found += more.filter { !found.contains($0) }
    }
    return found
}

/// One item of a typed step in progress: reads the declared parameters and inputs, and takes the outputs.
public struct Item<S: TypedStep> {
    /// The same item without types, for code that several steps share: its scope, reports and records.
    public let base: StepItem

    init(_ base: StepItem) { self.base = base }

    public var scope: StepItem.Scope { base.scope }
    /// The digest of everything that the item's result depends on.
    public var key: Digest { base.key }
    /// Whether to use less memory at the cost of time. It never changes a result.
    public var prefersLittleMemory: Bool { base.prefersLittleMemory }

    /// The recipe's values of the step's parameters: `try item.parameters.clipLimit`.
    public var parameters: ParameterValues<S.Parameters> { ParameterValues(base, S.parameters) }
    /// The contents of the step's inputs: `try item.inputs.slice`.
    public var inputs: InputValues<S.Inputs> { InputValues(base, S.inputs) }

    /// Gives an output that is a value.
    ///
    /// - Parameter digest: the digest of the data that the value describes, such as voxels; nil for the digest of the value itself.
    public func give<Value: Codable & Sendable>(
        _ output: KeyPath<S.Outputs, ValueOutput<Value>>, _ value: Value, digest: Digest? = nil
    ) throws {
        try base.give(S.outputs[keyPath: output].output.name, value: value, digest: digest)
    }

    /// Gives an output that is an artifact.
    public func give<Content: StoredContent>(_ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, _ content: Content) throws {
        try give(output) { try content.write(to: $0) }
    }

    /// Gives an output that is an artifact, which the closure writes piece by piece.
    public func give<Content>(
        _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, _ write: (ArtifactWriter) throws -> Void
    ) throws {
        try base.give(S.outputs[keyPath: output].output.name, artifact: Content.kind, write)
    }

    /// As ``StepItem/record(_:_:)``.
    public func record(_ metric: String, _ value: Double) { base.record(metric, value) }
    /// As ``StepItem/record(_:)``.
    public func record(_ found: [FoundObject]) throws { try base.record(found) }
    /// As ``StepItem/log(_:at:_:)``.
    public func log(_ name: String, at x: Int, _ value: Double) throws { try base.log(name, at: x, value) }
    /// As ``StepItem/report(_:_:)``.
    public func report(_ fraction: Double, _ note: String) { base.report(fraction, note) }
    /// As ``StepItem/workspace()``.
    public func workspace() throws -> URL { try base.workspace() }
    /// Throws where the run was asked to stop. Call it between parts of long work.
    public func checkCancellation() throws { try base.checkCancellation() }
}
