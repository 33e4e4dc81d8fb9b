import Catalog
import Foundation
import TestSupport
import Testing

@testable import Viewer

/// Who is answered, and who is not.
@Suite("Access") struct ViewerAccessTests {
    private static let token = ServedCatalog.token

    @Test("the token comes as a cookie, as a bearer, or in the path of OME-Zarr; without it nothing is shown")
    func tokens() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        func status(_ target: String, _ headers: [String: String]) -> Int {
            service.respond(to: ServedCatalog.request(target, headers: ["cookie": ""].merging(headers) { $1 })).status
        }
        let page = "/api/v1/session"
        #expect(status(page, ["cookie": "a=b; cellar_token_8480=\(Self.token)"]) == 200)
        #expect(status(page, ["authorization": "Bearer \(Self.token)"]) == 200)
        for wrong in [
            "", "cellar_token_8480=", "cellar_token_8480=\(Self.token)0", "cellar_token_1=\(Self.token)", "=;;=",
            "cellar_token_8480",
        ] {
            #expect(status(page, ["cookie": wrong]) == 401, "\(wrong)")
        }
        #expect(status(page, ["authorization": "Bearer x", "cookie": "cellar_token_8480=\(Self.token)"]) == 401)
        #expect(status("\(page)?token=\(Self.token)", [:]) == 401, "only the first page takes it from the address")
        for target in ["/api/v1/nothing", "/app.css", "/zarr/d/t1.zarr/.zattrs", "/t/x/zarr/d/t1.zarr/.zattrs", "/t/x"] {
            #expect(status(target, [:]) == 401, "\(target)")
        }
        #expect(status("/t/\(Self.token)/zarr/d/t1.zarr/.zattrs", [:]) != 401)
        #expect(status("/t/\(Self.token)/api/v1/session", [:]) == 404)
        let share = service.access.shareToken
        #expect(status("/t/\(share)/zarr/d/t1.zarr/.zattrs", [:]) != 401)
        #expect(status(page, ["authorization": "Bearer \(share)"]) == 401, "what is shared opens OME-Zarr alone")
        let first = service.respond(to: ServedCatalog.request("/", headers: ["cookie": ""]))
        #expect(first.status == 401 && String(decoding: first.bytes, as: UTF8.self).contains("cellar serve"))
        let entry = service.respond(to: ServedCatalog.request("/?token=\(Self.token)", headers: ["cookie": ""]))
        #expect(entry.status == 303 && entry.header("Location") == "/")
        let cookie = try #require(entry.header("Set-Cookie"))
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains(Self.token))
    }

    @Test("tokens are random, and long enough")
    func random() {
        let tokens = (0..<50).map { _ in ViewerAccess(host: "127.0.0.1", port: 1).token }
        #expect(Set(tokens).count == 50)
        #expect(tokens.allSatisfy { $0.utf8.count == 32 && $0.allSatisfy(\.isHexDigit) })
        let access = ViewerAccess(host: "::1", port: 7, token: "abc")
        #expect(access.address == "http://[::1]:7/?token=abc")
    }

    @Test(
        "a name that is not this server's is refused: another site may have made it point here",
        arguments: [
            ("127.0.0.1:8480", true), ("localhost:8480", true), ("LOCALHOST:8480", true), ("[::1]:8480", true), ("", false),
            ("127.0.0.1", false), ("127.0.0.1:80", false), ("evil.example:8480", false), ("127.0.0.1.evil.example:8480", false),
            ("localhost.evil.example:8480", false), ("192.168.0.1:8480", false), ("localhost:8480:8480", false), (":8480", false),
        ])
    func hosts(host: String, isOurs: Bool) throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        let answer = service.respond(to: ServedCatalog.request("/api/v1/session", headers: ["host": host]))
        #expect(answer.status == (isOurs ? 200 : 403))
    }

    @Test("a server for other computers knows its addresses, but no other name")
    func otherHosts() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service(host: "0.0.0.0")
        for (host, isOurs) in [
            ("10.0.0.7:8480", true), ("[fe80::1]:8480", true), ("localhost:8480", true), ("evil.example:8480", false),
        ] {
            let request = ServedCatalog.request("/api/v1/session", headers: ["host": host])
            #expect(service.respond(to: request).status == (isOurs ? 200 : 403), "\(host)")
        }
        let named = try served.service(host: "cellar.lab.example")
        let request = ServedCatalog.request("/api/v1/session", headers: ["host": "cellar.lab.example:8480", "cookie": ""])
        #expect(named.respond(to: request).status == 401, "the name is right, and the token is missing")
        #expect(!ViewerAccess.isLoopback("0.0.0.0") && !ViewerAccess.isLoopback("127.evil.example"))
        #expect(ViewerAccess.isLoopback("127.0.0.1") && ViewerAccess.isLoopback("::1") && ViewerAccess.isLoopback("localhost"))
    }

    @Test("another site may read OME-Zarr with a token, and nothing else")
    func origins() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        func status(_ target: String, _ origin: String, method: String = "GET") -> Int {
            service.respond(to: ServedCatalog.request(target, method: method, headers: ["origin": origin])).status
        }
        #expect(status("/api/v1/session", "http://127.0.0.1:8480") == 200)
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8480", "http://localhost:8480"]
        {
            #expect(status("/api/v1/session", origin) == 403, "\(origin)")
            #expect(status("/api/v1/slabs/1", origin, method: "DELETE") == 403, "\(origin)")
            #expect(status("/zarr/d/t1.zarr/.zattrs", origin) != 403, "\(origin)")
            #expect(status("/zarr/d/t1.zarr/.zattrs", origin, method: "POST") == 403, "\(origin)")
        }
        let preflight = service.respond(
            to: ServedCatalog.request(
                "/zarr/d/t1.zarr/0/0/0/0", method: "OPTIONS", headers: ["origin": "https://a.example", "cookie": ""]))
        #expect(preflight.status == 204 && preflight.header("Access-Control-Allow-Origin") == "*")
        let own = service.respond(to: ServedCatalog.request("/api/v1/session"))
        #expect(own.header("Access-Control-Allow-Origin") == nil)
    }

    @Test("what is written comes as JSON, by a method that is meant so, and where the server may write")
    func writing() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        let body = #"{"tomogram": 1, "zFirst": 3, "zEnd": 5}"#
        func post(_ body: String, _ headers: [String: String] = [:], to service: ViewerService) -> ViewerResponse {
            service.respond(to: ServedCatalog.request("/api/v1/slabs", method: "POST", body: body, headers: headers))
        }
        for type in ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"] {
            #expect(post(body, ["content-type": type], to: service).status == 415, "\(type)")
        }
        for wrong in [
            "", "{", "[]", "{}", #"{"tomogram": "1", "zFirst": 3, "zEnd": 5}"#, #"{"tomogram": 1e99, "zFirst": 3, "zEnd": 5}"#,
        ] {
            let answer = post(wrong, to: service)
            #expect(answer.status == 400 && answer.sentence != nil, "\(wrong)")
        }
        #expect(post(#"{"tomogram": 77, "zFirst": 3, "zEnd": 5}"#, to: service).status == 404)
        #expect(post(#"{"tomogram": 1, "zFirst": 3, "zEnd": 500}"#, to: service).status == 400)
        #expect(post(body, to: try served.service(isReadOnly: true)).status == 403)
        #expect(try served.catalog.summary().slabs == 1)
        let answer = post(body, ["content-type": "application/json; charset=utf-8"], to: service)
        let id = try #require(answer.object()["id"] as? Int)
        #expect(answer.status == 200)
        #expect(service.respond(to: ServedCatalog.request("/api/v1/slabs/\(id)")).status == 405)
        #expect(service.respond(to: ServedCatalog.request("/api/v1/session", method: "POST", body: "{}")).status == 405)
        #expect(service.respond(to: ServedCatalog.request("/api/v1/session", method: "TRACE")).status == 405)
        let removal = ServedCatalog.request("/api/v1/slabs/\(id)", method: "DELETE")
        #expect(service.respond(to: removal).status == 200)
        #expect(service.respond(to: removal).status == 404)
    }

    @Test("every response forbids foreign and inline scripts, and no error is kept")
    func headers() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        for target in ["/", "/api/v1/session", "/nothing", "/%", "/api/v1/plot?kind=pie", "/zarr/x"] {
            let answer = service.respond(to: ServedCatalog.request(target))
            let policy = answer.header("Content-Security-Policy") ?? ""
            #expect(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "\(target)")
            #expect(!policy.contains("unsafe"), "\(target)")
            #expect(answer.header("X-Content-Type-Options") == "nosniff", "\(target)")
            if answer.status >= 400 { #expect(answer.header("Cache-Control") == "no-store", "\(target)") }
        }
    }
}
