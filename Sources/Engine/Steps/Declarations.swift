public import BlobStore
internal import Catalog
internal import CatalogSchema
internal import Foundation
public import Volumes

// What steps declare, with the type that they read or give. `Parameter` stands in Recipe/Parameter.swift.

/// Something that a step reads, with what reading it gives.
public struct Input<Value>: Sendable {
    let input: StepInput
    let read: @Sendable (StepItem) throws -> Value
}

protocol DeclaredInput { var input: StepInput { get } }
extension Input: DeclaredInput {}

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

    /// The artifacts of another step of all scopes that have to do with the item: the slices of a slab, the members of a training set.
    public init<S: TypedStep, Content>(
        each step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>
    ) where Value == Members<Content> {
        let (step, name) = (S.name, S.outputs[keyPath: output].output.name)
        input = .output(of: step, named: name)
        read = { Members(item: $0, step: step, name: name) }
    }

    /// The values of another step of the members of a training set.
    public init<S: TypedStep, Element: Codable & Sendable>(
        each step: S.Type, _ output: KeyPath<S.Outputs, ValueOutput<Element>>
    ) where Value == MemberValues<Element> {
        let (step, name) = (S.name, S.outputs[keyPath: output].output.name)
        input = .output(of: step, named: name)
        read = { MemberValues(item: $0, step: step, name: name) }
    }
}

extension Input where Value == Voxels {
    /// ``StepInput/voxels``.
    public static var voxels: Input { Input(input: .voxels) { Voxels(item: $0) } }

    /// ``StepInput/Fact/source``: the file itself, for the one step that says what its voxels are.
    public static var source: Input { Input(input: .fact(.source)) { Voxels(item: $0) } }
}

extension Input where Value == Range<Int> {
    /// ``StepInput/Fact/z``: the range of a slab, the one z of a slice; 0-based.
    public static var z: Input {
        Input(input: .fact(.z)) { item in
            guard let z = item.scope.z else { throw item.undeclared("input", StepInput.Fact.z.rawValue) }
            return z
        }
    }
}

extension Input where Value == DeclaredVoxelSize {
    /// ``StepInput/Fact/declaredVoxelSize``.
    public static var declaredVoxelSize: Input {
        Input(input: .fact(.declaredVoxelSize)) { item in
            let declared = try item.declaredVoxelSize()
            return DeclaredVoxelSize(user: declared.user, dataset: declared.dataset)
        }
    }
}

extension Input where Value == [AnnotationMember] {
    /// ``StepInput/Fact/annotation``: the one that the item works on, or all of its training set, by tomogram and then in the order in
    /// which they were added.
    public static var annotations: Input {
        Input(input: .fact(.annotation)) { item in
            try item.annotations().map { AnnotationMember(scope: $0.scope, annotation: $0.annotation) }
        }
    }
}

/// What people say about the voxel size, beside the header: the user, and the default of the dataset.
public struct DeclaredVoxelSize: Sendable, Hashable {
    public let user: VoxelSize?
    public let dataset: VoxelSize?
}

/// An annotation, and what it is of.
public struct AnnotationMember: Sendable, Hashable {
    public let scope: StepItem.Scope
    public let annotation: StepItem.Annotation
}

/// The voxels of the item's tomogram, or of those of its training set.
public struct Voxels {
    let item: StepItem

    /// Opens the file. Where it turns out to be another than the one that was planned with, the item fails when it ends.
    public func open() throws -> any Volume { try item.openVolume() }

    /// Opens the file of a member's tomogram, with the same promise.
    public func open(of member: StepItem.Scope) throws -> any Volume { try item.openVolume(of: member) }
}

/// The artifacts that a step gave for the parts of a scope.
public struct Members<Content: ArtifactContent> {
    let item: StepItem
    let step: String
    let name: String

    /// In order of z; for the members of a training set, tomogram by tomogram.
    ///
    /// - Complexity: opens one file after the other; the closure sees one at a time.
    public func forEachMember(_ body: (_ scope: StepItem.Scope, _ content: Content) throws -> Void) throws {
        try item.forEachArtifact(of: step, named: name) { try body($0.scope, Content($0.artifact)) }
    }
}

/// The values that a step gave for the members of a training set, or for their tomograms.
public struct MemberValues<Value: Codable & Sendable> {
    let item: StepItem
    let step: String
    let name: String

    /// The value for a member: for the member itself, or for its tomogram.
    public func value(of member: StepItem.Scope) throws -> Value { try item.value(of: step, named: name, for: member) }
}

/// The content of one kind of artifact: the one type that knows how it is stored.
public protocol ArtifactContent: Sendable {
    /// What it is, for people and readers of the file: `prepared-slice` (Schema/blobs.md).
    static var kind: String { get }

    /// Opens it. Large parts may stay in the file until they are asked for.
    init(_ artifact: Artifact) throws
}

/// The content of an artifact that is small enough to be written in one piece.
public protocol StoredContent: ArtifactContent {
    func write(to artifact: ArtifactWriter) throws
}

/// An output that is an artifact.
public struct ArtifactOutput<Content: ArtifactContent>: Sendable {
    public let output: StepOutput

    /// - Parameter evictable: whether `gc` may drop it; it is computed again when a step below needs it.
    public init(_ name: String, evictable: Bool) { output = .artifact(name, evictable: evictable) }
}

/// An output that is a short value, kept in the catalog as JSON.
public struct ValueOutput<Value: Codable & Sendable>: Sendable {
    public let output: StepOutput

    public init(_ name: String) { output = .value(name) }

    /// - Parameter name: of the output of the one step that reads tomograms' files as they are; what ``StepInput/voxels`` stands for.
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
