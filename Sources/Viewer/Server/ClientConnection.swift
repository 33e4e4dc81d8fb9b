import Basics
import FlyingSocks
import Foundation

/// One connection: reads requests one after the other within the limits, has them answered, and writes the answers.
struct ClientConnection: Sendable {
    private static let partSize = 256 << 10

    let id: Int
    let limits: ServerLimits
    let socket: AsyncSocket
    let registry: ConnectionRegistry
    let workers: RequestWorkers
    let hub: EventHub
    let service: ViewerService

    /// Serves until one of both sides ends it, or a limit does.
    func serve() async {
        var buffer: [UInt8] = []
        do {
            while !Task.isCancelled, try await serveOne(from: &buffer) {}
        } catch {
            // The connection has gone, or was shut down: there is nobody to tell.
        }
    }

    /// - Returns: whether another request may follow.
    private func serveOne(from buffer: inout [UInt8]) async throws -> Bool {
        let head: RequestHead
        let body: [UInt8]
        do {
            head = try await readHead(from: &buffer)
            body = try await readBody(head.bodyLength, from: &buffer)
        } catch let error as ViewerError {
            // Where it ends is not known: nothing after it can be understood.
            try await write(service.refusal(error), keepsAlive: false)
            return false
        }
        let request = ViewerRequest(method: head.method, target: head.target, headers: head.headers, body: body)
        registry.set(id, .working, limit: nil)
        let response = await workers.run(isSlow: ViewerService.isSlow(request)) { [service] in service.respond(to: request) }
        guard var response else {
            let sentence = "too many requests wait; try again in a moment"
            try await write(service.refusal(ViewerError(.busy, sentence)), keepsAlive: head.isKeptAlive)
            return head.isKeptAlive
        }
        if case .events = response.body {
            if head.method == "GET", let events = hub.listen() {
                try await write(events, head: response)
                return false
            }
            response = service.refusal(ViewerError(.busy, "too many pages listen to this server; close some"))
        }
        try await write(response, isHeadOnly: head.method == "HEAD", keepsAlive: head.isKeptAlive)
        return head.isKeptAlive
    }

    // MARK: Reading

    private func readHead(from buffer: inout [UInt8]) async throws -> RequestHead {
        var (searched, hasBegun) = (0, !buffer.isEmpty)
        registry.set(id, .reading, limit: hasBegun ? limits.arrival : limits.idle)
        while true {
            // Empty lines before a request are passed over, as RFC 9112 asks.
            while buffer.starts(with: [13, 10]), searched == 0 { buffer.removeFirst(2) }
            if let end = Self.end(of: buffer, from: searched) {
                defer { buffer.removeFirst(end + RequestHead.end.count) }
                return try RequestHead(buffer[..<end])
            }
            guard buffer.count <= RequestHead.byteLimit else { throw RequestHead.tooLarge }
            searched = max(0, buffer.count - RequestHead.end.count + 1)
            buffer += try await socket.read(atMost: 4096)
            // The time runs from the first byte: one that comes now and then does not prolong it.
            if !hasBegun { registry.set(id, .reading, limit: limits.arrival) }
            hasBegun = true
        }
    }

    /// Where the end of a head begins.
    private static func end(of buffer: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + 4 <= buffer.count {
            if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13, buffer[index + 3] == 10 { return index }
            index += 1
        }
        return nil
    }

    private func readBody(_ length: Int, from buffer: inout [UInt8]) async throws -> [UInt8] {
        // The time that the request may take has begun with its first byte.
        while buffer.count < length { buffer += try await socket.read(atMost: min(4096, length - buffer.count)) }
        defer { buffer.removeFirst(length) }
        return Array(buffer[..<length])
    }

    // MARK: Writing

    private func write(_ response: ViewerResponse, isHeadOnly: Bool = false, keepsAlive: Bool) async throws {
        var (response, counted) = (response, response.bytes.count)
        if !registry.takeOutput(counted) {
            // The few bytes of the refusal are not counted.
            (response, counted) = (
                service.refusal(ViewerError(.busy, "too many answers wait to be read; try again in a moment")), 0
            )
        }
        defer { registry.giveOutput(counted) }
        let bytes = response.bytes
        let length = response.status == 204 ? nil : bytes.count
        let head = ResponseHead.bytes(of: response, length: length, keepsAlive: keepsAlive)
        guard !isHeadOnly, !bytes.isEmpty else { return try await write(Data(head)) }
        // One write where both are small.
        if bytes.count <= Self.partSize { return try await write(Data(head + bytes)) }
        try await write(Data(head))
        for start in stride(from: 0, to: bytes.count, by: Self.partSize) {
            try await write(Data(bytes[start..<min(bytes.count, start + Self.partSize)]))
        }
    }

    private func write(_ events: AsyncStream<String>, head response: ViewerResponse) async throws {
        try await write(Data(ResponseHead.bytes(of: response, length: nil, keepsAlive: false)))
        for await text in events {
            try await write(Data(text.utf8))
            registry.set(id, .working, limit: nil)
        }
    }

    private func write(_ data: Data) async throws {
        registry.set(id, .working, limit: limits.reading)
        try await socket.write(data)
    }
}
