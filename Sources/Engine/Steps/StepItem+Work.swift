internal import Basics
internal import Catalog
public import Foundation

/// The work folder, curves and reports of an item that takes long. None of them is part of the result.
extension StepItem {
    /// The shortest time between two reports that are passed on.
    private static let reportIntervalInSeconds = 0.1

    /// The folder of the item's key, `work/<key>/` in the catalog, made at the first call.
    ///
    /// It stays after a kill, a cancellation and a failure, so that the same item, with the same inputs and parameters, can continue from its files.
    /// It is removed when the item's result is in the catalog. A process may be killed at any moment: write a file under another name, and rename
    /// it when it is complete.
    ///
    /// - Throws: ``EngineError`` where it cannot be made.
    public func workspace() throws -> URL {
        let url = URL(fileURLWithPath: workspacePath, isDirectory: true)
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw EngineError(
                .workspace,
                "the folder \(workspacePath) could not be made: \(error.localizedDescription); check disk and permissions")
        }
        return url
    }

    /// Logs a point of a curve, which `v_curve` shows at once, also to other processes. It replaces a point of the same key, name and x, so that an item
    /// that continues after a stop may log some points again. Values that are not finite are left out.
    ///
    /// - Complexity: one commit to disk: suitable for epochs, not for each of a million batches.
    /// - Throws: ``CatalogError`` where the catalog cannot be written, which ends the run.
    public func log(_ name: String, at x: Int, _ value: Double) throws {
        guard value.isFinite else { return }
        try recorder.log(name, x, value)
    }

    /// Reports the progress of the item, for the progress line and the estimate of the time that is left.
    ///
    /// - Complexity: cheap; reports within a tenth of a second are dropped.
    ///
    /// - Parameters:
    ///   - fraction: the part that is done, from 0 to 1. An item that continues after a stop begins above 0.
    ///   - note: a few words: `epoch 12 of 60`.
    public func report(_ fraction: Double, _ note: String) {
        guard fraction.isFinite else { return }
        let now = ContinuousClock.now
        if let last = lastReport, fraction < 1, (now - last).inSeconds < Self.reportIntervalInSeconds { return }
        lastReport = now
        recorder.report(min(1, max(0, fraction)), note)
    }
}

/// Takes the curves and reports of an item in progress.
struct ItemRecorder: Sendable {
    /// The folder of all items' work folders.
    let workFolder: String
    /// Stores a point of a curve.
    let log: @Sendable (_ name: String, _ x: Int, _ value: Double) throws -> Void
    /// Takes a report.
    let report: @Sendable (_ fraction: Double, _ note: String) -> Void
}
