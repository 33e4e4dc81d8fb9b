public import BlobStore
internal import Catalog
public import CatalogSchema
internal import Foundation
public import Volumes

// The inputs and outputs that steps declare, with the types that they read or give. `Parameter` is in Recipe/Parameter.swift.

/// An input of a step, with the type of its content.
public struct Input<Value>: Sendable {
    let input: StepInput
    let read: @Sendable (StepItem) throws -> Value
    var conditions: [InputCondition] = []
}

protocol DeclaredInput {
    var input: StepInput { get }
    var conditions: [InputCondition] { get }
}
extension Input: DeclaredInput {}

extension Input {
    /// An artifact of another step that items need only sometimes, as a choice of the recipe says; nil where it is not read.
    ///
    /// - Parameters:
    ///   - parameter: the name of a parameter of the step that reads it.
    ///   - needs: the need under each value of the parameter; under all others, it is always read.
    ///   - ownsParameter: whether the parameter says nothing but how the input is used (``InputCondition/ownsParameter``).
    public init<S: TypedStep, Content: ArtifactContent>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, by parameter: String,
        needs: [String: InputCondition.Need], ownsParameter: Bool = false
    ) where Value == Content? {
        self.init(Input<Content>(step, output), by: parameter, needs: needs, ownsParameter: ownsParameter)
    }

    /// A value of another step that items need only sometimes, as a choice or a flag of the recipe says; nil where it is not read.
    ///
    /// - Parameters:
    ///   - parameter: the name of a parameter of the step that reads it.
    ///   - needs: the need under each value of the parameter, as a recipe writes it; under all others, it is always read.
    public init<S: TypedStep, Content: Codable & Sendable>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ValueOutput<Content>>, by parameter: String,
        needs: [String: InputCondition.Need]
    ) where Value == Content? {
        self.init(Input<Content>(step, output), by: parameter, needs: needs)
    }

    /// An input that is read where the item needs it.
    private init<Content>(
        _ always: Input<Content>, by parameter: String, needs: [String: InputCondition.Need], ownsParameter: Bool = false
    ) where Value == Content? {
        self.init(
            input: always.input, read: { item in item.reads(always.input) ? try always.read(item) : nil },
            conditions: [InputCondition(always.input, parameter: parameter, needs: needs, ownsParameter: ownsParameter)])
    }

    /// The same input under one more condition: a choice that several steps share. It is read where neither condition says never.
    ///
    /// - Parameter needs: the need under each value of the choice, as a recipe writes it; under all others, the input is needed as
    ///   before.
    public func under<Content>(_ choice: RecipeChoice, needs: [String: InputCondition.Need]) -> Input where Value == Content? {
        var input = self
        input.conditions.append(InputCondition(self.input, choice: choice, needs: needs))
        return input
    }
}

extension Input {
    /// An artifact of another step: of the item's own scope, of its tomogram, or of the current training set.
    public init<S: TypedStep>(_ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Value>>) where Value: ArtifactContent {
        let (step, name) = (S.name, S.outputs[keyPath: output].output.name)
        input = .output(of: step, named: name)
        read = { try Value($0.artifact(of: step, named: name)) }
    }

    /// A value of another step: of the item's own scope, of its tomogram, or of the current training set.
    public init<S: TypedStep>(_ step: S.Type, _ output: KeyPath<S.Outputs, ValueOutput<Value>>) where Value: Codable & Sendable {
        let (step, name) = (S.name, S.outputs[keyPath: output].output.name)
        input = .output(of: step, named: name)
        read = { try $0.value(of: step, named: name) }
    }

    /// The artifacts of another step, of all related scopes: the slices of a slab, the members of a training set.
    public init<S: TypedStep, Content>(
        each step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>
    ) where Value == RelatedArtifacts<Content> {
        let (step, name) = (S.name, S.outputs[keyPath: output].output.name)
        input = .output(of: step, named: name)
        read = { RelatedArtifacts(item: $0, step: step, name: name) }
    }

    /// The values of another step, of all related scopes: the slices of a slab, the members of a training set.
    public init<S: TypedStep, Element: Codable & Sendable>(
        each step: S.Type, _ output: KeyPath<S.Outputs, ValueOutput<Element>>
    ) where Value == RelatedValues<Element> {
        let (step, name) = (S.name, S.outputs[keyPath: output].output.name)
        input = .output(of: step, named: name)
        read = { RelatedValues(item: $0, step: step, name: name) }
    }
}

