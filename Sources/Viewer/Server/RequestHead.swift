import Basics

/// The first part of a request of HTTP/1.1, as bytes became it: method, target and header.
///
/// It takes less than the standard allows (RFC 9112): lines end with CR LF, no header is folded, what decides where a request ends
/// or who asks comes once, and a body comes with its length. So no two programs can read a request differently.
struct RequestHead: Equatable {
    /// The most bytes of the head, fields of the header, and bytes of a body.
    static let (byteLimit, fieldLimit, bodyLimit) = (32 << 10, 100, 64 << 10)
    /// What ends a head.
    static let end: [UInt8] = [13, 10, 13, 10]

    var method = ""
    var target = ""
    /// Names in lower case.
    var headers: [String: String] = [:]
    /// How many bytes follow.
    var bodyLength = 0
    /// Whether the connection may stay open for another request.
    var isKeptAlive = true

    /// Headers that come at most once.
    private static let single: Set<String> = [
        "host", "content-length", "content-type", "transfer-encoding", "authorization", "origin",
    ]

    /// - Parameter bytes: all before ``end``.
    /// - Throws: ``ViewerError`` where it is no request, or one that is too large.
    init(_ bytes: some Collection<UInt8>) throws(ViewerError) {
        guard bytes.count <= Self.byteLimit else { throw Self.tooLarge }
        var lines = try Self.lines(of: bytes)[...]
        try read(first: lines.popFirst() ?? [])
        for line in lines { try read(field: line) }
        guard headers["host"] != nil || method.isEmpty else {
            throw ViewerError(.invalid, "the request has no header Host; send it")
        }
        guard headers["transfer-encoding"] == nil else {
            throw ViewerError(.invalid, "the request comes in chunks; send it with its length, in the header Content-Length")
        }
        if let text = headers["content-length"] {
            guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(text)
            else { throw ViewerError(.invalid, "the header Content-Length is no number; send the length of the body in bytes") }
            guard length <= Self.bodyLimit else {
                throw ViewerError(.tooLarge, "the request has \(length) bytes; send \(Self.bodyLimit) at most")
            }
            bodyLength = length
        }
        let connection = (headers["connection"] ?? "").lowercased()
        if connection.contains("close") { isKeptAlive = false }
    }

    static let tooLarge = ViewerError(.tooLarge, "the header of the request has more than \(byteLimit) bytes; send less")

    private static func lines(of bytes: some Collection<UInt8>) throws(ViewerError) -> [[UInt8]] {
        var (lines, line): ([[UInt8]], [UInt8]) = ([], [])
        var isAfterReturn = false
        for byte in bytes {
            switch (byte, isAfterReturn) {
            case (10, true):
                lines.append(line)
                (line, isAfterReturn) = ([], false)
            case (13, false): isAfterReturn = true
            case (10, false), (_, true):
                throw ViewerError(.invalid, "the request has a line that does not end with CR LF; end each line so")
            case (0..<32, false) where byte != 9:
                throw ViewerError(.invalid, "the request has control characters; leave them out")
            case (127, false): throw ViewerError(.invalid, "the request has control characters; leave them out")
            default: line.append(byte)
            }
        }
        guard !isAfterReturn else {
            throw ViewerError(.invalid, "the request has a line that does not end with CR LF; end each line so")
        }
        lines.append(line)
        guard lines.count <= fieldLimit + 1 else {
            throw ViewerError(.tooLarge, "the request has more than \(fieldLimit) headers; send fewer")
        }
        return lines
    }

    private mutating func read(first line: [UInt8]) throws(ViewerError) {
        let words = line.split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 3, let method = Self.token(words[0]), method.utf8.count <= 20, words[1].first == UInt8(ascii: "/"),
            let target = String(validating: words[1], as: UTF8.self), words[2].starts(with: "HTTP/1.".utf8), words[2].count == 8,
            let minor = words[2].last, minor == UInt8(ascii: "0") || minor == UInt8(ascii: "1")
        else { throw ViewerError(.invalid, "this is no request of HTTP/1.1; begin it with a line such as GET / HTTP/1.1") }
        (self.method, self.target, isKeptAlive) = (method, target, minor == UInt8(ascii: "1"))
    }

    private mutating func read(field line: [UInt8]) throws(ViewerError) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), let name = Self.token(line[..<colon])?.lowercased(),
            let value = String(validating: line[(colon + 1)...], as: UTF8.self)
        else { throw ViewerError(.invalid, "the request has a header that is none; send each as NAME: VALUE") }
        let text = String(value.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        guard let earlier = headers[name] else {
            headers[name] = text
            return
        }
        guard !Self.single.contains(name) else {
            throw ViewerError(.invalid, "the request has the header \(name) twice; send it once")
        }
        headers[name] = earlier + (name == "cookie" ? "; " : ", ") + text
    }

    /// A token as RFC 9110 has it; nil where it is none.
    private static func token(_ bytes: ArraySlice<UInt8>) -> String? {
        guard !bytes.isEmpty, bytes.allSatisfy({ isTokenByte[Int($0)] }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let isTokenByte: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        for byte in "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8 {
            table[Int(byte)] = true
        }
        return table
    }()
}

/// The first part of a response.
enum ResponseHead {
    /// - Parameter length: of the body; nil where it goes on until the connection ends.
    static func bytes(of response: ViewerResponse, length: Int?, keepsAlive: Bool) -> [UInt8] {
        var lines = ["HTTP/1.1 \(response.status) \(phrase(response.status))", "Content-Type: \(response.contentType)"]
        if let length { lines.append("Content-Length: \(length)") }
        lines.append("Connection: \(keepsAlive ? "keep-alive" : "close")")
        // No value of ours has an end of a line; were there one, it could not begin another header.
        lines += response.headers.map { "\($0.name): \($0.value.filter { !$0.isNewline })" }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 303: "See Other"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        default: status < 500 ? "Refused" : "Internal Server Error"
        }
    }
}
