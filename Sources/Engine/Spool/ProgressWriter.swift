import Basics
import Foundation
import Synchronization

/// Writes the progress file of a task: when an item begins, and at most once a second while it goes on.
///
/// An error is ignored: the file is for people and for the guess at what a worker was at when it ended; results are files of their own.
final class ProgressWriter: Sendable {
    private static let intervalInSeconds = 1.0
    /// Where nothing is new, the file is written after so many intervals, so that others see that the worker is alive.
    private static let beatInterval = 15

    private struct State {
        var progress: TaskProgress
        var isNew = false
        var silence = 0
    }

    private let path: String
    private let state: Mutex<State>
    // Dispatch sources may be used from any thread; their type does not say so.
    private nonisolated(unsafe) let timer: any DispatchSourceTimer

    init(_ path: String, host: String) {
        self.path = path
        state = Mutex(State(progress: TaskProgress(host: host, process: getpid())))
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "progress"))
        timer.schedule(deadline: .now() + Self.intervalInSeconds, repeating: Self.intervalInSeconds)
        timer.setEventHandler { [weak self] in self?.tick() }
        timer.activate()
        state.withLock { write(&$0) }
    }

    func stop() { timer.cancel() }

    /// Notes that an item begins; the file says so before this returns.
    func begin(_ key: Digest) {
        state.withLock { state in
            (state.progress.key, state.progress.fraction, state.progress.note, state.progress.curve) = (key, 0, "", [])
            write(&state)
        }
    }

    func report(_ fraction: Double, _ note: String) {
        state.withLock { ($0.progress.fraction, $0.progress.note, $0.isNew) = (fraction, note, true) }
    }

    func log(_ point: CurvePoint) {
        state.withLock { state in
            state.progress.curve.removeAll { $0.name == point.name && $0.x == point.x }
            state.progress.curve.append(point)
            state.isNew = true
        }
    }

    /// The points of the item in progress.
    var curve: [CurvePoint] { state.withLock(\.progress.curve) }

    private func tick() {
        state.withLock { state in
            state.silence += 1
            if state.isNew || state.silence >= Self.beatInterval { write(&state) }
        }
    }

    private func write(_ state: inout State) {
        state.progress.beat += 1
        (state.isNew, state.silence) = (false, 0)
        try? SealedFile.write(state.progress, to: path, durable: false)
    }
}
