import CellarKit
import Foundation
import TestSupport
import Testing

@Suite("Statistics and plots of the command line") struct StatisticsCommandTests {
    /// Particles and evaluations of one tomogram, in three runs.
    private func results() throws -> HandmadeResults {
        let results = try HandmadeResults()
        let objects = (1...30).map { number in
            FoundObject(
                number: number, class: number.isMultiple(of: 3) ? "membrane" : "ribosome", centroidInAngstroms: .zero, voxels: 1,
                volumeInCubicNanometers: Double(number * number), elongation: 1 + Double(number) / 30,
                boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
        }
        try results.publish("measure", objects: objects)
        let curves = """
            {"membrane": {"source": "segment", "recall": [0.2, 0.6, 0.9], "precision": [1, 0.8, 0.4], "threshold": [0.9, 0.5, 0.1]},
             "ribosome": {"source": "pick", "recall": [0.1, 0.5], "precision": [0.9, 0.7], "threshold": [0.8, 0.3]}}
            """
        for (key, dice) in [("first", 0.5), ("second", 0.75)] {
            try results.publish(
                "evaluate", key: key, metrics: [("membrane/dice", dice), ("ribosome/f1", 1 - dice)], values: ["curves": curves])
        }
        return results
    }

    @Test("stats answers each topic, prints its statement, and query answers that alike")
    func topics() throws {
        let cellar = try results().cellar
        let overview = try cellar("stats")
        #expect(overview.status == 0)
        for topic in Statistics.Topic.allCases { #expect(overview.output.contains("cellar stats \(topic.rawValue): ")) }
        #expect(try cellar("stats", "--format", "csv").output.contains("\nobjects,30\n"), "\(overview.output)")
        for arguments in [
            ["datasets"], ["objects", "--by", "tomogram"], ["evaluation", "--where", "trained_on = 0"], ["steps"],
            ["tomograms", "--metric", "membrane/dice", "--count", "1"], ["changes", "--from", "2", "--to", "3"],
        ] {
            let answer = try cellar(["stats"] + arguments + ["--format", "csv"])
            #expect(answer.status == 0 && answer.output.split(separator: "\n").count > 1, "\(arguments) \(answer.errors)")
            let statement = try cellar(["stats"] + arguments + ["--sql"]).output
            #expect(try cellar("query", statement, "--format", "csv").output == answer.output, "\(statement)")
        }
        let changes = try cellar("stats", "changes", "--format", "csv").output
        #expect(changes.contains("evaluate,membrane/dice,1,0.5,0.75,0.25,,1,0\n"), "\(changes)")
    }

    @Test("stats of a catalog that holds nothing says what to do, and wrong words are named")
    func nothing() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
        #expect(try cellar("stats").status == 0)
        for topic in ["datasets", "objects", "evaluation", "steps"] {
            let answer = try cellar("stats", topic)
            #expect(
                answer.status == 0 && answer.errors.hasPrefix("Nothing yet: ") && answer.errors.contains("`cellar "), "\(answer)")
        }
        #expect(try cellar("stats", "steps", "--where", "1 = 0").errors.hasPrefix("Nothing for which --where is true: "))
        for (arguments, status, words) in [
            (["stats", "weather"], 2, "'weather' is invalid"), (["stats", "--by", "step"], 2, "need a topic"),
            (["stats", "tomograms"], 2, "--metric says"), (["stats", "steps", "--count", "3"], 2, "are of tomograms"),
            (["stats", "tomograms", "--metric", "x"], 1, "no result that stands has a metric x"),
            (["stats", "changes"], 1, "there are no two"), (["stats", "steps", "--by", "x"], 1, "v_step has no column x"),
            (["stats", "objects", "--where", "x = 1"], 1, "no such column: x"),
            (["plot", "histogram", "--output", "a.png"], 2, "--column or --metric"),
            (["plot", "histogram", "--column", "volume_nm3", "--output", "a.gif"], 2, "neither .png nor .svg"),
            (["plot", "histogram", "--column", "volume_nm3", "--output", "a.png"], 1, "there is nothing to draw"),
            (["plot", "histogram", "--column", "x; --", "--output", "a.png"], 1, "has no column x; --"),
            (["plot", "box", "--metric", "x", "--output", "a.png"], 1, "no result that stands has a metric x"),
            (["plot", "scatter", "--x", "x", "--y", "dice", "--output", "a.png"], 1, "give two columns"),
            (["plot", "pr", "--output", "a.png"], 1, "no evaluation that stands"),
            (["plot", "runs", "--metric", "x", "--output", "a.png"], 1, "no step ever measured"),
        ] {
            let answer = try cellar(arguments)
            #expect(answer.status == Int32(status) && answer.errors.contains(words), "\(arguments): \(answer)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("a.png")))
        }
    }

    @Test("every kind of plot is drawn, and says how many values it is of")
    func plots() throws {
        let results = try results()
        for (arguments, words) in [
            (["histogram", "--column", "volume_nm3"], "30 objects"),
            (
                ["histogram", "--column", "volume_nm3", "--log", "--bins", "5", "--where", "class = 'membrane'"],
                "10 objects: membrane"
            ),
            (["histogram", "--metric", "membrane/dice"], "1 values"),
            (["box", "--column", "elongation", "--by", "class"], "30 objects: median, quartiles, 5 to 95 %"),
            (["box", "--metric", "membrane/dice"], "1 values: median"),
            (["scatter", "--x", "volume_nm3", "--y", "elongation", "--log"], "30 objects"),
            (["scatter", "--x", "volume_nm3", "--y", "elongation", "--by", "run_id"], "30 objects: 1"),
            (["scatter", "--x", "membrane/dice", "--y", "ribosome/f1"], "1 tomograms"),
            (["pr"], "1 evaluation"), (["runs", "--metric", "membrane/dice"], "mean of 1 value: evaluate"),
        ] {
            for output in ["plot.png", "plot.svg"] {
                let answer = try results.cellar(["plot"] + arguments + ["--output", output, "--force"])
                #expect(answer.status == 0 && answer.output.hasPrefix("\(output): \(words)"), "\(arguments): \(answer)")
            }
            let svg = try String(contentsOfFile: results.folder.file("plot.svg"), encoding: .utf8)
            #expect(svg.contains(words.split(separator: " ")[0]), "\(arguments)")
        }
    }

    @Test("a curve of precision by recall that is not understood is an error, and no crash")
    func strangeCurves() throws {
        let results = try HandmadeResults()
        try results.publish(
            "evaluate", values: ["curves": #"{"a": {"source": "s", "recall": [1], "precision": [], "threshold": [1]}}"#])
        let answer = try results.cellar("plot", "pr", "--output", "pr.svg")
        #expect(answer.status == 1 && answer.errors.contains("not understood; run it again"), "\(answer)")
    }
}
