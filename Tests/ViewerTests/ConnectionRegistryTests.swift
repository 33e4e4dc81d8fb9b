import Glibc
import TestSupport
import Testing

@testable import Viewer

/// What clients may take of the server: time, places and memory.
@Suite("Connections") struct ConnectionRegistryTests {
    /// Both ends of a connection; the server has the first.
    private final class Pair {
        let server: Int32
        let client: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            (server, client) = (ends[0], ends[1])
        }

        deinit {
            close(server)
            close(client)
        }

        /// Whether the server has ended it.
        var isEnded: Bool {
            var byte: UInt8 = 0
            return recv(client, &byte, 1, Int32(MSG_DONTWAIT)) == 0
        }
    }

    @Test("those whose time is over are ended, and no others")
    func deadlines() throws {
        let registry = ConnectionRegistry(ServerLimits())
        let pairs = try (0..<4).map { _ in try Pair() }
        let ids = try pairs.map { try #require(registry.admit($0.server)) }
        registry.set(ids[0], .reading, limit: .seconds(-1))
        registry.set(ids[1], .working, limit: .seconds(-1))
        registry.set(ids[2], .working, limit: nil)
        registry.set(ids[3], .reading, limit: .seconds(1000))
        registry.expire()
        #expect(pairs.map(\.isEnded) == [true, true, false, false])
        // One that has left is never touched again.
        registry.set(ids[3], .reading, limit: .seconds(-1))
        registry.leave(ids[3])
        registry.expire()
        #expect(!pairs[3].isEnded && registry.count == 3)
    }

    @Test("the one that has waited longest makes room, and none that works")
    func places() throws {
        var limits = ServerLimits()
        limits.connections = 4
        let registry = ConnectionRegistry(limits)
        let pairs = try (0..<7).map { _ in try Pair() }
        let ids = try pairs[..<4].map { try #require(registry.admit($0.server)) }
        registry.set(ids[0], .working, limit: nil)
        let fifth = try #require(registry.admit(pairs[4].server))
        #expect(pairs.map(\.isEnded) == [false, true, false, false, false, false, false])
        #expect(registry.admit(pairs[5].server) == nil, "a quarter more may be open while others go")
        registry.leave(ids[1])
        for id in [ids[2], ids[3], fifth] { registry.set(id, .working, limit: nil) }
        #expect(registry.admit(pairs[6].server) == nil, "all are at work")
        registry.leave(fifth)
        #expect(registry.admit(pairs[6].server) != nil)
        #expect(registry.count == 4)
    }

    @Test("answers that nobody reads take no more memory than is allowed")
    func output() {
        var limits = ServerLimits()
        limits.outputBytes = 100
        let registry = ConnectionRegistry(limits)
        #expect(registry.takeOutput(60))
        #expect(!registry.takeOutput(41))
        #expect(registry.takeOutput(40))
        registry.giveOutput(60)
        registry.giveOutput(40)
        #expect(registry.takeOutput(1000), "one answer may be as large as it is")
    }

    @Test("requests are answered by threads of their own, each once")
    func workers() async {
        let workers = RequestWorkers(quickThreads: 2, slowThreads: 1)
        let answers = await withTaskGroup(of: Int?.self) { group in
            for number in 0..<40 {
                group.addTask {
                    await workers.run(isSlow: number.isMultiple(of: 2)) { ViewerResponse(status: number, contentType: "") }?
                        .status
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.compactMap(\.self).sorted() == Array(0..<40))
    }
}
