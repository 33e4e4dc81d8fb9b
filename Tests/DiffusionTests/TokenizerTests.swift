import Basics
import Diffusion
import Foundation
import TestSupport
import Testing

@Suite("Tokenizer")
struct TokenizerTests {
    /// The trimmed vocabulary of CLIP with the special tokens of Stable Diffusion 1 or 2, as a folder of its own.
    private func folder(_ generation: String, in directory: TemporaryDirectory) throws -> String {
        for name in ["vocab.json", "merges.txt"] {
            try directory.write(
                "tokenizer/\(name)", Data(contentsOf: URL(fileURLWithPath: GoldenFile("tokenizer/\(name)", in: .module).path)))
        }
        for name in ["special_tokens_map.json", "tokenizer_config.json"] {
            let url = try URL(fileURLWithPath: GoldenFile("tokenizer/\(generation)/\(name)", in: .module).path)
            try directory.write("tokenizer/\(name)", Data(contentsOf: url))
        }
        return directory.file("tokenizer")
    }

    /// A text, and its ids in Stable Diffusion 1, and in 2 where they are others.
    private struct Row: Decodable {
        let text: String
        let first: [Int]
        let second: [Int]?

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            text = try container.decode(String.self)
            first = try container.decode([Int].self)
            second = try container.decodeIfPresent([Int].self)
        }
    }

    @Test("the known ids of a known prompt, padded with the end in 1.x and with 0 in 2.x")
    func knownIdentifiers() throws {
        let directory = try TemporaryDirectory()
        let known = [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407]
        for (generation, padding) in [("sd1", 49407), ("sd2", 0)] {
            let tokenizer = try Tokenizer(folder: folder(generation, in: directory))
            #expect((tokenizer.start, tokenizer.end, tokenizer.padding) == (49406, 49407, padding))
            let padded = known + Array(repeating: padding, count: 77 - known.count)
            #expect(try tokenizer.encode("a photo of an astronaut riding a horse on mars") == padded)
            #expect(try tokenizer.encode("  A Photo of an\tASTRONAUT riding\na horse on Mars ") == padded)
            #expect(try tokenizer.encode("") == [49406, 49407] + Array(repeating: padding, count: 75))
        }
    }

    @Test("1,000 random texts have the ids that transformers gives them", arguments: ["sd1", "sd2"])
    func transformers(generation: String) throws {
        let directory = try TemporaryDirectory()
        let tokenizer = try Tokenizer(folder: folder(generation, in: directory))
        let url = try URL(fileURLWithPath: GoldenFile("tokenizer/texts.json", in: .module).path)
        let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: url))
        #expect(rows.count == 1000)
        for row in rows {
            let expected = generation == "sd1" ? row.first : row.second ?? row.first
            let identifiers = try tokenizer.encode(row.text)
            #expect(identifiers.count == 77)
            #expect(Array(identifiers.prefix(expected.count)) == expected, "\(row.text.debugDescription)")
            #expect(identifiers.dropFirst(expected.count).allSatisfy { $0 == tokenizer.padding })
        }
    }

    @Test("the longest prompt is encoded in a moment, and a longer one is refused")
    func longPrompt() throws {
        let directory = try TemporaryDirectory()
        let tokenizer = try Tokenizer(folder: folder("sd1", in: directory))
        let start = ContinuousClock.now
        let longest = String(repeating: "a", count: Tokenizer.promptByteLimit)
        #expect(try tokenizer.encode(longest).last == tokenizer.end)
        #expect(ContinuousClock.now - start < .seconds(5))
        let error = try #require(#expect(throws: DiffusionError.self) { try tokenizer.encode(longest + "a") })
        #expect(error.code == .invalidInput)
    }

    @Test(
        "files that are damaged, or do not belong together, are refused by name",
        arguments: [
            ("vocab.json", "\"a</w>\":320", "\"b</w>\":320", "occurs twice"),
            ("vocab.json", "\"a</w>\":320", "\"zzz\":320", "'a</w>' for a byte"),
            ("vocab.json", "\"a</w>\":320", "\"a</w>\":-1", "not negative"),
            ("vocab.json", "<|startoftext|>", "<|begin|>", "no token '<|startoftext|>'"),
            ("merges.txt", "\ni n\n", "\ni n x\n", "line 2 is not two tokens"),
            ("merges.txt", "\ni n\n", "\ni nnn\n", "line 2 wants the token 'nnn'"),
            ("special_tokens_map.json", "\"pad_token\"", "pad_token", "not JSON"),
            ("special_tokens_map.json", "\"bos_token\": {", "\"bos_token\": {\"content\": 3, \"x\": {}, ", "another type"),
        ])
    func damage(file: String, part: String, replacement: String, expected: String) throws {
        let directory = try TemporaryDirectory()
        let folder = try folder("sd1", in: directory)
        let original = try String(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"), encoding: .utf8)
        try #require(original.contains(part))
        try directory.write("tokenizer/\(file)", original.replacing(part, with: replacement, maxReplacements: 1).utf8)
        let error = try #require(#expect(throws: DiffusionError.self) { try Tokenizer(folder: folder) })
        #expect(error.description.contains(expected), "\(error)")
    }

    @Test("1,000 damaged tokenizers are refused, or encode a prompt")
    func mutants() throws {
        let directory = try TemporaryDirectory()
        let folder = try folder("sd1", in: directory)
        var random = RandomStream(state: 5)
        for name in ["vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json"] {
            let original = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
            for _ in 0..<250 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
                try directory.write("tokenizer/\(name)", bytes)
                do throws(DiffusionError) {
                    #expect(try Tokenizer(folder: folder).encode("It's <|endoftext|> 77 ångström\u{301}!").count == 77)
                } catch {
                    #expect(error.location.hasPrefix(folder))
                }
            }
            try directory.write("tokenizer/\(name)", original)
        }
    }

    @Test("one of the two files of special tokens is enough, and neither is too few")
    func specialTokenFiles() throws {
        let directory = try TemporaryDirectory()
        let folder = try folder("sd2", in: directory)
        for name in ["special_tokens_map.json", "tokenizer_config.json"] {
            let kept = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
            #expect(try Tokenizer(folder: folder).padding == 0)
            try kept.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        for name in ["special_tokens_map.json", "tokenizer_config.json"] {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        #expect(throws: DiffusionError.self) { try Tokenizer(folder: folder) }
    }
}
