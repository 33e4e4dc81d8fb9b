import Basics
import TestSupport
import Testing

@testable import Volumes

/// STAR files as the Python package starfile reads them.
@Suite("STAR files of starfile")
struct STARReferenceTests {
    /// By `starfile_values.py`, which says what the digest is of.
    @Test(
        "have every name and every value that starfile reads", .enabled(if: SharedData.isPresent, SharedData.absence),
        arguments: [
            ("basic_double_quote", "5ea1ecb2c4ae88f6b168e4059d7e42b9807cbe72a10863018258da970697e3e1"),
            ("basic_single_quote", "5ea1ecb2c4ae88f6b168e4059d7e42b9807cbe72a10863018258da970697e3e1"),
            ("default_pipeline", "cb8176309695d9aece06506bdced7309653aad35bf8f58c8ecff09735b0685be"),
            ("empty_loop", "128f490aa6a31dc2efa67181b001ba6b862e764b093c876827ce26bb11a5077e"),
            ("loop_double_quote", "ef18fd0b8231e4884482367f6d22f0f080487186110c126a2612f8aa4861f63d"),
            ("loop_single_quote", "ef18fd0b8231e4884482367f6d22f0f080487186110c126a2612f8aa4861f63d"),
            ("one_loop", "330e37aa9eb5694ecbf94fc651aeebe6f87af32bb8c159da30bb3ce17df58888"),
            ("postprocess", "c88c12b7d5c69f1396852ef767e34f5a9bb70ab2819bb694bd3f356e60cc2c1d"),
            ("relion_tutorial/run_it025_optimiser_2D", "e8d895857197a9577d5c20ad9ffef790b94f770d48ffa5272e14ed7ee0b242da"),
            ("relion_tutorial/run_it025_optimiser_3D", "9d16fa5b0b2b90bf078e719fc9556fa1e0852a6eb41d7aca477e72544e4e9f7a"),
            ("relion_tutorial/run_it025_sampling_2D", "4617129818a027edf2ca4173bf69d02052873ef306e3c374b23e41b241994245"),
            ("relion_tutorial/run_it025_sampling_3D", "0b0f63727fd5f1703d364eaeae2b8812a42f46e73c22a31f0ad0a26c57edf3fa"),
            ("rln3.1_data_style", "5d9ec62630bdd3f56711ba107efca058b417a4dc5246de43caf9d26da4dc9e2e"),
            ("single_line_end_of_multiblock", "f5fba3379453276c611f06019265317064f8f2ffc9211570b95bcbdd7849241a"),
            ("single_line_middle_of_multiblock", "bda268d68a5bfbd190c49a9817fb23ae80c20caeb17429a6aaf986655ae28360"),
            ("two_basic_blocks", "bfe4b6be1428f15b13b3905b50cabe5a5964aa53fa2a11770905515f512ef491"),
            ("two_single_line_loop_blocks", "20c2156b7b4f80ff3db500a688dd007a6e9d251eb769ba9860086f2ec5b077b2"),
        ])
    func files(name: String, digest: String) throws {
        var reader = try STARReader(path: SharedData.file("teamtomo+starfile/tests/data/\(name).star"))
        var words: [String] = []
        while let event = try reader.next() {
            switch event {
            case .block(let name): words.append(name)
            case .pair(let name, let value): words += [String(name.dropFirst()), value]
            case .loop(let columns): words += columns.map { String($0.dropFirst()) }
            case .row(let values, _): words += values
            }
        }
        #expect(Digest(of: words.map { "\($0)\n" }.joined().utf8) == Digest(hexadecimal: digest), "\(words.prefix(40))")
    }

    @Test("a row may begin with data_ where its line has as many values as the loop has columns")
    func dataRows() throws {
        let directory = try TemporaryDirectory()
        func events(_ text: String) throws -> [STARReader.Event] {
            var reader = try STARReader(path: directory.write("a.star", Array(text.utf8)))
            var events: [STARReader.Event] = []
            while let event = try reader.next() { events.append(event) }
            return events
        }
        #expect(
            try events("data_p\nloop_\n_a #1\n_b #2\ndata_01 1.0\nDATA_02 'x y' # data_ z\ndata_q\nloop_\n_c\n_d\ndata_r\n_e 1\n")
                == [
                    .block("p"), .loop(["_a", "_b"]), .row(["data_01", "1.0"], line: 5), .row(["DATA_02", "x y"], line: 6),
                    .block("q"),
                    .loop(["_c", "_d"]), .block("r"), .pair(name: "_e", value: "1"),
                ])
        // In a loop of one column, nothing tells a value from a block: it is a block.
        #expect(
            try events("data_p\nloop_\n_a\nx\ndata_01\n_b 1\n") == [
                .block("p"), .loop(["_a"]), .row(["x"], line: 4), .block("01"), .pair(name: "_b", value: "1"),
            ])
        let error = #expect(throws: VolumeError.self) { try events("data_p\nloop_\n_a\n_b\n_c\ndata_01 1.0\n") }
        #expect(error?.message.hasPrefix("line 6:") == true, "\(error?.message ?? "")")
    }
}
