import Basics
import TestSupport
import Testing

@testable import Volumes

@Suite("STAR files")
struct STARReaderTests {
    private static func events(_ text: String) throws -> [STARReader.Event] {
        let directory = try TemporaryDirectory()
        return try events(at: directory.write("a.star", Array(text.utf8)))
    }

    private static func events(at path: String) throws -> [STARReader.Event] {
        var reader = try STARReader(path: path)
        var events: [STARReader.Event] = []
        while let event = try reader.next() { events.append(event) }
        return events
    }

    @Test("pairs, loops, comments and quotes are told apart")
    func syntax() throws {
        let text = """
            # a comment
            DATA_one # another
            _plain value
            _single 'it''s quoted' # not this
            _double "say "hi"there and"
            _empty ""
            _hash a#b
            loop_
            _a #1
            _b #2
            1 'x y'
            "" _z
            data_
            loop_ _c
            """
        #expect(
            try Self.events(text) == [
                .block("one"), .pair(name: "_plain", value: "value"), .pair(name: "_single", value: "it''s quoted"),
                .pair(name: "_double", value: "say \"hi\"there and"), .pair(name: "_empty", value: ""),
                .pair(name: "_hash", value: "a#b"),
                .loop(["_a", "_b"]), .row(["1", "x y"], line: 11), .row(["", "_z"], line: 12), .block(""), .loop(["_c"]),
            ])
    }

    @Test("text between semicolons may be the value of a pair and a value of a row")
    func multilineText() throws {
        let text = "data_\r\n_note\r\n;first\r\n second\r\n;\r\nloop_\r\n_a\r\n_b\r\n_c\r\n1\r\n;two\r\n; 3\r\n4 5 6\r\n"
        #expect(
            try Self.events(text) == [
                .block(""), .pair(name: "_note", value: "first\n second"), .loop(["_a", "_b", "_c"]),
                .row(["1", "two", "3"], line: 10),
                .row(["4", "5", "6"], line: 13),
            ])
    }

    @Test("a value that looks like a keyword is a value inside its row", arguments: ["data_2020/x.mrc", "loop_1", "_x"])
    func keywordsInRows(word: String) throws {
        let events = try Self.events("data_\nloop_\n_a\n_b\n1 \(word)\n2 y\n")
        #expect(events.suffix(2) == [.row(["1", word], line: 5), .row(["2", "y"], line: 6)])
    }

    @Test(
        "what is wrong is named by its line",
        arguments: [
            ("data_\nloop_\n_a\n_b\n1 2\n3\n4 5\n", 6), ("data_\nloop_\n_a\n_b\n1 2 3\n", 5),
            ("data_\nloop_\n_a\n_b\n1\ndata_x\n", 5),
            ("hello\n", 1), ("data_\n_a\n_b 1\n", 2), ("data_\n_a 'x\n", 2), ("data_\n_a\n;x\ny\n", 3), ("data_\nloop_\n1\n", 2),
            ("data_\nloop_\n_a\n_a\n1 2\n", 2), ("data_\n\nvalue\n", 3), ("data_\nloop_\n_a\n_b\n1 2\n3", 6),
        ])
    func mistakes(text: String, line: Int) throws {
        let error = #expect(throws: VolumeError.self) { try Self.events(text) }
        #expect(error?.code == .malformed)
        #expect(error?.message.hasPrefix("line \(line):") == true, "\(error?.message ?? "")")
    }

    @Test("a line without end is refused before it fills the memory")
    func endlessLine() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("a.star", Array(repeating: UInt8(ascii: "x"), count: 3 << 20))
        #expect(throws: VolumeError.self) { try Self.events(at: path) }
    }

    @Test("lines longer than a read, and files that end without a line end, are whole")
    func longLines() throws {
        let word = String(repeating: "w", count: 300_000)
        #expect(
            try Self.events("data_\n_a \(word)\n_b \(word)") == [
                .block(""), .pair(name: "_a", value: word), .pair(name: "_b", value: word),
            ])
    }

    /// The blocks of a real file: names, pairs, columns and rows, as a few lines of Python count them.
    struct RealFile: Sendable, CustomTestStringConvertible {
        let name: String
        let blocks: [(name: String, pairs: Int, columns: Int, rows: Int)]
        var testDescription: String { name }
    }

    @Test(
        "real files have the blocks that they have", .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            RealFile(name: "basic_double_quote", blocks: [("", 4, 0, 0)]),
            RealFile(name: "basic_single_quote", blocks: [("", 4, 0, 0)]),
            RealFile(
                name: "default_pipeline",
                blocks: [
                    ("pipeline_general", 1, 0, 0), ("pipeline_processes", 0, 4, 31), ("pipeline_nodes", 0, 2, 74),
                    ("pipeline_input_edges", 0, 2, 48),
                    ("pipeline_output_edges", 0, 2, 72),
                ]),
            RealFile(name: "empty_loop", blocks: [("", 0, 1, 0)]),
            RealFile(name: "loop_double_quote", blocks: [("", 0, 8, 2)]),
            RealFile(name: "loop_single_quote", blocks: [("", 0, 8, 2)]),
            RealFile(name: "one_loop", blocks: [("", 0, 12, 16)]),
            RealFile(name: "postprocess", blocks: [("general", 6, 0, 0), ("fsc", 0, 7, 49), ("guinier", 0, 3, 49)]),
            RealFile(name: "relion_tutorial/run_it025_optimiser_2D", blocks: [("optimiser_general", 84, 0, 0)]),
            RealFile(name: "relion_tutorial/run_it025_optimiser_3D", blocks: [("optimiser_general", 84, 0, 0)]),
            RealFile(name: "relion_tutorial/run_it025_sampling_2D", blocks: [("sampling_general", 12, 0, 0)]),
            RealFile(
                name: "relion_tutorial/run_it025_sampling_3D",
                blocks: [("sampling_general", 15, 0, 0), ("sampling_directions", 0, 2, 192)]),
            RealFile(name: "rln3.1_data_style", blocks: [("block_1", 0, 7, 1), ("block_2", 0, 5, 2), ("block_3", 0, 5, 2)]),
            RealFile(name: "single_line_end_of_multiblock", blocks: [("block_1", 0, 5, 2), ("block_2", 0, 5, 1)]),
            RealFile(name: "single_line_middle_of_multiblock", blocks: [("block_1", 0, 5, 1), ("block_2", 0, 5, 1)]),
            RealFile(name: "two_basic_blocks", blocks: [("block_0", 3, 0, 0), ("block_1", 3, 0, 0)]),
            RealFile(name: "two_single_line_loop_blocks", blocks: [("block_0", 0, 3, 1), ("block_1", 0, 3, 1)]),
        ])
    func realFiles(file: RealFile) throws {
        var blocks: [(name: String, pairs: Int, columns: Int, rows: Int)] = []
        for event in try Self.events(at: SharedData.file("teamtomo+starfile/tests/data/\(file.name).star")) {
            if case .block(let name) = event { blocks.append((name, 0, 0, 0)) }
            let last = try #require(blocks.indices.last)
            switch event {
            case .block: break
            case .pair: blocks[last].pairs += 1
            case .loop(let columns): blocks[last].columns += columns.count
            case .row: blocks[last].rows += 1
            }
        }
        try #require(blocks.count == file.blocks.count)
        for (block, expected) in zip(blocks, file.blocks) { #expect(block == expected) }
    }

    @Test(
        "quoted values of real files lose their quotes and nothing else", .enabled(if: SharedData.isPresent, SharedData.absence))
    func realQuotes() throws {
        for kind in ["single", "double"] {
            let folder = "teamtomo+starfile/tests/data"
            let values = try Self.events(at: SharedData.file("\(folder)/basic_\(kind)_quote.star")).compactMap { event in
                if case .pair(_, let value) = event { value } else { nil as String? }
            }
            #expect(values == ["noquote", "quote string", " ", ""])
            let rows = try Self.events(at: SharedData.file("\(folder)/loop_\(kind)_quote.star")).suffix(2)
            #expect(
                Array(rows) == [
                    .row(["noquote", "quote string", " ", "", "4.0", "5.0", "6.0", ""], line: 12),
                    .row(["noquote", "quote string", " ", "", "noquote", "", "7.0", "test"], line: 13),
                ])
        }
    }
}
