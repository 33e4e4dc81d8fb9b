import Testing

@testable import Viewer
@testable import Volumes

/// What is embedded in the program for the browser.
@Suite("The page") struct PagesTests {
    @Test("is small, and every file has a type")
    func size() throws {
        var (bytes, sent) = (0, 0)
        for path in Pages.paths {
            let file = try #require(Pages.file(path), "\(path)")
            #expect(!file.bytes.isEmpty && !file.contentType.isEmpty, "\(path)")
            bytes += file.bytes.count
            let deflated = try #require(Pages.deflated(path), "\(path)")
            sent += deflated.count
            var inflated = [UInt8](repeating: 0, count: file.bytes.count + 1)
            let progress = deflated.withUnsafeBytes { input in
                inflated.withUnsafeMutableBytes { Inflate(.zlib)?.decode(input, into: $0) }
            }
            #expect(progress?.status == .ended && Array(inflated.dropLast()) == file.bytes, "\(path)")
        }
        #expect(sent <= 90_000 && bytes <= 220_000, "\(sent), \(bytes)")
        #expect(Pages.deflated("/nothing.js") == nil)
        #expect(Pages.file("/nothing.js") == nil && Pages.file("") == nil)
    }

    @Test("loads nothing that is not its own, and has no script or style within the HTML")
    func own() throws {
        let html = String(decoding: try #require(Pages.file("/")).bytes, as: UTF8.self)
        #expect(html.matches(of: /<script(?![^>]*src=)/).isEmpty && html.matches(of: /<style|style=|onclick=/).isEmpty)
        for source in html.matches(of: /(?:src|href)="([^"]+)"/) {
            let path = String(source.1)
            #expect(path.hasPrefix("data:") || path.hasPrefix("#") || Pages.file(path) != nil, "\(path)")
        }
    }

    @Test("has every module that a module imports")
    func modules() throws {
        for path in Pages.paths where path.hasSuffix(".js") {
            let text = String(decoding: try #require(Pages.file(path)).bytes, as: UTF8.self)
            for name in text.matches(of: /(?:from|import\()\s*"\.\/([^"]+)"/) {
                #expect(Pages.file("/js/\(name.1)") != nil, "\(path) imports \(name.1)")
            }
        }
    }
}
