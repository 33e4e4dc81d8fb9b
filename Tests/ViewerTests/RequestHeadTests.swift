import Basics
import TestSupport
import Testing

@testable import Viewer

/// The head of a request, as bytes.
@Suite("The head of a request") struct RequestHeadTests {
    private static func head(_ text: String) throws -> RequestHead { try RequestHead(Array(text.utf8)) }

    @Test("is read as the standard says")
    func reading() throws {
        let head = try Self.head("GET /a%20b?c=d HTTP/1.1\r\nHost: x:1\r\nCookie:a=b \r\ncookie: c=d\r\nAccept: \t x\r\nX-Empty:")
        #expect(head.method == "GET" && head.target == "/a%20b?c=d" && head.isKeptAlive && head.bodyLength == 0)
        #expect(head.headers == ["host": "x:1", "cookie": "a=b; c=d", "accept": "x", "x-empty": ""])
        #expect(try Self.head("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12").bodyLength == 12)
        #expect(try !Self.head("GET / HTTP/1.0\r\nHost: x").isKeptAlive)
        #expect(try !Self.head("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close").isKeptAlive)
    }

    @Test(
        "is refused where two programs could read it differently",
        arguments: [
            "", "GET", "GET /", "GET / HTTP/1.1", "GET / HTTP/2.0\r\nHost: x", "GET  / HTTP/1.1\r\nHost: x",
            "get\u{1} / HTTP/1.1\r\nHost: x",
            "GET http://x/ HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\nHost: x", "GET / HTTP/1.1\r\nHost: x\r\n folded",
            "GET / HTTP/1.1\r\nHost: x\rY: z",
            "GET / HTTP/1.1\r\nHost: x\r\nHost: y", "GET / HTTP/1.1\r\nHost : x", "GET / HTTP/1.1\r\n: x\r\nHost: x",
            "GET / HTTP/1.1\r\nHost: x\r\nnocolon",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked", "GET / HTTP/1.1\r\nHost: x\u{0}y",
            "GET / HTTP/1.1\r\nHost: x\r\nA: \u{7F}",
        ])
    func refusing(text: String) {
        #expect(throws: ViewerError.self) { try Self.head(text) }
    }

    @Test("is refused where it is too large")
    func limits() {
        #expect(throws: ViewerError.self) {
            try Self.head("GET / HTTP/1.1\r\nHost: x\r\nA: " + String(repeating: "a", count: 33_000))
        }
        let fields = (0..<120).map { "A\($0): b" }.joined(separator: "\r\n")
        #expect(throws: ViewerError.self) { try Self.head("GET / HTTP/1.1\r\nHost: x\r\n\(fields)") }
    }

    @Test("no bytes end the process, and what is read keeps within the limits")
    func mutants() throws {
        let text = Array(
            "POST /api/v1/slabs?a=b HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nCookie: a=b\r\nContent-Length: 17\r\nOrigin: http://x"
                .utf8)
        var random = RandomStream(seed: 9)
        var accepted = 0
        for _ in 0..<FuzzCount.usual(2000) {
            var bytes = text
            for _ in 0..<random.integer(in: 1...5) where !bytes.isEmpty {
                let place = random.index(below: bytes.count)
                switch random.index(below: 3) {
                case 0: bytes[place] = UInt8(random.index(below: 256))
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.index(below: 20)))
                default: bytes.insert(contentsOf: bytes.prefix(random.index(below: 30)), at: place)
                }
            }
            guard let head = try? RequestHead(bytes) else { continue }
            accepted += 1
            #expect(head.bodyLength <= RequestHead.bodyLimit && head.headers.count <= RequestHead.fieldLimit)
            #expect(head.headers["host"] != nil && !head.method.isEmpty && head.target.utf8.first == UInt8(ascii: "/"))
        }
        #expect(accepted > 0)
    }
}
