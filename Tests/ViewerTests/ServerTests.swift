import Catalog
import CellarKit
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Viewer

/// The server on a real socket of this computer.
@Suite("The server") struct ServerTests {
    /// A server at a free port, which stops with its last reference.
    private final class Running {
        let served: ServedCatalog
        let server: ViewerServer
        let port: UInt16

        init(_ limits: ServerLimits = ServerLimits()) throws {
            served = try ServedCatalog()
            let listener = try ListeningSocket(host: "127.0.0.1", port: 0)
            port = listener.port
            server = ViewerServer(try served.service(port: port), on: listener, limits: limits)
            server.start()
        }

        deinit { server.stop() }

        func client() throws -> RawClient { try RawClient(port: port) }

        func request(_ target: String, headers: String = "") -> String {
            "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nCookie: cellar_token_\(port)=\(ServedCatalog.token)\r\n\(headers)\r\n"
        }
    }

    @Test("answers several requests on one connection, one after the other")
    func answering() throws {
        let running = try Running()
        let client = try running.client()
        for target in ["/api/v1/session", "/api/v1/tomograms?limit=1", "/nothing", "/api/v1/query?sql=SELECT+1"] {
            try client.send(running.request(target))
            let answer = try #require(try client.answer(), "\(target)")
            #expect(answer.head.hasPrefix(target == "/nothing" ? "HTTP/1.1 404 " : "HTTP/1.1 200 "), "\(answer.head)")
            #expect(throws: Never.self, "\(target)") { try JSONSerialization.jsonObject(with: Data(answer.body)) }
        }
        // Two requests in one packet, with a body between them.
        let body = #"{"tomogram": 1, "zFirst": 4, "zEnd": 6}"#
        let post = running.request(
            "/api/v1/slabs", headers: "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        )
        .replacing("GET", with: "POST", maxReplacements: 1)
        try client.send(post + body + running.request("/api/v1/session", headers: "Connection: close\r\n"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 200 ") == true)
        let last = try #require(try client.answer())
        #expect(String(decoding: last.body, as: UTF8.self).contains(#""slabs":2"#))
        #expect(try client.answer() == nil, "the connection is closed as was asked")
    }

    @Test("HEAD gives the header alone, and what is no request ends the connection with a sentence")
    func oddRequests() throws {
        let running = try Running()
        let client = try running.client()
        try client.send(running.request("/api/v1/session").replacing("GET", with: "HEAD", maxReplacements: 1))
        let head = try #require(try client.head())
        #expect(head.hasPrefix("HTTP/1.1 200 ") && head.contains("Content-Length: "))
        try client.send(running.request("/api/v1/session"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 200 ") == true)
        for text in ["hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"]
        {
            let other = try running.client()
            try other.send(text)
            let answer = try #require(try other.answer(), "\(text)")
            #expect(answer.head.hasPrefix("HTTP/1.1 4") && String(decoding: answer.body, as: UTF8.self).contains("error"))
            #expect(try other.answer() == nil)
        }
    }

    @Test("ends requests that arrive too slowly, and connections that are idle")
    func slowClients() throws {
        var limits = ServerLimits()
        (limits.arrival, limits.idle) = (.milliseconds(300), .milliseconds(300))
        let running = try Running(limits)
        let slow = try running.client()
        try slow.send("GET /api/v1/session HTT")
        let idle = try running.client()
        // The clients wait for at most ten seconds; the server looks twice a second.
        #expect(try slow.answer() == nil)
        #expect(try idle.answer() == nil)
        let client = try running.client()
        try client.send(running.request("/api/v1/session"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 200 ") == true)
    }

    @Test("many idle connections leave room for one that asks")
    func manyConnections() throws {
        var limits = ServerLimits()
        limits.connections = 8
        let running = try Running(limits)
        let idle = try (0..<60).map { _ in try running.client() }
        let client = try running.client()
        try client.send(running.request("/api/v1/session"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 200 ") == true)
        #expect(running.server.connectionCount <= 10)
        withExtendedLifetime(idle) {}
    }

    @Test("tells who listens that something was committed")
    func events() throws {
        let running = try Running()
        let client = try running.client()
        try client.send(running.request("/api/v1/events"))
        let head = try #require(try client.head())
        #expect(head.contains("text/event-stream"))
        // The state of the catalog comes first.
        #expect(try client.text(upTo: "event: catalog"))
        try running.served.catalog.collection.addSlab(tomogramID: 1, z: 0..<2)
        #expect(try client.text(upTo: "event: catalog"))
    }

    @Test("stops when it is asked to, also with connections that are open")
    func stopping() throws {
        let running = try Running()
        let client = try running.client()
        try client.send(running.request("/api/v1/session"))
        #expect(try client.answer() != nil)
        running.server.stop()
        try running.server.wait()
        #expect(try client.answer() == nil)
    }

    @Test("a port that is in use is an error that says so")
    func portInUse() throws {
        let listener = try ListeningSocket(host: "127.0.0.1", port: 0)
        #expect(throws: ViewerError.self) { try ListeningSocket(host: "127.0.0.1", port: listener.port) }
        #expect(throws: ViewerError.self) { try ListeningSocket(host: "192.0.2.1", port: 0) }
        withExtendedLifetime(listener) {}
    }
}

/// A client that sends and reads bytes, and waits at most ten seconds for any.
private final class RawClient {
    struct Failure: Error {
        let message: String
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw Failure(message: "cannot connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(message: "cannot send")
        }
    }

    /// Reads what there is; false at the end of the connection.
    private func read() throws -> Bool {
        var part = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &part, part.count, 0)
        if count > 0 {
            buffer += part[..<count]
            return true
        }
        // A connection that is ended while bytes are unread is reset.
        if count == 0 || errno == ECONNRESET { return false }
        throw Failure(message: "nothing came within ten seconds")
    }

    /// The head of the next answer; nil where the connection ends before.
    func head() throws -> String? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let place = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                defer { buffer.removeFirst(place + end.count) }
                return String(decoding: buffer[..<place], as: UTF8.self)
            }
            guard try read() else { return nil }
        }
    }

    /// The next answer; nil where the connection ends before.
    func answer() throws -> (head: String, body: [UInt8])? {
        guard let head = try head() else { return nil }
        let length = head.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
        while buffer.count < length { guard try read() else { return nil } }
        defer { buffer.removeFirst(length) }
        return (head, Array(buffer[..<length]))
    }

    /// Reads until a text has come; false where the connection ends before.
    func text(upTo text: String) throws -> Bool {
        let end = Array(text.utf8)
        while true {
            if let place = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                buffer.removeFirst(place + end.count)
                return true
            }
            guard try read() else { return false }
        }
    }
}
