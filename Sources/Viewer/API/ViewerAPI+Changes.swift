import Basics
import Catalog
import CatalogSchema
import CellarKit

/// What the page changes. Each change goes through the same function as the command that does it; of two at a time, one waits for the
/// other in the database.
extension ViewerAPI {
    package struct NewID: Encodable, Sendable { package let id: Int64 }
    package struct Nothing: Encodable, Sendable {}

    package struct NewSlab: Decodable, Sendable {
        package let tomogram: Int64
        package let zFirst: Int
        package let zEnd: Int
    }

    /// Adds a slab as `cellar slab add` does, or gives the one that covers the same slices.
    package func add(_ slab: NewSlab) throws -> NewID {
        try checkWritable()
        guard slab.zFirst >= 0, slab.zFirst < slab.zEnd else {
            throw ViewerError(
                .invalid, "\(slab.zFirst)..<\(slab.zEnd) is no range of slices: zFirst is below zEnd, and 0 or more")
        }
        let record = try project.catalog.collection.addSlab(tomogramID: slab.tomogram, z: slab.zFirst..<slab.zEnd)
        return NewID(id: record.id ?? 0)
    }

    /// Removes a slab as `cellar slab remove` does. What was computed for it is kept, and found again should it come back.
    package func removeSlab(_ id: Int64) throws -> Nothing {
        try checkWritable()
        try project.catalog.collection.remove(.slabs, ids: [id])
        return Nothing()
    }

    /// - Throws: ``ViewerError`` where the server may not write.
    func checkWritable() throws(ViewerError) {
        if isReadOnly {
            throw ViewerError(.forbidden, "this server only reads; start `cellar serve` without --read-only to change something")
        }
    }
}