extension Input where Value == Voxels {
    /// ``StepInput/voxels``.
    public static var voxels: Input { Input(input: .voxels) { Voxels(item: $0) } }

    /// ``StepInput/Fact/source``: the file itself, for the one step that gives the digest of its voxels.
    public static var source: Input { Input(input: .fact(.source)) { Voxels(item: $0) } }
}

extension Input where Value == Range<Int> {
    /// ``StepInput/Fact/z``: the range of a slab, or the one z of a slice, from 0.
    public static var z: Input {
        Input(input: .fact(.z)) { item in
            guard let z = item.scope.z else { throw item.undeclared("input", StepInput.Fact.z.rawValue) }
            return z
        }
    }
}

extension Input where Value == Range<Int>? {
    /// ``StepInput/Fact/z``, where the recipe asks for it; else nil.
    ///
    /// - Parameters:
    ///   - parameter: the name of the parameter of the step that says how z is used, and nothing else.
    ///   - unused: the value of it, as a recipe writes it, under which z is not read. Results from before the parameter stay fresh then.
    public static func z(by parameter: String, unused: String) -> Input {
        let input = StepInput.fact(.z)
        return Input(
            input: input, read: { item in item.reads(input) ? try Input<Range<Int>>.z.read(item) : nil },
            conditions: [InputCondition(input, parameter: parameter, needs: [unused: .never], ownsParameter: true)])
    }
}

extension Input where Value == DeclaredVoxelSize {
    /// ``StepInput/Fact/declaredVoxelSize``.
    public static var declaredVoxelSize: Input {
        Input(input: .fact(.declaredVoxelSize)) { try $0.declaredVoxelSize() }
    }
}

extension Input where Value == [AnnotationMember] {
    /// ``StepInput/Fact/annotation``: the annotation of the item, or all annotations of its training set, by tomogram and then in the order in
    /// which they were added.
    public static var annotations: Input {
        Input(input: .fact(.annotation)) { item in
            try item.annotations().map { AnnotationMember(scope: $0.scope, annotation: $0.annotation) }
        }
    }
}

extension Input where Value == [CurationMember]? {
    /// ``StepInput/Fact/curation``: what people say of single particles of the training set, by tomogram; nil where nobody says
    /// anything, or the recipe does not ask.
    ///
    /// - Parameters:
    ///   - parameter: the name of the parameter of the step that says how verdicts are used, and nothing else.
    ///   - unused: the value of it under which they are not.
    public static func curation(by parameter: String, of values: [String], unused: String) -> Input {
        let input = StepInput.fact(.curation)
        return Input(
            input: input, read: { item in item.reads(input) ? try item.curation() : nil },
            conditions: [
                InputCondition(
                    input, parameter: parameter,
                    needs: Dictionary(values.map { ($0, $0 == unused ? .never : .whereThere) }, uniquingKeysWith: { $1 }),
                    ownsParameter: true)
            ])
    }
}

/// The verdicts on particles of a tomogram of the training set that count, by class and position.
public struct CurationMember: Sendable, Hashable {
    /// A verdict, without who said so, and when.
    public struct Verdict: Sendable, Hashable, Codable {
        public let className: String
        /// x, y, z in voxels of the tomogram, from the centre of the first one.
        public let positionInVoxels: SIMD3<Double>
        public let verdict: CurationRecord.Verdict
    }

    public let scope: StepItem.Scope
    public let verdicts: [Verdict]
}

/// The voxel sizes that are known beside the header's: of the user, of a document about the file, of the name of a folder above it, and the
/// default of the dataset.
public struct DeclaredVoxelSize: Sendable, Hashable {
    public let user: VoxelSize?
    public let metadata: VoxelSize?
    public let folder: VoxelSize?
    public let dataset: VoxelSize?

    /// The one that counts: the user's, else the header's, else that of metadata, of a folder, of the dataset. `v_tomogram` says the same.
    public func effective(header: VoxelSize?) -> VoxelSize? { user ?? header ?? metadata ?? folder ?? dataset }
}

/// An annotation, and its scope.
public struct AnnotationMember: Sendable, Hashable {
    public let scope: StepItem.Scope
    public let annotation: StepItem.Annotation
}

