import Basics
import Catalog
import CatalogSchema
import Foundation
import Volumes

/// The receipt of a run: what it did, as a JSON file beside the catalog, for people, for Git, and in case the database is lost.
struct RunReceipt: Codable, Sendable {
    struct StepCount: Codable, Sendable {
        var step: String
        var version: Int
        var items: Int
        var configuration: String
    }

    var run: Int64
    var endedAt: String
    var host: String
    var user: String
    var version: String
    var command: String
    var ran: Int
    /// The number of items that were found again; `kept` in the file.
    var foundAgain: Int
    var failed: Int
    var skipped: Int
    var seconds: Double
    var failures: [String]
    var steps: [StepCount]
    var recipe: [String: String]

    enum CodingKeys: String, CodingKey {
        case run, endedAt, host, user, version, command, ran
        case foundAgain = "kept"
        case failed, skipped, seconds, failures, steps, recipe
    }

    init(report: RunReport, plan: Plan, options: Runner.Options, owner: RunOwner, recipe: Recipe) {
        run = report.runID
        endedAt = Timestamp.now
        host = owner.host
        user = owner.user
        version = options.version
        command = options.command
        ran = report.progress.ran
        foundAgain = report.progress.foundAgain
        failed = report.progress.failed
        skipped = report.progress.skipped
        seconds = report.progress.elapsedSeconds
        failures = report.failures
        steps = zip(plan.setups, plan.summaries).map { setup, summary in
            StepCount(
                step: setup.step.name, version: setup.step.version, items: summary.total,
                configuration: setup.configuration.digest.hexadecimal)
        }
        self.recipe = Dictionary(uniqueKeysWithValues: recipe.entries.map { ($0.key, recipe[$0.key]?.text ?? "") })
    }

    /// - Throws: ``CatalogError`` where the file cannot be written.
    func write(in directory: CatalogDirectory) throws(CatalogError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let path = "\(directory.receipts)/run-" + String(format: "%06lld", run) + ".json"
        do {
            try SmallFile(path).replace(Array(encoder.encode(self)))
        } catch {
            throw CatalogError(
                .storage, "run \(run) is done and in the catalog, but its receipt \(path) could not be written: \(error)")
        }
    }
}
