import Catalog
import Dispatch

/// Notes every few seconds that a run is alive.
final class Heartbeat: Sendable {
    private static let intervalInSeconds = 5.0

    // Dispatch sources may be used from any thread; their type does not say so.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer

    init(_ catalog: Catalog, runID: Int64) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "heartbeat"))
        timer.schedule(deadline: .now() + Self.intervalInSeconds, repeating: Self.intervalInSeconds)
        // A beat that cannot be written is no reason to stop: the lock itself is the kernel's.
        timer.setEventHandler { try? catalog.runs.beat(runID: runID) }
        timer.activate()
    }

    func stop() { timer.cancel() }
}
