package import Basics
package import CatalogSchema
internal import Volumes

/// What became of one item of a step, as it is written to the catalog.
package enum ItemOutcome: Sendable {
    /// It ran.
    case done(Completed)
    /// An earlier trace has its key.
    case adopted(stepID: Int64, scopeID: Int64, key: Digest, trace: KnownTrace)
    /// It failed, or was skipped because something before it failed.
    case trouble(Trouble)

    /// The digest of everything it was, or would have been, computed from; nil where an input was not known.
    package var key: Digest? {
        switch self {
        case .done(let item): item.key
        case .adopted(_, _, let key, _): key
        case .trouble(let trouble): trouble.key
        }
    }

    package struct Completed: Sendable {
        package var stepID: Int64
        package var scopeID: Int64
        package var configurationID: Int64
        package var key: Digest
        package var startedAt: String
        package var seconds: Double
        package var inputs: [Input]
        /// What a training set's inputs are made of.
        package var members: [Member]
        /// By ascending name.
        package var outputs: [Output]
        package var metrics: [(name: String, value: Double)]
        package var objects: [FoundObject]

        package init(
            stepID: Int64, scopeID: Int64, configurationID: Int64, key: Digest, startedAt: String, seconds: Double,
            inputs: [Input], members: [Member] = [], outputs: [Output], metrics: [(name: String, value: Double)],
            objects: [FoundObject] = []
        ) {
            self.stepID = stepID
            self.scopeID = scopeID
            self.configurationID = configurationID
            self.key = key
            self.startedAt = startedAt
            self.seconds = seconds
            self.inputs = inputs
            self.members = members
            self.outputs = outputs.sorted { $0.name < $1.name }
            self.metrics = metrics
            self.objects = objects
        }
    }

    package struct Input: Sendable, Hashable {
        package var name: String
        package var digest: Digest
        package var value: String?

        package init(name: String, digest: Digest, value: String?) {
            self.name = name
            self.digest = digest
            self.value = value
        }
    }

    /// A member of a training set as one input has it.
    package struct Member: Sendable, Hashable {
        package var input: String
        package var tomogramID: Int64
        /// `dataset/name`
        package var tomogram: String
        /// What it is called within its tomogram.
        package var label: String
        package var digest: Digest

        package init(input: String, tomogramID: Int64, tomogram: String, label: String, digest: Digest) {
            self.input = input
            self.tomogramID = tomogramID
            self.tomogram = tomogram
            self.label = label
            self.digest = digest
        }
    }

    package struct Output: Sendable, Hashable {
        package enum Content: Sendable, Hashable {
            case value(String)
            case artifact(kind: String, bytes: Int, evictable: Bool)
        }

        package var name: String
        package var digest: Digest
        package var content: Content

        package init(name: String, digest: Digest, content: Content) {
            self.name = name
            self.digest = digest
            self.content = content
        }
    }

    package struct Trouble: Sendable {
        package var stepID: Int64
        package var scopeID: Int64
        package var configurationID: Int64
        /// `failed` or `skipped`.
        package var status: TraceRecord.Status
        package var key: Digest?
        package var startedAt: String
        package var seconds: Double
        package var error: String

        package init(
            stepID: Int64, scopeID: Int64, configurationID: Int64, status: TraceRecord.Status, key: Digest?, startedAt: String,
            seconds: Double, error: String
        ) {
            self.stepID = stepID
            self.scopeID = scopeID
            self.configurationID = configurationID
            self.status = status
            self.key = key
            self.startedAt = startedAt
            self.seconds = seconds
            self.error = error
        }
    }
}
