import Foundation
import Glibc

/// A client that sends and reads bytes, and waits at most ten seconds for any.
final class RawClient {
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
