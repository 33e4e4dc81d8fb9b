import Basics
import FlyingSocks
import Foundation

/// A socket that waits for connections at an address, before anybody serves them: so the port is known when the token is printed.
package final class ListeningSocket: Sendable {
    let socket: Socket
    package let host: String
    package let port: UInt16

    /// - Parameters:
    ///   - host: an address of IPv4 or IPv6, or a name.
    ///   - port: 0 for any that is free.
    /// - Throws: ``ViewerError`` where the name is not known, or the port is in use.
    package init(host: String, port: UInt16) throws {
        self.host = host
        let place = "port \(port) of \(host)"
        do {
            switch try Self.address(of: host, port: port) {
            case .four(let address): socket = try Self.listen(at: address)
            case .six(let address): socket = try Self.listen(at: address)
            }
        } catch SocketError.failed(_, EADDRINUSE, _) {
            throw ViewerError(.invalid, "\(place) is in use; choose another one with --port, or 0 for any that is free")
        } catch SocketError.failed(_, EACCES, _) {
            throw ViewerError(.invalid, "\(place) is not for this user; choose one from 1024 on with --port")
        } catch SocketError.failed(_, _, let message) {
            throw ViewerError(.invalid, "\(place) cannot be used (\(message)); choose another one with --port")
        }
        do {
            switch try socket.sockname() {
            case .ip4(_, let port), .ip6(_, let port): self.port = port
            case .unix: self.port = port
            }
        } catch {
            try? socket.close()
            throw ViewerError(.invalid, "\(place) cannot be used (\(error.localizedDescription)); start `cellar serve` again")
        }
    }

    private enum Address {
        case four(sockaddr_in)
        case six(sockaddr_in6)
    }

    private static func listen(at address: some SocketAddress) throws -> Socket {
        let socket = try Socket(domain: Int32(type(of: address).family))
        do {
            // A program that is started, such as a browser, gets no socket of this one.
            _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC)
            try socket.setValue(true, for: .localAddressReuse)
            try socket.bind(to: address)
        } catch {
            try? socket.close()
            throw error
        }
        // It closes the socket itself where it fails.
        try socket.listen(maxPendingConnection: 128)
        return socket
    }

    /// The first address of a name; one of IPv4 where it has both.
    private static func address(of host: String, port: UInt16) throws -> Address {
        let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &hints, &list)
        guard status == 0 else {
            let reason = gai_strerror(status).map { String(cString: $0) } ?? "unknown"
            throw ViewerError(.invalid, "\(host) is no address of this computer: \(reason); --host names one, such as 127.0.0.1")
        }
        defer { freeaddrinfo(list) }
        var six: sockaddr_in6?
        var next = list
        while let entry = next?.pointee {
            if entry.ai_family == AF_INET {
                var address = sockaddr_in()
                memcpy(&address, entry.ai_addr, MemoryLayout<sockaddr_in>.size)
                address.sin_port = port.bigEndian
                return .four(address)
            }
            if entry.ai_family == AF_INET6, six == nil {
                var address = sockaddr_in6()
                memcpy(&address, entry.ai_addr, MemoryLayout<sockaddr_in6>.size)
                address.sin6_port = port.bigEndian
                six = address
            }
            next = entry.ai_next
        }
        guard let six else { throw ViewerError(.invalid, "\(host) has no address of IP; --host names one, such as 127.0.0.1") }
        return .six(six)
    }
}
