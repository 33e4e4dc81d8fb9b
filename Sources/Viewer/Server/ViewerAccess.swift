import Basics
import Foundation
import Glibc

/// Who may ask: who has the token, at an address that is this server's, and not at the behest of another site.
///
/// * **Token**: 128 random bits, anew for each server. It comes as a cookie that scripts cannot read and other sites do not cause
///   to be sent, or as `Authorization: Bearer`. For OME-Zarr it may stand in the path (`/t/TOKEN/zarr/…`), for programs that take
///   nothing but an address; so that the token of the page need not be given away for that, another one opens OME-Zarr alone.
/// * **Host**: a name that this server has. A page of another site whose name was made to point here (DNS rebinding) comes with its
///   own name.
/// * **Origin**: where a browser says which site asks, it is this one.
package struct ViewerAccess: Sendable {
    /// 32 hexadecimal digits.
    package let token: String
    /// A token that opens OME-Zarr, and nothing else: what a page hands to other programs.
    package let shareToken: String
    /// The name or address that was given, and the port.
    package let host: String
    package let port: UInt16

    /// The names that the header `Host` may have, without the port.
    private let names: Set<String>
    /// Whether any address of IP may stand there: this computer has several, and an address cannot be rebound.
    private let allowsAddresses: Bool

    /// - Parameter token: nil for a new one.
    package init(host: String, port: UInt16, token: String? = nil) {
        (self.host, self.port) = (host.lowercased(), port)
        self.token = token ?? Self.randomToken()
        shareToken = Self.randomToken()
        var names: Set<String> = ["localhost", "127.0.0.1", "[::1]"]
        names.insert(Self.bracketed(self.host))
        allowsAddresses = !Self.isLoopback(host)
        if allowsAddresses {
            let own = ProcessInfo.processInfo.hostName.lowercased()
            names.formUnion([own, String(own.prefix { $0 != "." })])
        }
        self.names = names
    }

    /// Whether only this computer can reach an address.
    package static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        return host == "localhost" || host == "::1" || host == "[::1]" || (isAddress(host) && host.hasPrefix("127."))
    }

    /// The address that people open, with the token in it. A server for all addresses of this computer names one of them.
    package var address: String {
        let isAnywhere = ["0.0.0.0", "::", "[::]"].contains(host)
        return "http://\(isAnywhere ? ProcessInfo.processInfo.hostName : Self.bracketed(host)):\(port)/?token=\(token)"
    }

    /// Several servers on one computer keep their tokens apart: cookies do not know ports.
    var cookieName: String { "cellar_token_\(port)" }
    var cookie: String { "\(cookieName)=\(token); Path=/; HttpOnly; SameSite=Strict" }

    // MARK: Checks

    /// - Throws: ``ViewerError`` where the request was sent to another name, or by another site.
    ///
    /// - Parameter allowsOtherSites: whether a page of another site may ask, as a viewer of OME-Zarr does.
    func check(_ request: ViewerRequest, allowsOtherSites: Bool) throws(ViewerError) {
        let sent = request.headers["host"]?.lowercased() ?? ""
        guard isOurs(sent) else {
            throw ViewerError(
                .forbidden,
                "this server has no address \(sent.prefix(100)); open the one that `cellar serve` printed, or start it with --host"
            )
        }
        guard let origin = request.headers["origin"]?.lowercased(), origin != "http://\(sent)", !allowsOtherSites else { return }
        throw ViewerError(
            .forbidden,
            "another site (\(origin.prefix(100))) asked, which is not allowed here; open the address that `cellar serve` printed")
    }

    private func isOurs(_ host: String) -> Bool {
        let end = "\(port)"
        var name = host
        if host.hasSuffix(":\(end)") {
            name = String(host.dropLast(end.utf8.count + 1))
        } else if port != 80 {
            return false
        }
        return names.contains(name) || allowsAddresses && Self.isAddress(name)
    }

    /// Whether a request has the token.
    func isAuthorized(_ request: ViewerRequest) -> Bool {
        if let bearer = request.headers["authorization"], bearer.lowercased().hasPrefix("bearer ") {
            return isToken(String(bearer.dropFirst(7)))
        }
        return (request.headers["cookie"] ?? "").split(separator: ";").contains { pair in
            let halves = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            return halves.count == 2 && (halves[0] == cookieName || halves[0] == "cellar_token") && isToken(halves[1])
        }
    }

    func isToken(_ text: String) -> Bool { Self.areEqual(token, text) }

    /// Whether a text opens OME-Zarr: the token, or that which is shared.
    func isShareToken(_ text: String) -> Bool { Self.areEqual(shareToken, text) || isToken(text) }

    /// Compares texts in a time that does not say how far they agree.
    private static func areEqual(_ first: String, _ second: String) -> Bool {
        let (a, b) = (Array(first.utf8), Array(second.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func randomToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private static func bracketed(_ host: String) -> String { host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host }

    /// Whether a text is an address of IPv4, or one of IPv6, with or without brackets.
    private static func isAddress(_ text: String) -> Bool {
        var (four, six) = (in_addr(), in6_addr())
        let plain = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
        return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, plain, &six) == 1
    }
}
