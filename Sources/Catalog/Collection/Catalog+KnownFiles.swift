import GRDB
public import Volumes

extension Catalog {
    /// The files that no command writes over: tomograms, annotations, models, and the catalog's own folder.
    ///
    /// - Complexity: one stat(2) for each.
    public func knownFiles() throws -> KnownFiles {
        var known = KnownFiles.none
        try addKnownFiles(to: &known)
        return known
    }

    /// Adds the files that this catalog knows to those of others.
    public func addKnownFiles(to known: inout KnownFiles) throws {
        let rows = try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    WITH named AS (
                        SELECT tomogram.id AS id, path, 'the tomogram ' || dataset.name || '/' || tomogram.name AS title
                        FROM tomogram JOIN dataset ON dataset.id = dataset_id)
                    SELECT 'an annotation of ' || title, annotation.path FROM annotation JOIN named ON named.id = tomogram_id
                    UNION ALL
                    SELECT title, path FROM named
                    UNION ALL
                    SELECT 'the model ' || name, path FROM model
                    """)
        }
        for row in rows {
            let (title, path): (String, String) = (row[0], row[1])
            known.add(directory.absolutePath(ofStored: path), as: title)
        }
        // Last, so that a model in it is called the catalog's: neither is for others to write.
        known.add(directory.path, as: "the catalog \(directory.path)")
    }
}
