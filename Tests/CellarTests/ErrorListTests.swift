import Basics
import Foundation
import TestSupport
import Testing

@Suite("The list of errors") struct ErrorListTests {
    @Test("each error says what to do, and the committed list has all of them; CELLAR_RECORD=1 writes it, and fails")
    func list() throws {
        var sentences: [String: Set<ErrorSentences.Sentence>] = [:]
        for file in Repository.swiftFiles(in: "Sources") {
            let target = String(file.split(separator: "/")[1])
            sentences[target, default: []].formUnion(ErrorSentences.all(in: try Repository.text(of: file)))
        }
        #expect(sentences.values.reduce(0) { $0 + $1.count } > 500)
        // What ends with a place and a message passes on another sentence, which has its own.
        for sentence in sentences.values.joined() where sentence.parts.cure.isEmpty {
            #expect(sentence.text.hasSuffix("… …"), "does not say what to do: \(sentence.text)")
        }
        var text = """
            # Every error, and what to do

            What the program can say went wrong, as its sources have it; a test compares, and `make reference` writes this file anew. `…` stands for what
            differs each time: a file, a name, a number. Search for words of the sentence that you saw. Those that ask for a decision are explained in the
            article *Troubleshooting* of the site.


            """
        for (target, found) in sentences.sorted(by: { $0.key < $1.key }) where !found.isEmpty {
            text += "## \(target)\n\n| what happened | what to do | code |\n|---|---|---|\n"
            for sentence in found.sorted(by: { ($0.text, $0.code) < ($1.text, $1.code) }) {
                let (cause, cure) = sentence.parts
                let cells = [cause, cure, sentence.code.isEmpty ? "" : "`\(sentence.code)`"]
                text += "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |\n"
            }
            text += "\n"
        }
        try GoldenFile(repository: "Sources/cellar/ERRORS.md").expect(text, recordedBy: "make reference")
    }

    @Test("a sentence is read from the text of a source, with what it takes in left out")
    func reading() {
        func one(_ source: String) -> ErrorSentences.Sentence? { ErrorSentences.all(in: source).first }
        #expect(
            one(#"throw VolumeError(.malformed, "has \(count("a)b")) slices; write it again", path: "x")"#)
                == .init(code: "malformed", text: "has … slices; write it again"))
        #expect(one(#"PipelineError("one " + "two \(n) " + name)"#)?.text == "one two ……".replacing("……", with: "… …"))
        #expect(one(#"EngineError(.bad, isOne ? "this" : "that")"#)?.text == "this / that")
        #expect(one(#"BlobError(.bad, error)"#) == nil)
        #expect(one(#"EngineError(mistake: .bad, "no \(name)")"#) == .init(code: "bad", text: "no …; \(reportMistake)"))
        #expect(one("PipelineError(\"\"\"\n    a\n    b \\\n    c\n    \"\"\")")?.text == "a b c")
        let parts = one(#"PipelineError("it is so; do that: now")"#)?.parts
        #expect(parts?.cause == "it is so" && parts?.cure == "do that: now")
    }
}
