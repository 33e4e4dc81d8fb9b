import Basics
import TestSupport
import Testing
import Volumes

@Suite("Names of tomograms in files of points")
struct TomogramNameTests {
    @Test(
        "known endings and folders are taken off as often as there are any",
        arguments: [
            ("TS_001.tomostar", "TS_001"), ("TS_001_10.00Apx.mrc", "TS_001"), ("TS_001_10.00Apx", "TS_001"),
            ("TS_001_8Apx.mrc", "TS_001"), ("a/b/TS_001_rec.mrc", "TS_001"), ("F:\\x\\tomo_ts01.mrc_15.00Apx.mrc", "tomo_ts01"),
            ("TS_001_full_rec.mrc", "TS_001"), ("TS_001_full.rec", "TS_001"), ("TS_001.st", "TS_001"), ("TS_001.ali", "TS_001"),
            ("TS_001.MRC", "TS_001"), ("TS_001", "TS_001"), ("1", "1"), ("_rec", "_rec"), (".mrc", ".mrc"), ("", ""), ("/", "/"),
            ("TS_Apx.mrc", "TS_Apx"), ("TS_x1Apx", "TS_x1Apx"), ("record", "record"), ("direct.first", "direct.first"),
            ("TS_001_bin4", "TS_001_bin4"),
        ])
    func stems(name: String, stem: String) { #expect(TomogramNameMatch.stem(of: name) == stem) }

    @Test("a name as it is wins over one without its endings, and several are all given")
    func matches() throws {
        let match = TomogramNameMatch(tomograms: ["TS_001_rec", "TS_001", "TS_002_10.00Apx", "TS_003_rec", "TS_003_full", "2"])
        #expect(match.indices(of: "TS_001_rec") == [0])
        #expect(match.indices(of: "TS_001") == [1])
        #expect(match.indices(of: "TS_001.tomostar") == [0, 1])
        #expect(match.indices(of: "TS_002.tomostar") == [2])
        #expect(match.indices(of: "TS_003") == [3, 4])
        #expect(match.indices(of: "2.mrc") == [5])
        #expect(match.indices(of: "TS_004").isEmpty)
        let names = ["TS_001", "TS_001_rec", "TS_001.tomostar", "TS_002"]
        #expect(TomogramNameMatch.names(names, for: "TS_001_rec") == ["TS_001_rec"])
        #expect(TomogramNameMatch.names(names, for: "TS_001_10.00Apx") == ["TS_001", "TS_001_rec", "TS_001.tomostar"])
        #expect(TomogramNameMatch.names(names, for: "TS_002.rec") == ["TS_002"])
        #expect(TomogramNameMatch.names(names, for: "x").isEmpty)
    }

    @Test("a substitution changes the names of the file")
    func substitutions() throws {
        let substitution = try NameSubstitution(parsing: #"^run(\d+)_.*$=TS_$1"#)
        #expect(substitution.applied(to: "run7_x.mrc") == "TS_7")
        #expect(substitution.applied(to: "other") == "other")
        #expect(TomogramNameMatch(tomograms: ["TS_7_rec"], substitution: substitution).indices(of: "run7_x.mrc") == [0])
        #expect(TomogramNameMatch.names(["run7_x", "run8_x"], for: "TS_8", substitution: substitution) == ["run8_x"])
        #expect(try NameSubstitution(parsing: "_(?=Vol)=-").applied(to: "Position_94_Vol") == "Position_94-Vol")
        #expect(try NameSubstitution(parsing: "x=").applied(to: "axbx") == "ab")
        #expect(try NameSubstitution(parsing: #"a=\$"#).applied(to: "ab") == "$b")
    }

    @Test(
        "what is no substitution is refused",
        arguments: ["", "x", "=x", "(=x", "[=x", "a=$", "a=$1", "(a)=$2", #"a=\"#, "a=$x", "a=x$"])
    func refusals(text: String) {
        let error = #expect(throws: VolumeError.self) { try NameSubstitution(parsing: text) }
        #expect(error?.code == .malformed)
    }
}
