import Catalog
import CellarKit
import Foundation
import Glibc
import TestSupport
import Testing

/// `cellar serve` as a process of its own, on a real socket. Within the process of the tests it would have no threads: tests keep those of all
/// tasks busy, and wait for the server.
@Suite("The server") struct ServerTests {
    /// A server at a free port, which ends with its last reference.
    private final class Running {
        let served: ServedCatalog
        let process = Process()
        let port: UInt16
        let token: String

        init(_ arguments: String...) throws {
            served = try ServedCatalog()
            let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "cellar")
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [program.path, "serve", "--port", "0", "--catalog", served.project.directory.path] + arguments
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            var text = ""
            while !text.contains("\n") {
                let data = output.fileHandleForReading.availableData
                guard !data.isEmpty else { break }
                text += String(decoding: data, as: UTF8.self)
            }
            let match = text.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)\/\?token=([0-9a-f]{32})\n/)
            // What is not made whole is not taken apart again.
            if match == nil { kill(process.processIdentifier, SIGKILL) }
            let found = try #require(match, "\(text)")
            (port, token) = (UInt16(found.1) ?? 0, String(found.2))
        }

        deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

        func client() throws -> RawClient { try RawClient(port: port) }

        func request(_ target: String, method: String = "GET", headers: String = "", body: String = "") -> String {
            let length = body.isEmpty ? "" : "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
            return "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nCookie: cellar_token_\(port)=\(token)\r\n"
                + "\(headers)\(length)\r\n\(body)"
        }
    }

    @Test("answers several requests on one connection, one after the other")
    func answering() throws {
        let running = try Running()
        let client = try running.client()
        for (target, status) in [("/api/v1/session", 200), ("/nothing", 404), ("/api/v1/query?sql=SELECT+1", 200), ("/%", 400)] {
            try client.send(running.request(target))
            let answer = try #require(try client.answer(), "\(target)")
            #expect(answer.head.hasPrefix("HTTP/1.1 \(status) "), "\(target): \(answer.head)")
            #expect(throws: Never.self, "\(target)") { try JSONSerialization.jsonObject(with: Data(answer.body)) }
        }
        try client.send(running.request("/api/v1/session", method: "HEAD"))
        let head = try #require(try client.head())
        #expect(head.hasPrefix("HTTP/1.1 200 ") && head.contains("Content-Length: "))
        // Two requests in one packet, with a body between them.
        let body = #"{"tomogram": 1, "zFirst": 4, "zEnd": 6}"#
        try client.send(
            running.request("/api/v1/slabs", method: "POST", body: body)
                + running.request("/api/v1/session", headers: "Connection: close\r\n"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 200 ") == true)
        let last = try #require(try client.answer())
        #expect(String(decoding: last.body, as: UTF8.self).contains(#""slabs":2"#))
        #expect(try client.answer() == nil, "the connection is closed as was asked")
        #expect(try running.served.catalog.summary().slabs == 2)
    }

    @Test("shows the page to those who have the address that it printed, and ends connections that send no request")
    func tokens() throws {
        let running = try Running("--read-only")
        let client = try running.client()
        let plain = "HTTP/1.1\r\nHost: 127.0.0.1:\(running.port)\r\n"
        try client.send("GET / \(plain)\r\n")
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 401 ") == true)
        try client.send("GET /?token=\(running.token) \(plain)\r\n")
        let entry = try #require(try client.answer())
        #expect(entry.head.hasPrefix("HTTP/1.1 303 ") && entry.head.contains("Set-Cookie: cellar_token_\(running.port)="))
        for (target, type) in [("/", "text/html"), ("/app.css", "text/css"), ("/js/app.js", "text/javascript")] {
            try client.send(running.request(target))
            let answer = try #require(try client.answer(), "\(target)")
            #expect(answer.head.hasPrefix("HTTP/1.1 200 ") && answer.head.contains("Content-Type: \(type)"), "\(answer.head)")
            #expect(answer.head.contains("Content-Security-Policy: default-src 'self'") && !answer.body.isEmpty)
        }
        try client.send(running.request("/api/v1/slabs/1", method: "DELETE"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 403 ") == true)
        for text in ["hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"]
        {
            let other = try running.client()
            try other.send(text)
            let answer = try #require(try other.answer(), "\(text)")
            #expect(answer.head.hasPrefix("HTTP/1.1 4") && String(decoding: answer.body, as: UTF8.self).contains("error"))
            #expect(try other.answer() == nil)
        }
    }

    @Test("many idle connections leave room for one that asks, and Ctrl-C ends all of them")
    func manyConnections() throws {
        let running = try Running()
        // More than it keeps open; half of them have begun to ask.
        let idle = try (0..<300).map { number in
            let client = try running.client()
            if number.isMultiple(of: 2) { try? client.send("GET /api/v1/session HTT") }
            return client
        }
        let client = try running.client()
        try client.send(running.request("/api/v1/session"))
        #expect(try client.answer()?.head.hasPrefix("HTTP/1.1 200 ") == true)
        kill(running.process.processIdentifier, SIGINT)
        #expect(try client.answer() == nil)
        running.process.waitUntilExit()
        #expect(running.process.terminationReason == .exit && running.process.terminationStatus == 0)
        withExtendedLifetime(idle) {}
    }

    @Test("tells who listens that another process has committed")
    func events() throws {
        let running = try Running()
        let client = try running.client()
        try client.send(running.request("/api/v1/events"))
        #expect(try client.head()?.contains("text/event-stream") == true)
        // The state of the catalog comes first.
        #expect(try client.text(upTo: "event: catalog"))
        try running.served.catalog.collection.addSlab(tomogramID: 1, z: 0..<2)
        #expect(try client.text(upTo: "event: catalog"))
    }

    @Test("a port that is in use is an error that says so")
    func portInUse() throws {
        let running = try Running()
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "cellar")
        let words = ["serve", "--port", "\(running.port)", "--catalog", running.served.project.directory.path]
        let result = try SpawnedProgram(program.path, words.map { Array($0.utf8) }, in: running.served.folder.path).run()
        #expect(result.end == .exit(1) && result.errors.contains("is in use") && result.output.isEmpty, "\(result)")
    }
}
