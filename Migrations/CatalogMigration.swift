/// A numbered, frozen step in the history of the catalog's schema: SQL that brings version `number - 1` to `number`.
///
/// A migration that has landed never changes. A new one is a file `v000N_topic.sql` in this folder, a line in
/// `Package.swift`, and a line here.
public struct CatalogMigration: Sendable {
    /// The schema version that the catalog has after this migration; `PRAGMA user_version` of the file.
    public let number: Int
    /// The SQL, any number of statements.
    public let sql: String

    /// All migrations in order; numbers count up from one without a gap.
    public static let all: [CatalogMigration] = [
        CatalogMigration(number: 1, sql: String(decoding: PackageResources.v0001_catalog_sql, as: UTF8.self)),
        CatalogMigration(number: 2, sql: String(decoding: PackageResources.v0002_objects_sql, as: UTF8.self)),
        CatalogMigration(number: 3, sql: String(decoding: PackageResources.v0003_training_sql, as: UTF8.self)),
        CatalogMigration(number: 4, sql: String(decoding: PackageResources.v0004_measurements_sql, as: UTF8.self)),
        CatalogMigration(number: 5, sql: String(decoding: PackageResources.v0005_outputs_sql, as: UTF8.self)),
        CatalogMigration(number: 6, sql: String(decoding: PackageResources.v0006_removal_sql, as: UTF8.self)),
        CatalogMigration(number: 7, sql: String(decoding: PackageResources.v0007_evidence_sql, as: UTF8.self)),
        CatalogMigration(number: 8, sql: String(decoding: PackageResources.v0008_threshold_sql, as: UTF8.self)),
        CatalogMigration(number: 9, sql: String(decoding: PackageResources.v0009_uncertainty_sql, as: UTF8.self)),
        CatalogMigration(number: 10, sql: String(decoding: PackageResources.v0010_curation_sql, as: UTF8.self)),
        CatalogMigration(number: 11, sql: String(decoding: PackageResources.v0011_places_sql, as: UTF8.self)),
        CatalogMigration(number: 12, sql: String(decoding: PackageResources.v0012_totals_sql, as: UTF8.self)),
        CatalogMigration(number: 13, sql: String(decoding: PackageResources.v0013_compartments_sql, as: UTF8.self)),
        CatalogMigration(number: 14, sql: String(decoding: PackageResources.v0014_kinds_sql, as: UTF8.self)),
        CatalogMigration(number: 15, sql: String(decoding: PackageResources.v0015_membranes_sql, as: UTF8.self)),
    ]

    /// The schema version that this build of Cellar writes.
    public static var latestNumber: Int { all.count }
}
