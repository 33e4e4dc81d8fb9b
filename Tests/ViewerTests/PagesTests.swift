import Testing

@testable import Viewer

/// What is embedded in the program for the browser.
@Suite("The page") struct PagesTests {
    @Test("is small, and every file has a type")
    func size() throws {
        var bytes = 0
        for path in Pages.paths {
            let file = try #require(Pages.file(path), "\(path)")
            #expect(!file.bytes.isEmpty && !file.contentType.isEmpty, "\(path)")
            bytes += file.bytes.count
        }
        #expect(bytes <= 200_000, "\(bytes)")
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
