public import Basics

/// The public views of the catalog (`views.md`), as the SQL that makes them.
///
/// They are no part of migrations: a catalog keeps the digest of the text that made its views, and opening it makes them anew
/// where this build has another text. So a column is added in one file.
public enum PublicViews {
    /// The files of `Views/`, in the order of their names.
    private static let files = [
        PackageResources.collection_sql, PackageResources.evaluation_sql, PackageResources.metrics_sql,
        PackageResources.objects_sql, PackageResources.results_sql, PackageResources.runs_sql, PackageResources.training_sql,
    ]

    /// One CREATE VIEW for each view.
    public static let sql = files.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")

    /// The digest of ``sql``, which a catalog keeps beside its views.
    public static let digest = Digest(of: sql.utf8)
}
