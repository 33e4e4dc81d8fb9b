import Basics
import CatalogSchema
import Engine
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

private struct Configured: Step {
    let name: String
    let parameters: [ParameterDeclaration]
    let version = 1
    let scope = ScopeKind.tomogram
    let summary = "something"
    let inputs: [StepInput] = []
    let outputs: [StepOutput] = []

    func run(_ item: StepItem) {}

    static let all: [any Step] = [
        Configured(
            name: "prepare",
            parameters: [
                .real("clahe.clip_limit", default: 2, in: 0...40, "limit"),
                .integer("clahe.tiles", default: 8, in: 1...64, "tiles"),
                .flag("clahe.enabled", default: true, "whether"),
                .choice("mode", default: "slab", of: ["slab", "slice"], "what"),
            ]),
        Configured(
            name: "mask",
            parameters: [
                .text("note", default: "", "a text"), .text("path", default: "a/b: c # d", "a text"),
                .text("quoted", default: "say \"x\" \\ y", "a text"),
                .text("number", default: "1.0", "a text that looks like a number"),
                .text("nothing", default: "null", "a text that looks like nothing"),
                .real("small", default: 1e-7, in: -1...1, "small"),
                .model("model", kind: "diffusion", default: "sd-1.5", "weights"),
            ]),
    ]
}

@Suite("A recipe") struct RecipeTests {
    private let directory: TemporaryDirectory
    private let file: RecipeFile

    init() throws {
        directory = try TemporaryDirectory()
        file = RecipeFile(path: directory.file("recipe.yaml"))
    }

    private func read(_ text: String) throws -> Recipe {
        try directory.write("recipe.yaml", text.utf8)
        return try file.read(for: Configured.all)
    }

    private func text() throws -> String { try String(contentsOfFile: file.path, encoding: .utf8) }

    private func differences(_ recipe: Recipe) -> [String] {
        recipe.differencesFromDefaults.map { "\($0.key): \($0.old ?? "-") → \($0.new ?? "-")" }
    }

    @Test(
        "is the defaults where the file is absent, empty, or only comments",
        arguments: ["", "\n", "# nothing\n", "---\n", "prepare:\n", "prepare:\n  clahe:\n", "prepare.mode:\n", "{}"])
    func defaults(text: String) throws {
        #expect(try file.read(for: Configured.all) == Recipe(steps: Configured.all))
        #expect(try read(text) == Recipe(steps: Configured.all))
    }

