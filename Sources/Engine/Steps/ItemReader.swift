import Basics
import BlobStore
import Catalog
import CatalogSchema
import Volumes

/// How an item finds its inputs among what other items gave.
protocol ItemReader: Sendable {
    func declaredVoxelSize(of scope: StepItem.Scope) throws -> PlanningSnapshot.DeclaredVoxelSize
    func value(of step: String, named name: String, for scope: StepItem.Scope) throws -> String
    func artifacts(
        of step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)]
    /// The members of a training set of one kind; of another scope, itself where it is of that kind.
    func members(_ kind: ScopeKind, of scope: StepItem.Scope) -> [StepItem.Scope]
    func annotation(of scope: StepItem.Scope) throws -> StepItem.Annotation
}
