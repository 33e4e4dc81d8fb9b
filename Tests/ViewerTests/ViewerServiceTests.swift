import Basics
import Catalog
import CellarKit
import Foundation
import TestSupport
import Testing

@testable import Viewer

/// Requests and answers without a network: what is found where, and that nothing can be made to fail.
@Suite("The service") struct ViewerServiceTests {
    @Test("answers each resource")
    func resources() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        try served.describe(1, density: 3, objects: ServedCatalog.objects)
        let service = try served.service()
        let targets = [
            "session", "columns", "views", "plan", "runs?limit=5", "failures", "tomograms", "tomograms/1",
            "tomograms/1/objects?class=membrane",
            "tomograms/1/why", "tomograms?where=slabs%20%3E%200&sort=name&descending=1&columns=name,dataset&offset=0&limit=500",
            "histogram?column=size_x", "histogram?column=name&bins=5", "query?sql=SELECT+1+AS+a", "tomograms/",
        ]
        for target in targets {
            let answer = service.respond(to: ServedCatalog.request("/api/v1/\(target)"))
            #expect(answer.status == 200, "\(target): \(answer.sentence ?? "")")
            #expect(answer.contentType == "application/json")
            #expect(throws: Never.self, "\(target)") { try answer.json() }
        }
        let table = try service.respond(to: ServedCatalog.request("/api/v1/tomograms?where=slabs%20%3E%200")).object()
        #expect(table["total"] as? Int == 1)
        let csv = service.respond(to: ServedCatalog.request("/api/v1/query?format=csv&sql=SELECT+1+AS+a"))
        #expect(csv.contentType.hasPrefix("text/csv") && String(decoding: csv.bytes, as: UTF8.self) == "a\n1\n")
        let plot = service.respond(to: ServedCatalog.request("/api/v1/plot?kind=histogram&column=volume_nm3&log=1"))
        #expect(plot.status == 200 && plot.contentType == "image/svg+xml")
        guard case .events = service.respond(to: ServedCatalog.request("/api/v1/events")).body else {
            Issue.record("events are no bytes")
            return
        }
    }

    @Test("refuses what is not there or not meant, each time with a sentence")
    func refusals() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        let huge = String(repeating: "9", count: 400)
        let cases: [(target: String, status: Int)] = [
            ("/api/v1/nothing", 404), ("/api/v1", 404), ("/api", 404), ("/api/v2/session", 404), ("/nothing.html", 404),
            ("/api/v1/session/1", 404), ("/api/v1/tomograms/1/nothing", 404), ("/api/v1/tomograms/1/layers/a/b", 404),
            ("/api/v1/tomograms/1/a/b/c/d", 404), ("/api/v1/tomograms/99", 404), ("/api/v1/tomograms/\(Int64.max)", 404),
            ("/api/v1/tomograms/-1", 404), ("/api/v1/tomograms/\(huge)", 404), ("/api/v1/tomograms/1.0", 404),
            ("/api/v1/tomograms/99/why", 404), ("/api/v1/tomograms/99/objects", 404),
            ("/api/v1/tomograms?limit=501", 400), ("/api/v1/tomograms?limit=-1", 400), ("/api/v1/tomograms?limit=\(huge)", 400),
            ("/api/v1/tomograms?offset=1e3", 400), ("/api/v1/tomograms?descending=yes", 400),
            ("/api/v1/tomograms?sort=nothing", 400),
            ("/api/v1/tomograms?where=)", 400), ("/api/v1/tomograms?columns=id,nothing", 400), ("/api/v1/histogram", 400),
            ("/api/v1/query", 400), ("/api/v1/query?sql=DROP+TABLE+slab", 400), ("/api/v1/query?sql=SELECT+1&format=xml", 400),
            ("/api/v1/query?sql=SELECT+1&limit=1000001", 400), ("/api/v1/plot", 400), ("/api/v1/plot?kind=pie", 400),
            ("/api/v1/tomograms/1/slice", 400), ("/api/v1/tomograms/1/slice?axis=w&index=0", 400),
            ("/api/v1/tomograms/1/slice?axis=z&index=\(huge)", 400), ("/api/v1/tomograms/1/slice?axis=z&index=0&level=9", 400),
            ("/api/v1/tomograms/1/slice?axis=z&index=6", 400), ("/api/v1/tomograms/1/points", 400),
            ("/api/v1/tomograms/1/why?step=nothing", 400),
            ("/api/v1/tomograms/1/similar", 400), ("/api/v1/tomograms/1/similar?number=1", 404),
            ("/api/v1/tomograms/1/similar?number=1&count=0", 400), ("/api/v1/tomograms/99/similar?number=1", 404),
            ("/api/v1/tomograms/1/picture?x=1&y=1", 400), ("/api/v1/tomograms/1/picture?x=1&y=1&z=nan", 400),
            ("/api/v1/tomograms/1/picture?x=1&y=1&z=99", 400), ("/api/v1/tomograms/1/picture?x=1&y=1&z=1&side=7", 400),
        ]
        for (target, status) in cases {
            let answer = service.respond(to: ServedCatalog.request(target))
            #expect(answer.status == status, "\(target): \(answer.status) \(answer.sentence ?? "")")
            let sentence = answer.sentence ?? ""
            #expect(!sentence.isEmpty && !sentence.contains("\n") && sentence.utf8.count < 2000, "\(target)")
        }
    }

    @Test(
        "no path leads out, however it is written",
        arguments: [
            "/..", "/../etc/passwd", "/js/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/js/%2E%2E/x", "/js/..%2fx",
            "/js/..%5c..%5cx", "/js/\\..\\x", "//etc/passwd", "/js//x", "/zarr/../../etc/passwd",
            "/zarr/d/%2e%2e/t1.zarr/.zattrs",
            "/zarr/%2Fetc/passwd", "/%00", "/js/app.js%00.css", "/%ff%fe", "/%", "/%4", "/%zz", "etc/passwd", "", "http://a/b",
            "/a\u{301}b", "/js/\u{2025}/x", "/\u{0}", "/%c0%ae%c0%ae/x", "/js/app.js\r\nX: y", "/ /",
        ])
    func paths(target: String) throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let answer = try served.service().respond(to: ServedCatalog.request(target))
        #expect(answer.status == 400 || answer.status == 404, "\(answer.status)")
        #expect(answer.sentence != nil)
    }

    @Test("huge and many parameters are refused before anything is done with them")
    func hugeParameters() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let service = try served.service()
        let long = service.respond(to: ServedCatalog.request("/api/v1/query?sql=" + String(repeating: "a", count: 20_000)))
        #expect(long.status == 413)
        let many = (0..<70).map { "p\($0)=1" }.joined(separator: "&")
        #expect(service.respond(to: ServedCatalog.request("/api/v1/session?\(many)")).status == 413)
        let columns = (0..<100).map { _ in "id" }.joined(separator: ",")
        #expect(service.respond(to: ServedCatalog.request("/api/v1/tomograms?columns=\(columns)")).status == 400)
        let deep = String(repeating: "[", count: 60_000)
        let answer = service.respond(to: ServedCatalog.request("/api/v1/slabs", method: "POST", body: deep))
        #expect(answer.status == 400)
        let nested = String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
        #expect(service.respond(to: ServedCatalog.request("/api/v1/tomograms?where=\(nested)")).status == 400)
    }

    /// `CELLAR_FUZZ=100000` tries as many requests as the hostile test of an acceptance does.
    @Test("mutated requests get an answer, change nothing, and show no file")
    func mutants() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        try served.describe(1, density: 3, objects: ServedCatalog.objects)
        let secret = "a-secret-\(UUID().uuidString)"
        try served.folder.write("cells/secret.txt", Array(secret.utf8))
        let service = try served.service(isReadOnly: true)
        let targets = [
            "/api/v1/tomograms?where=id%3E1&sort=name&descending=1&offset=1&limit=20&columns=id,name", "/api/v1/tomograms/1",
            "/api/v1/tomograms/1/objects?class=membrane&sort=x&limit=3", "/api/v1/histogram?column=density_mean&bins=10",
            "/api/v1/query?sql=SELECT+id,name+FROM+v_tomogram&format=csv&limit=10",
            "/api/v1/tomograms/1/slice?axis=x&index=3&level=1",
            "/api/v1/tomograms/1/layers/annotation-1/slice?axis=z&index=0", "/zarr/d/t1.zarr/0/0/0/0",
            "/zarr/d/t1.zarr/labels/.zattrs",
            "/t/\(ServedCatalog.token)/zarr/d/t1.zarr/.zattrs", "/api/v1/plot?kind=histogram&column=volume_nm3", "/js/app.js",
            "/api/v1/slabs/1", "/api/v1/curation", "/api/v1/tomograms/1/why?step=mask",
        ]
        let pieces = [
            "..", "%2e%2e", "%00", "%", "/", "//", "\\", "?", "&", "=", "'", "\"", ";", "--", "-1", "99999999999999999999", "NaN",
            "1e309",
            "%ff", "\u{301}", "secret.txt", "null", "\r\n", "(", ")", "*", "%2f", "0x10", "{", "}", "[]",
        ]
        var random = RandomStream(seed: 4)
        var statuses: [Int: Int] = [:]
        for number in 0..<FuzzCount.usual(2000) {
            var target = Array(targets[random.index(below: targets.count)].utf8)
            for _ in 0..<random.integer(in: 1...4) {
                let place = random.index(below: target.count + 1)
                switch random.index(below: 4) {
                case 0 where place < target.count: target[place] = UInt8(random.index(below: 256))
                case 1 where place < target.count:
                    target.removeSubrange(place..<min(target.count, place + 1 + random.index(below: 8)))
                case 2: target.insert(contentsOf: target.prefix(random.index(below: 40)), at: place)
                default: target.insert(contentsOf: pieces[random.index(below: pieces.count)].utf8, at: place)
                }
            }
            let methods = ["GET", "GET", "GET", "HEAD", "POST", "DELETE", "OPTIONS", "get", "\u{0}"]
            var request = ServedCatalog.request(
                String(decoding: target, as: UTF8.self), method: methods[random.index(below: methods.count)],
                body: random.index(below: 2) == 0 ? "" : #"{"tomogram": 1, "zFirst": 0, "zEnd": 1}"#)
            let header = ["host", "cookie", "origin", "content-type", "authorization"][random.index(below: 5)]
            if random.index(below: 6) == 0 { request.headers[header] = pieces[random.index(below: pieces.count)] }
            let answer = service.respond(to: request)
            statuses[answer.status, default: 0] += 1
            // A step or a part may not be there yet; nothing else is the server's fault.
            #expect(answer.status < 500 || answer.status == 501, "\(number): \(request.target) \(answer.sentence ?? "")")
            if answer.status >= 400 {
                #expect(
                    answer.sentence?.isEmpty == false || answer.contentType.hasPrefix("text/plain"),
                    "\(number): \(request.target)")
            }
            #expect(!String(decoding: answer.bytes, as: UTF8.self).contains(secret), "\(number): \(request.target)")
        }
        #expect((statuses[200] ?? 0) > 0 && (statuses[400] ?? 0) > 0 && (statuses[404] ?? 0) > 0, "\(statuses)")
        #expect(try served.catalog.summary().slabs == 1)
        #expect(service.respond(to: ServedCatalog.request("/api/v1/session")).status == 200)
    }
}