    @Test(
        "that cannot be read is an error, not the defaults, and is not replaced",
        arguments: ["folder", "pipe", "link to itself", "link to nothing", "Latin-1", "too large"])
    func unreadable(what: String) throws {
        switch what {
        case "folder": try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: false)
        case "pipe": #expect(mkfifo(file.path, 0o600) == 0)
        case "link to itself": #expect(symlink(file.path, file.path) == 0)
        case "link to nothing": #expect(symlink(directory.file("elsewhere"), file.path) == 0)
        case "Latin-1": try directory.write("recipe.yaml", [0x23, 0x20, 0xe9, 0x0a])
        default: try directory.write("recipe.yaml", [UInt8](repeating: 0x23, count: 2 << 20))
        }
        var before = stat()
        #expect(lstat(file.path, &before) == 0)
        let error = #expect(throws: EngineError.self) { try file.read(for: Configured.all) }
        #expect(error?.message.contains("recipe.yaml") == true)
        #expect(throws: EngineError.self) { try file.set([("prepare.mode", "slice")], for: Configured.all) }
        var after = stat()
        #expect(lstat(file.path, &after) == 0)
        #expect(before.st_ino == after.st_ino && before.st_size == after.st_size)
    }

    @Test("keeps its permissions and its place behind a link when it is changed")
    func place() throws {
        try directory.write("project/recipe.yaml", "prepare.mode: slab # ours\n".utf8)
        let target = directory.file("project/recipe.yaml")
        #expect(chmod(target, 0o640) == 0)
        #expect(symlink(target, file.path) == 0)
        try file.set([("prepare.mode", "slice")], for: Configured.all)
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "prepare.mode: slice  # ours\n")
        var status = stat()
        #expect(stat(target, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: file.path) == target)
    }

    @Test("keeps what several set at once")
    func concurrency() throws {
        let assignments = [
            ("prepare.clahe.clip_limit", "7.0"), ("prepare.clahe.tiles", "9"), ("prepare.clahe.enabled", "false"),
            ("prepare.mode", "slice"), ("mask.note", "x"), ("mask.path", "y"), ("mask.number", "2"), ("mask.small", "0.5"),
        ]
        let file = file
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: assignments.count) { index in
            do { try file.set([assignments[index]], for: Configured.all) } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(failures.withLock { $0 } == [])
        let recipe = try file.read(for: Configured.all)
        for (key, value) in assignments { #expect(recipe[key]?.text == value) }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["recipe.yaml", "recipe.yaml.lock"])
    }

    @Test("is read back from the file of defaults as it was written, comments and all")
    func roundTrip() throws {
        try file.write(Recipe(steps: Configured.all), for: Configured.all)
        #expect(try file.read(for: Configured.all) == Recipe(steps: Configured.all))
        let text = try text()
        for step in Configured.all {
            for parameter in step.parameters { #expect(text.contains("# \(parameter.summary)")) }
        }
    }

    @Test(
        "may be nested, dotted, or both",
        arguments: [
            "prepare:\n  clahe:\n    clip_limit: 3.5\n", "prepare.clahe.clip_limit: 3.5", "prepare:\n  clahe.clip_limit: 3.5",
            "prepare.clahe:\n  clip_limit: '3.5'", "prepare: {clahe: {clip_limit: 3.5}}",
            "{\"prepare\": {\"clahe.clip_limit\": 3.50}}",
            "prepare:\r\n  clahe:\r\n    clip_limit: 35e-1\r\n", "---\nprepare.clahe.clip_limit: \"3.5\"\n...\n",
            "prepare: &a\n  clahe:\n    clip_limit: 3.5\n",
        ])
    func styles(text: String) throws {
        #expect(differences(try read(text)) == ["prepare.clahe.clip_limit: 2.0 → 3.5"])
    }

    @Test("reads every kind of value")
    func values() throws {
        let recipe = try read(
            "prepare: {clahe: {enabled: off, tiles: 16}, mode: slice}\nmask: {note: 12, small: -1e-3, model: sd-2, path: ''}")
        #expect(recipe["prepare.clahe.enabled"] == .flag(false))
        #expect(recipe["prepare.clahe.tiles"] == .integer(16))
        #expect(recipe["prepare.mode"] == .text("slice"))
        #expect(recipe["mask.note"] == .text("12"))
        #expect(recipe["mask.path"] == .text(""))
        #expect(recipe["mask.small"] == .real(-0.001))
        #expect(recipe["mask.model"] == .text("sd-2"))
        #expect(recipe["nobody.knows"] == nil)
        #expect(recipe.digest != Recipe(steps: Configured.all).digest)
    }

    @Test(
        "names the file, the key and what would be right where something is wrong",
        arguments: [
            ("prepare.clahe.clip_limt: 3", "did you mean prepare.clahe.clip_limit"),
            ("clip_limit: 3", "did you mean prepare.clahe.clip_limit"),
            ("prepare:\n  tiles: 3", "did you mean prepare.clahe.tiles"),
            ("xyzzy: 3", "cellar recipe show"), ("xyzzy:", "no parameter xyzzy"),
            ("prepare.clahe.clip_limit: 41", "from 0.0 to 40.0"),
            ("prepare.clahe.clip_limit: nan", "a number from"), ("prepare.clahe.clip_limit: .inf", "a number from"),
            ("prepare.clahe.clip_limit: [1, 2]", "a list"),
            ("prepare.clahe.clip_limit: {a: 1}", "no parameter prepare.clahe.clip_limit.a"),
            ("prepare.clahe.tiles: 2.5", "a whole number from 1 to 64"), ("prepare.clahe.tiles: 0", "from 1 to 64"),
            ("prepare.clahe.tiles: 99999999999999999999", "a whole number"), ("prepare.clahe.enabled: maybe", "true or false"),
            ("prepare.mode: tile", "one of slab, slice"), ("prepare.mode: slab\nprepare.mode: slice", "recipe.yaml"),
            ("prepare.mode: slab\nprepare:\n  mode: slice", "gives prepare.mode twice"), ("- a\n- b", "a list"),
            ("just words", "no keys"),
            ("? [a, b]\n: 1", "no plain word"), ("a: b: c", "not understood"), ("prepare: {", "not understood"),
            ("prepare.mode: slab\n---\nprepare.mode: slab", "not understood"), ("prepare.mode: *unknown", "not understood"),
            ("\tprepare: 1", "not understood"),
            (
                String(repeating: "# what a parameter is\n", count: 50) + "prepare.mode: slab\nprepare.mode: slice",
                "not understood"
            ),
            (
                "a:\n  b:\n    c:\n      d:\n        e:\n          f:\n            g:\n              h:\n                i: 1",
                "nested too deeply"
            ),
        ])
    func mistakes(text: String, expected: String) throws {
        let error = #expect(throws: EngineError.self) { try read(text) }
        #expect(error?.code == .invalidRecipe)
        #expect(error?.message.contains("recipe.yaml") == true)
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
        // A sentence, not the file.
        #expect(error?.message.contains("# what") == false)
    }

    @Test("that is made to harm is refused at once")
    func hostility() throws {
        var laughs = "a0: &a0 {x: 1}\n"
        for level in 1...20 {
            laughs += "a\(level): &a\(level) {" + (0..<9).map { "k\($0): *a\(level - 1)" }.joined(separator: ", ") + "}\n"
        }
        var keys = "prepare:\n  ? &h0 [1, 2]\n  : 1\n"
        for level in 1...30 { keys += "  ? &h\(level) [*h\(level - 1), *h\(level - 1)]\n  : 1\n" }
        let emptyLaughs = laughs.replacing("x: 1", with: "x: ").replacing("\n", with: "\r")
        let texts = [
            laughs, keys, emptyLaughs, String(repeating: "[", count: 200_000), String(repeating: "{a: ", count: 100_000),
            String(repeating: "- ", count: 200_000), String(repeating: "a:\n ", count: 1000),
            (0..<5000).map { String(repeating: " ", count: $0 % 200) + "k\($0):" }.joined(separator: "\n"),
            String(repeating: "x", count: 2 << 20), "prepare.mode: slab #" + String(repeating: "x", count: 1 << 20),
            String(repeating: "&a ", count: 1000), "\u{FEFF}\u{0}prepare: 1",
        ]
        let begin = ContinuousClock.now
        for text in texts {
            let error = #expect(throws: EngineError.self, "\(text.prefix(40))") { try read(text) }
            #expect(error?.code == .invalidRecipe)
        }
        #expect(ContinuousClock.now - begin < .seconds(5))
        try directory.write("recipe.yaml", [0xFF, 0xFE, 0x00, 0xD8])
        #expect(throws: EngineError.self) { try file.read(for: Configured.all) }
    }

    @Test("never crashes on a file that was spoiled at random")
    func fuzz() throws {
        try file.write(Recipe(steps: Configured.all), for: Configured.all)
        let original = Array(try text().utf8)
        var generator = RandomStream(state: 5)
        let alphabet = Array("&*:{}[]!|>'\"#%@`,?- \n\t~ab0\u{0}".utf8)
        for _ in 0..<2000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes.remove(at: position)
                case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: position)
                default: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                }
            }
            try directory.write("recipe.yaml", bytes)
            do { _ = try file.read(for: Configured.all) } catch { #expect(error.code == .invalidRecipe) }
        }
    }

    @Test("is set line by line: every other line and every comment stays")
    func setting() throws {
        let original = """
            # Our settings.
            prepare:   # everything before
              clahe:
                # Anna: 2 is too little.
                clip_limit: 3.0  # of contrast
                tiles: 8

            mask.note: plain
            """
        try directory.write("recipe.yaml", original.utf8)
        try file.set([("prepare.clahe.clip_limit", "4")], for: Configured.all)
        #expect(try text() == original.replacing("clip_limit: 3.0  #", with: "clip_limit: 4.0  #"))
        try file.set([("mask.note", "a: b # c")], for: Configured.all)
        #expect(try text().hasSuffix("mask.note: \"a: b # c\""))
        try file.set([("mask.note", "d")], for: Configured.all)
        try file.set([("prepare.mode", "slice")], for: Configured.all)
        #expect(
            differences(try file.read(for: Configured.all)) == [
                "mask.note:  → d", "prepare.clahe.clip_limit: 2.0 → 4.0", "prepare.mode: slab → slice",
            ])
        #expect(try text().contains("# Anna: 2 is too little."))
        let before = try text()
        #expect(throws: EngineError.self) { try file.set([("prepare.mode", "tile")], for: Configured.all) }
        #expect(throws: EngineError.self) { try file.set([("prepare.mood", "slab")], for: Configured.all) }
        let settings = [("mask.note", "e"), ("prepare.mode", "tile")]
        #expect(throws: EngineError.self) { try file.set(settings, for: Configured.all) }
        #expect(try text() == before, "all or none")
    }

    @Test(
        "in a style that line editing does not understand is left as it is",
        arguments: [
            "prepare: {mode: slab}", "{\"prepare\": {\"mode\": slab}}", "'prepare.mode': slab", "prepare.mode: >\n  slab\n",
        ])
    func unusualStyles(original: String) throws {
        let harmless = original.replacing(">\n  slab\n", with: "\"slab\"")
        try directory.write("recipe.yaml", harmless.utf8)
        do {
            try file.set([("prepare.mode", "slice")], for: Configured.all)
            #expect(try file.read(for: Configured.all)["prepare.mode"] == .text("slice"))
        } catch {
            #expect(error.code == .invalidRecipe)
            #expect(try text() == harmless)
        }
    }

    @Test("survives any sequence of settings: what was set is what is read")
    func settingLaw() throws {
        try file.write(Recipe(steps: Configured.all), for: Configured.all)
        var generator = RandomStream(state: 9)
        var recipe = Recipe(steps: Configured.all)
        let comments = try text().components(separatedBy: "#").count
        let texts = [
            "plain", "", "a b", "1.0", "null", "true", "~", "- x", "a: b", "#x", "x # y", "'", "\"", "\\", "é Å", "*a", "&a", "[",
            "}", "%", "@",
        ]
        for _ in 0..<150 {
            guard let entry = recipe.entries.randomElement(using: &generator) else { continue }
            let word =
                switch entry.parameter.kind {
                case .flag: Bool.random(using: &generator) ? "true" : "false"
                case .integer: "\(Int.random(in: 1...64, using: &generator))"
                case .real: "\(Double.random(in: 0...1, using: &generator))"
                case .choice(let words): words.randomElement(using: &generator) ?? ""
                case .text, .model: texts.randomElement(using: &generator) ?? ""
                }
            try recipe.set(entry.key, to: word)
            try file.set([(entry.key, word)], for: Configured.all)
            #expect(try file.read(for: Configured.all) == recipe, "\(entry.key) = \(word)")
        }
        #expect(try text().components(separatedBy: "#").count >= comments)
    }
}