/// The voxels of the item's tomogram, or of the tomograms of its training set.
public struct Voxels {
    let item: StepItem

    /// Opens the file. If it is no longer the one that was planned with, the item fails when it ends.
    public func open() throws -> any Volume { try item.openVolume() }

    /// Opens the file of the tomogram of a member of the training set, with the same check.
    public func open(of related: StepItem.Scope) throws -> any Volume { try item.openVolume(of: related) }
}

/// The artifacts that a step gave for the related scopes of an item: for the slices of its slab, or for the members of its training set.
public struct RelatedArtifacts<Content: ArtifactContent> {
    let item: StepItem
    let step: String
    let name: String

    /// Calls the closure for each artifact, in order of z; for the members of a training set, tomogram by tomogram.
    ///
    /// - Complexity: opens one file after the other.
    public func forEachScope(_ body: (_ scope: StepItem.Scope, _ content: Content) throws -> Void) throws {
        try item.forEachArtifact(of: step, named: name) { try body($0.scope, Content($0.artifact)) }
    }

    /// The artifact of one related scope, or of its tomogram. It serves to read one input while ``forEachScope(_:)`` goes through another.
    ///
    /// ```swift
    /// try item.inputs.instances.forEachScope { scope, instances in
    ///     let mask = try item.inputs.masks.content(of: scope)
    /// ```
    ///
    /// - Throws: ``EngineError`` where the scope is not related to the item's.
    /// - Complexity: opens one file.
    public func content(of related: StepItem.Scope) throws -> Content {
        try Content(item.artifact(of: step, named: name, for: related))
    }
}

/// The values that a step gave for the slices of a slab, or for the members of a training set or their tomograms.
public struct RelatedValues<Value: Codable & Sendable> {
    let item: StepItem
    let step: String
    let name: String

    /// The value of one related scope, or of its tomogram.
    ///
    /// - Throws: ``EngineError`` where the scope is not related to the item's.
    /// - Complexity: one query.
    public func value(of related: StepItem.Scope) throws -> Value { try item.value(of: step, named: name, for: related) }
}

/// The content of one kind of artifact: the type that reads and writes it.
public protocol ArtifactContent: Sendable {
    /// The kind of the artifact, in the file and for people: `prepared-slice` (Schema/blobs.md).
    static var kind: String { get }

    /// Opens an artifact. Large datasets may be read later, on demand.
    init(_ artifact: Artifact) throws
}

/// The content of an artifact that is small enough to be written in one piece.
public protocol StoredContent: ArtifactContent {
    func write(to artifact: ArtifactWriter) throws
}

/// An output that is an artifact.
public struct ArtifactOutput<Content: ArtifactContent>: Sendable {
    public let output: StepOutput

    /// - Parameter evictable: whether `gc` may drop its bytes; it is computed again when a step that reads it needs them.
    public init(_ name: String, evictable: Bool) { output = .artifact(name, evictable: evictable) }

    /// An evictable one that is large and only handed on: a run drops it when the steps that read it are done (``StepOutput/isTransient``).
    public init(transient name: String) { output = .transient(name) }
}

/// An output that is a short value, kept in the catalog as JSON.
public struct ValueOutput<Value: Codable & Sendable>: Sendable {
    public let output: StepOutput

    public init(_ name: String) { output = .value(name) }

    /// The output that gives ``StepInput/voxels``, of the one step that reads tomograms' files.
    public init(voxels name: String) { output = .voxels(name) }
}

protocol DeclaredOutput { var output: StepOutput { get } }
extension ArtifactOutput: DeclaredOutput {}
extension ValueOutput: DeclaredOutput {}

/// Reads the inputs of an item by the names of the structure that declares them.
@dynamicMemberLookup
public struct InputValues<Declarations> {
    private let item: StepItem
    private let declarations: Declarations

    init(_ item: StepItem, _ declarations: Declarations) {
        self.item = item
        self.declarations = declarations
    }

    public subscript<Value>(dynamicMember path: KeyPath<Declarations, Input<Value>>) -> Value {
        get throws { try declarations[keyPath: path].read(item) }
    }

    public subscript<Group: DeclarationGroup>(dynamicMember path: KeyPath<Declarations, Group>) -> InputValues<Group> {
        InputValues<Group>(item, declarations[keyPath: path])
    }
}
