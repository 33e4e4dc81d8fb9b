import Rendering
import Testing

@testable import Figures

@Suite struct HTMLPageTests {
    @Test("texts are escaped, wherever they stand")
    func escaping() {
        #expect(HTMLPage.escaped("<a href='x'>\"1 & 2\"</a>") == "&lt;a href=&#39;x&#39;&gt;&quot;1 &amp; 2&quot;&lt;/a&gt;")
        #expect(HTMLPage.escaped("a\n\tb\u{0}\u{1B}\u{7F}\u{9F}") == "a\n\tb\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}")
        #expect(HTMLPage.escaped("Å µ e\u{301} 🧊") == "Å µ e\u{301} 🧊")
        let evil = "</title><script>alert('&')</script>\""
        var page = HTMLPage(title: evil)
        page.heading(evil, level: 3, anchor: evil)
        page.paragraph(evil)
        page.listing(evil)
        page.table([evil], [[HTMLPage.Cell(text: evil, isNumber: true, source: evil, anchor: evil)]])
        page.figure(png: [1, 2, 3], caption: evil)
        // The program writes no script: each `<` and each quotation mark of the texts is an entity.
        #expect(!page.text.contains("<script") && !page.text.contains("alert('"))
        #expect(page.text.split(separator: "&lt;/title&gt;&lt;script&gt;").count == 13)
    }

    @Test("a page needs no other file: it has no script and no address of another host")
    func selfContained() {
        var page = HTMLPage(title: "pombe")
        page.figures { page in
            page.figure(png: [1, 2, 3], caption: "slice 4")
            page.figure(LinePlot("loss", x: PlotAxis("epoch"), y: PlotAxis("loss"), series: []).drawing())
        }
        #expect(page.text.contains("src=\"data:image/png;base64,AQID\""))
        #expect(page.text.contains("<svg") && page.text.contains("default-src 'none'"))
        #expect(!page.text.contains("<script") && !page.text.contains("href=\"http") && !page.text.contains("src=\"http"))
    }

    @Test("a number links to its source, and stands on the right")
    func cells() {
        var page = HTMLPage(title: "a")
        page.table(
            ["dice"],
            [[HTMLPage.Cell(text: "0.5", isNumber: true, source: "trace-3")], [HTMLPage.Cell(text: "", anchor: "trace-3")]])
        #expect(page.text.contains("<td class=\"number\"><a href=\"#trace-3\">0.5</a></td>"))
        #expect(page.text.contains("<td id=\"trace-3\"></td>"))
    }
}
