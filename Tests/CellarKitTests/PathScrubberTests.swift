import Basics
import Foundation
import TestSupport
import Testing

@testable import CellarKit

@Suite("Paths are taken out of a report") struct PathScrubberTests {
    private let scrubber = PathScrubber(folders: ["CATALOG": "/data/lab/.cellar", "ARTIFACTS": "/scratch/a+b"])

    @Test(
        "of a path, a word for a known folder or the last component stays",
        arguments: [
            ("cannot read /scratch/grid 1/x.mrc", "cannot read …/grid 1/x.mrc"),
            ("/data/lab/.cellar/blobs/1c is damaged", "CATALOG/blobs/1c is damaged"),
            ("/data/lab/.cellar", "CATALOG"),
            ("in '/data/lab/.cellar/a b/c'", "in 'CATALOG/a b/c'"),
            ("/scratch/a+b/1c and /scratch/aab/1c", "ARTIFACTS/1c and …/1c"),
            ("/data/lab/.cellar2/secret/x.h5, /mnt/data/lab/.cellar/x", "…/x.h5, …/x"),
            ("\"/home/bob/my tomograms/t.mrc\": no space left", "\"…/t.mrc\": no space left"),
            ("a=/x/y,b=(/p/q/r.h5) and /.", "a=…/y,b=(…/r.h5) and /."),
            ("log:\n/opt/tools/program: failed", "log:\n…/program: failed"),
            ("https://www.swift.org/install/linux", "https://www.swift.org/install/linux"),
            ("3/4 of 12 items, membrane/dice, 5 Å/voxel", "3/4 of 12 items, membrane/dice, 5 Å/voxel"),
        ])
    func examples(text: String, expected: String) {
        #expect(scrubber.scrubbed(text) == expected)
    }

    @Test("no folder of a path stays, whatever stands around it")
    func law() {
        var random = RandomStream(seed: 7)
        let marks = [" ", "'", "\"", "(", "=", ", ", "\n", "`", "<", "[", "– "]
        for _ in 0..<2000 {
            let folders = (0..<Int.random(in: 1...5, using: &random)).map {
                "secret\($0)x\(Int.random(in: 0...99, using: &random))"
            }
            let path = "/" + (folders + ["last.mrc"]).joined(separator: "/")
            let (before, after) = (marks.randomElement(using: &random) ?? " ", marks.randomElement(using: &random) ?? " ")
            let text = scrubber.scrubbed("word\(before)\(path)\(after)word")
            #expect(!text.contains("secret") && text.contains("last.mrc"), "\(before)|\(after)|\(text)")
        }
    }
}
