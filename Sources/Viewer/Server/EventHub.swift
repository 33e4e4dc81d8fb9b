import Basics
import CellarKit
import Dispatch
import Foundation
import Synchronization

/// Tells all that listen what happens in the catalog: looks once a second, and only while somebody listens.
final class EventHub: Sendable {
    /// How many may listen at once: each page that is open does.
    static let listenerLimit = 32
    private static let secondsBetweenComments = 15

    private struct State {
        var listeners: [Int: AsyncStream<String>.Continuation] = [:]
        var nextID = 0
        var timer: Timer?
    }

    private let project: Project
    private let queue = DispatchQueue(label: "catalog events")
    private let state = Mutex(State())
    /// Used on the queue alone.
    private let watcher = Watcher()

    private final class Watcher: @unchecked Sendable {
        var events: CatalogEvents?
        var ticks = 0
    }

    init(_ project: Project) { self.project = project }

    /// What happens from now on, as texts of the protocol; nil where too many listen.
    ///
    /// One who does not read on loses the oldest texts: at most 16 wait for each.
    func listen() -> AsyncStream<String>? {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(16))
        let id = state.withLock { state -> Int? in
            guard state.listeners.count < Self.listenerLimit else { return nil }
            state.nextID += 1
            state.listeners[state.nextID] = continuation
            return state.nextID
        }
        guard let id else { return nil }
        continuation.onTermination = { [weak self] _ in self?.remove(id) }
        continuation.yield(": hello\n\n")
        queue.async { [weak self] in self?.begin(with: continuation) }
        return stream
    }

    /// Ends all.
    func stop() {
        let (listeners, timer) = state.withLock { state in
            defer { (state.listeners, state.timer) = ([:], nil) }
            return (Array(state.listeners.values), state.timer)
        }
        timer?.cancel()
        for listener in listeners { listener.finish() }
    }

    private func remove(_ id: Int) {
        let timer = state.withLock { state -> Timer? in
            state.listeners[id] = nil
            guard state.listeners.isEmpty else { return nil }
            defer { state.timer = nil }
            return state.timer
        }
        timer?.cancel()
    }

    // MARK: On the queue

    private func begin(with listener: AsyncStream<String>.Continuation) {
        if let event = try? events().current() { listener.yield(event) }
        let timer = Timer(queue: queue) { [weak self] in self?.tick() }
        let isFirst = state.withLock { state in
            guard state.timer == nil, !state.listeners.isEmpty else { return false }
            state.timer = timer
            return true
        }
        timer.activate()
        if !isFirst { timer.cancel() }
    }

    private func events() throws -> CatalogEvents {
        if let events = watcher.events { return events }
        var events = try CatalogEvents(Project(at: project.directory, steps: project.graph.steps))
        // What was committed before is no news.
        _ = try events.next()
        watcher.events = events
        return events
    }

    private func tick() {
        watcher.ticks += 1
        var texts = watcher.ticks % Self.secondsBetweenComments == 0 ? [": still here\n\n"] : []
        if var events = try? events() {
            texts += (try? events.next()) ?? []
            watcher.events = events
        }
        let listeners = state.withLock { Array($0.listeners.values) }
        for text in texts { for listener in listeners { listener.yield(text) } }
    }
}

/// A timer that fires each second. A source of libdispatch may be used from any thread; its type does not say so.
private struct Timer: @unchecked Sendable {
    private let source: any DispatchSourceTimer

    init(queue: DispatchQueue, _ body: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.schedule(deadline: .now() + 1, repeating: 1, leeway: .milliseconds(100))
        source.setEventHandler(handler: body)
    }

    func activate() { source.activate() }

    func cancel() { source.cancel() }
}
