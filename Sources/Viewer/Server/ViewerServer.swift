import Basics
import FlyingSocks
import Foundation
import Synchronization

/// The server: takes connections, keeps them within their limits, and has their requests answered by a ``ViewerService``.
///
/// ```swift
/// let listener = try ListeningSocket(host: "127.0.0.1", port: 8480)
/// let access = ViewerAccess(host: listener.host, port: listener.port)
/// let server = ViewerServer(try ViewerService(project, access: access, isReadOnly: false, version: "1"), on: listener)
/// server.start()
/// try server.wait()
/// ```
package final class ViewerServer: Sendable {
    /// How long requests that are under way may take once the server was asked to stop.
    private static let grace = DispatchTimeInterval.seconds(2)

    private let service: ViewerService
    private let listener: ListeningSocket
    private let pool: SocketPool<ePoll> = .ePoll()
    private let limits: ServerLimits
    private let registry: ConnectionRegistry
    private let workers = RequestWorkers()
    private let hub: EventHub
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let end = DispatchSemaphore(value: 0)
    private let isStopping = Mutex(false)

    package init(_ service: ViewerService, on listener: ListeningSocket, limits: ServerLimits = ServerLimits()) {
        (self.service, self.listener, self.limits) = (service, listener, limits)
        registry = ConnectionRegistry(limits)
        hub = EventHub(service.api.project)
    }

    /// How many connections are open.
    package var connectionCount: Int { registry.count }

    /// Begins to serve, and returns at once.
    package func start() {
        task.withLock { task in
            guard task == nil else { return }
            task = Task { [self] in
                await run()
                end.signal()
            }
        }
    }

    /// Stops: takes no more requests, and ends those under way at the latest after two seconds.
    package func stop() {
        isStopping.withLock { $0 = true }
        hub.stop()
        let task = task.withLock { $0 }
        task?.cancel()
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.grace) { [end] in end.signal() }
    }

    /// Waits until the server has stopped.
    ///
    /// - Throws: ``ViewerError`` where it was not asked to.
    package func wait() throws {
        end.wait()
        // For others that wait.
        end.signal()
        guard isStopping.withLock(\.self) else {
            throw ViewerError(.busy, "the server ended, as its sockets failed; start `cellar serve` again")
        }
    }

    private func run() async {
        defer { try? listener.socket.close() }
        do {
            try await pool.prepare()
            let socket = try AsyncSocket(socket: listener.socket, pool: pool)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [pool] in try? await pool.run() }
                group.addTask { [self] in await accept(from: socket) }
                group.addTask { [registry] in
                    while !Task.isCancelled {
                        registry.expire()
                        try? await Task.sleep(for: .milliseconds(500))
                    }
                }
                // None of them ends by itself: where one does, nothing can be served any more.
                await group.next()
                group.cancelAll()
            }
        } catch {
            // The pool could not be made: nobody can be served.
        }
    }

    /// Takes connections until the task is cancelled. What goes wrong with one of them, or for want of descriptors, passes.
    private func accept(from listening: AsyncSocket) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    let socket = try await listening.accept()
                    Self.prepare(socket.socket.file.rawValue)
                    guard let id = await admit(socket) else {
                        try? socket.close()
                        continue
                    }
                    let connection = ClientConnection(
                        id: id, limits: limits, socket: socket, registry: registry, workers: workers, hub: hub, service: service)
                    group.addTask { [registry] in
                        await connection.serve()
                        registry.leave(id)
                        try? socket.close()
                    }
                } catch is CancellationError {
                    break
                } catch {
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            group.cancelAll()
        }
    }

    /// Takes a connection in, as soon as there is room: others wait in the queue of the system meanwhile.
    ///
    /// - Returns: nil where all are busy for a second.
    private func admit(_ socket: AsyncSocket) async -> Int? {
        for _ in 0..<200 {
            if let id = registry.admit(socket.socket.file.rawValue) { return id }
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return nil }
        }
        return nil
    }

    private static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // An answer's last packet does not wait for the client to confirm those before it.
        var isOn: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }
}
