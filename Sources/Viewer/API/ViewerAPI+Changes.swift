import Basics
import Catalog
import CatalogSchema
import CellarKit

/// What the page changes. Each change goes through the same function as the command that does it; of two at a time, one waits for
/// the other in the database.
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
                .invalid, "\(slab.zFirst)..<\(slab.zEnd) is no range of slices; give zFirst from 0 on, and zEnd above it")
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

    // MARK: Particles

    package struct NewVerdict: Decodable, Sendable {
        package let tomogram: Int64
        package let `class`: String
        /// In voxels, from the centre of the first one.
        package let x, y, z: Double
        /// `rejected`, `accepted` or `added`.
        package let verdict: String
    }

    /// Rejects or accepts the particle at a place, or adds one, as `cellar curate` does.
    package func add(_ new: NewVerdict) throws -> NewID {
        try checkWritable()
        guard let verdict = CurationRecord.Verdict(rawValue: new.verdict) else {
            let verdicts = CurationRecord.Verdict.allCases.map(\.rawValue).joined(separator: ", ")
            throw ViewerError(.invalid, "\(new.verdict.prefix(40)) is no verdict; give one of \(verdicts)")
        }
        let record = try project.curate(
            Self.reference(new.tomogram), verdict, class: new.class, at: .voxels(SIMD3(new.x, new.y, new.z)))
        return NewID(id: record.id ?? 0)
    }

    package struct NewAcceptance: Decodable, Sendable {
        package let tomogram: Int64
        package let `class`: String
        /// The least confidence, 0 to 1.
        package let score: Double
    }

    package struct NewIDs: Encodable, Sendable { package let ids: [Int64] }

    /// Accepts all particles of a class with a score of at least the given one.
    package func accept(_ new: NewAcceptance) throws -> NewIDs {
        try checkWritable()
        let records = try project.acceptAll(Self.reference(new.tomogram), class: new.class, above: new.score)
        return NewIDs(ids: records.compactMap(\.id))
    }

    /// Takes a verdict back: what it replaced counts again.
    package func removeVerdict(_ id: Int64) throws -> Nothing {
        try checkWritable()
        _ = try project.removeCuration([id])
        return Nothing()
    }

    /// How the functions of the commands name a tomogram by its id.
    static func reference(_ id: Int64) -> String { "\(CatalogReference.idPrefix)\(id)" }

    /// - Throws: ``ViewerError`` where the server may not write.
    func checkWritable() throws(ViewerError) {
        if isReadOnly {
            throw ViewerError(.forbidden, "this server only reads; start `cellar serve` without --read-only to change something")
        }
    }
}
