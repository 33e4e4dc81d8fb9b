import Catalog
import Foundation
import GRDB
import TestSupport
import Volumes

/// An empty catalog that goes away with its last reference.
final class TemporaryCatalog: Sendable {
    let temporary: TemporaryDirectory
    let directory: CatalogDirectory
    let catalog: Catalog

    init() throws {
        temporary = try TemporaryDirectory()
        directory = CatalogDirectory(path: temporary.file("project/.cellar"))
        catalog = try Catalog.create(at: directory)
    }

    /// Adds a tomogram of 100 slices, whose file need not exist.
    @discardableResult
    func add(
        _ name: String, dataset: String = "d", file: String? = nil, header: Double? = nil, user: Double? = nil,
        defaultSize: Double? = nil, metadata: [String: String] = [:]
    ) throws -> (id: Int64, outcome: NewTomogram.Outcome) {
        let tomogram = NewTomogram(
            name: name, location: VolumeLocation(path: temporary.file(file ?? "\(name).mrc")), format: "mrc",
            scalarType: .float32, shape: try shape(),
            headerVoxelSize: header.flatMap { VoxelSize(cubicInAngstroms: $0) },
            userVoxelSize: user.flatMap { VoxelSize(cubicInAngstroms: $0) }, metadata: metadata)
        return try catalog.collection.add([tomogram], dataset: dataset, defaultVoxelSizeInAngstroms: defaultSize)[0]
    }

    private func shape() throws -> VolumeShape {
        guard let shape = VolumeShape(z: 100, y: 20, x: 30) else { throw CocoaError(.coderInvalidValue) }
        return shape
    }

    /// The first column of the first row.
    func value<Value: DatabaseValueConvertible>(_ sql: String, as type: Value.Type = Value.self) throws -> Value? {
        try catalog.unsafeRead { try Value.fetchOne($0, sql: sql) }
    }

    /// Runs a query as people do.
    func query(_ sql: String, parameters: [String: QueryValue] = [:], timeLimit: Double = 60) throws -> [[QueryValue]] {
        var rows: [[QueryValue]] = []
        try QueryConnection(catalog, timeLimitInSeconds: timeLimit).run(sql, parameters: parameters) { rows.append($0) }
        return rows
    }
}
