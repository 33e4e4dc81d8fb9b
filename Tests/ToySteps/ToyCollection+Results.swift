import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import GRDB
import Volumes

extension ToyCollection {
    /// The results that stand, of training sets those of the current one, by names that another catalog of the same tomograms would use too, as the texts that the
    /// toy steps wrote: `slab toys/a 3..<6 volume`.
    public func results() throws -> [String: String] {
        let rows = try catalog.unsafeRead { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT v_step.step, ifnull(v_step.dataset || '/' || v_step.tomogram, v_step.training_set) AS owner,
                        v_step.z_first, v_step.z_end,
                        annotation.path AS annotation, trace_output.name AS output, trace_output.value,
                        artifact.digest, artifact.state
                    FROM v_step
                    JOIN trace_output ON trace_output.trace_id = v_step.trace_id
                    LEFT JOIN artifact ON artifact.id = trace_output.artifact_id
                    LEFT JOIN annotation ON v_step.scope = 'annotation' AND annotation.id = v_step.scope_id
                    LEFT JOIN v_training_set ON v_training_set.name = v_step.training_set
                    WHERE ifnull(is_current, 1)
                    """)
        }
        var results: [String: String] = [:]
        for row in rows {
            var words: [String] = [row["step"], row["owner"]]
            if let first: Int = row["z_first"], let end: Int = row["z_end"] { words.append("\(first)..<\(end)") }
            if let path: String = row["annotation"] { words.append(URL(fileURLWithPath: path).lastPathComponent) }
            words.append(row["output"])
            let text: String
            if let value: String = row["value"] {
                text = try JSONDecoder().decode(String.self, from: Data(value.utf8))
            } else if let digest: Digest = row["digest"], row["state"] == ArtifactRecord.State.present {
                text = try ToyText.read(store.open(digest))
            } else {
                text = "evicted"
            }
            guard results.updateValue(text, forKey: words.joined(separator: " ")) == nil else {
                throw ToyError(description: "two results are called \(words)")
            }
        }
        return results
    }

    /// What must hold in every catalog at every moment: a sentence for each breach.
    ///
    /// Checks the database, that every artifact that is present in it is whole in the store, and that every trace that
    /// is done names all that its key stands for.
    public func breaches() throws -> [String] {
        var breaches = try catalog.integrityProblems()
        for artifact in try catalog.results.artifacts() where artifact.state == .present {
            do {
                try store.verify(artifact.digest, deep: true)
            } catch {
                breaches.append("\(error)")
            }
        }
        let questions = [
            "a trace is done and has no output": """
            SELECT count(*) FROM trace WHERE status = 'done'
            AND NOT EXISTS (SELECT 1 FROM trace_output WHERE trace_output.trace_id = trace.id)
            """,
            "a result stands whose trace is not done": """
            SELECT count(*) FROM head LEFT JOIN trace ON trace.id = head.trace_id WHERE status IS NOT 'done'
            """,
            "a result stands under another key than its trace's": """
            SELECT count(*) FROM head JOIN trace ON trace.id = head.trace_id WHERE head.key <> trace.key
            """,
            "a result stands whose digest is not its trace's": """
            SELECT count(*) FROM head JOIN trace_output USING (trace_id) WHERE head.outputs <> trace_output.digest
            """,
        ]
        for (sentence, sql) in questions.sorted(by: { $0.key < $1.key }) {
            let count = try catalog.unsafeRead { try Int.fetchOne($0, sql: sql) ?? 0 }
            if count > 0 { breaches.append("\(sentence) (\(count))") }
        }
        return breaches
    }
}
