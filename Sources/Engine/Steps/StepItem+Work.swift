internal import Basics
internal import Catalog
public import Foundation

/// What an item that takes long leaves and tells while it runs. None of it is part of the result.
extension StepItem {
    /// How often an item's reports are passed on.
    private static let reportIntervalInSeconds = 0.1

    /// A folder that belongs to the item's key, made when it is asked for first: `work/<key>/` in the catalog.
    ///
    /// It outlives a kill, a cancellation and a failure, so that the same item, with the same inputs and parameters, finds
    /// there what it left the last time. It goes when the item's result is in the catalog. A process may be killed at any
    /// moment: write a file under another name, and rename it when it is complete.
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

    /// Logs a point of a curve, which `v_curve` shows at once, also to other processes. A point that was logged under the
    /// same name and x for the same key before is replaced, so that an item that goes on from where it was stopped may
    /// repeat some. Values that are not finite are left out.
    ///
    /// - Complexity: one commit to disk: for epochs, not for each of a million batches.
    /// - Throws: ``CatalogError`` where the catalog cannot be written, which ends the run.
    public func log(_ name: String, at x: Int, _ value: Double) throws {
        guard value.isFinite else { return }
        try recorder.log(name, x, value)
    }

    /// Says how far the item is, for the progress line and its estimate of the time that is left.
    ///
    /// Cheap: may be called as often as one likes.
    ///
    /// - Parameters:
    ///   - fraction: from 0 to 1; one that goes on from where it was stopped begins where it is.
    ///   - note: in a few words: `epoch 12 of 60`.
    public func report(_ fraction: Double, _ note: String) {
        guard fraction.isFinite else { return }
        let now = ContinuousClock.now
        if let last = lastReport, fraction < 1, (now - last).inSeconds < Self.reportIntervalInSeconds { return }
        lastReport = now
        recorder.report(min(1, max(0, fraction)), note)
    }
}

/// Where an item at work tells how it goes, before it is done.
struct ItemRecorder: Sendable {
    /// The folder in which every item may have one of its own.
    let workFolder: String
    /// Writes a point of a curve.
    let log: @Sendable (_ name: String, _ x: Int, _ value: Double) throws -> Void
    /// Says how far the item is.
    let report: @Sendable (_ fraction: Double, _ note: String) -> Void
}
