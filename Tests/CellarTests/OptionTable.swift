import Foundation
import TestSupport
import Testing

/// Every option and argument of every command, as the built program declares them, with what a test needs to know beside: what
/// kind of value each takes, and a command line that works.
///
/// Both are tables that must be complete: a new option without a kind, or a new command without a command line, is an error.
struct OptionTable {
    /// What a value is.
    enum Kind { case number, path, text }

    /// An option with a value, or a positional argument.
    struct Option {
        /// The words that call its command: `slab add`.
        let command: String
        /// The option's long name, or the argument's name in the help.
        let name: String
        let isPositional: Bool
        let kind: Kind
        /// A command line that has it.
        let line: CommandLine
    }

    /// What is given to a command, by the names of options and arguments.
    typealias Values = KeyValuePairs<String, String>

    /// The words of a command, and what is given to it.
    struct CommandLine {
        let command: String
        let values: [(name: String, value: String)]
        let positionals: [String]

        /// The arguments, with the value of one option or argument replaced or added.
        func arguments(setting name: String? = nil, to value: [UInt8] = []) -> [[UInt8]] {
            var options: [[UInt8]] = []
            for (other, text) in values where other != name && !positionals.contains(other) {
                options.append(Array("--\(other)=\(text)".utf8))
            }
            if let name, !positionals.contains(name) { options.append(Array("--\(name)=".utf8) + value) }
            let rest = positionals.compactMap { position in
                position == name ? value : values.first { $0.name == position }.map { Array($0.value.utf8) }
            }
            let words = command.split(separator: " ").map { Array($0.utf8) }
            return words + options + (rest.isEmpty ? [] : [Array("--".utf8)] + rest)
        }
    }

    let lines: [CommandLine]
    let options: [Option]
    /// What the tables above lack, or have too much.
    let gaps: [String]

    /// - Parameter help: what `cellar --experimental-dump-help` prints.
    init(help: String) throws {
        let root = try JSONDecoder().decode(Help.self, from: Data(help.utf8)).command
        let commands = (root.subcommands ?? []).flatMap { Self.leaves(of: $0, words: []) }
        var (lines, options, gaps): ([CommandLine], [Option], [String]) = ([], [], [])
        var used: Set<String> = []
        for (words, command) in commands {
            let positionals = command.takingValues.filter { $0.kind == "positional" }.map(\.name)
            let given = Self.values[words] ?? []
            if given.isEmpty { gaps.append("the command \(words) has no command line in OptionTable.values") }
            let ownLines = given.map { values in
                CommandLine(command: words, values: values.map { ($0.key, $0.value) }, positionals: positionals)
            }
            lines += ownLines
            let names = Set(command.takingValues.map(\.name))
            for values in given {
                for (name, _) in values where !names.contains(name) { gaps.append("\(words) has no option \(name) any more") }
            }
            for argument in command.takingValues {
                guard let kind = Self.kinds[argument.name] else {
                    gaps.append("the option \(argument.name) of \(words) has no kind in OptionTable.kinds")
                    continue
                }
                used.insert(argument.name)
                let line = ownLines.first { $0.values.contains { $0.name == argument.name } } ?? ownLines.first
                guard let line else { continue }
                options.append(
                    Option(
                        command: words, name: argument.name, isPositional: argument.kind == "positional", kind: kind, line: line))
            }
        }
        gaps += Self.kinds.keys.filter { !used.contains($0) }.map { "no command has an option \($0) any more" }
        let known = Set(commands.map(\.words))
        gaps += Self.values.keys.filter { !known.contains($0) }.map { "there is no command \($0) any more" }
        (self.lines, self.options, self.gaps) = (lines, options, gaps.sorted())
    }

    // MARK: The two tables

    private static let kinds: [String: Kind] = {
        let numbers = [
            "jobs", "z", "radius", "pixel-size", "voxel-size", "dataset-voxel-size", "ids", "count", "slices", "pictures", "bins",
            "from", "to",
            "port", "seed", "smooth", "snr", "size", "tomograms", "triangles", "budget", "time-limit", "least-confidence",
            "keep-runs",
            "threshold", "threads", "task", "wait",
            "thickness", "voxel-spacing", "accept-above", "remove",
            "most", "number", "numbers", "certainty",
        ]
        let paths = [
            "paths", "directory", "destination", "labels", "points", "output", "path", "input", "catalog",
            "manifest", "blobs", "copick", "portal", "config.json", "add-objects", "tokenizer", "bundle",
        ]
        let texts = [
            "dataset", "meta", "name", "name-from", "names", "tomogram", "target", "set", "class", "convention", "where",
            "columns", "subject",
            "sql", "param", "format", "topic", "by", "metric", "column", "x", "y", "kind", "step", "until", "licence",
            "provenance", "what", "runs", "tomogram-type", "users", "user", "session", "targets",
            "at", "host", "key=value", "on", "scheduler", "profile", "job", "particle",
        ]
        return [(Kind.number, numbers), (.path, paths), (.text, texts)].reduce(into: [:]) { kinds, entry in
            for name in entry.1 { kinds[name] = entry.0 }
        }
    }()

    /// Of each command one or more sets of values that work in the collection of ``OptionWorkplace``. An option is tried in the
    /// first that has it, or else in the first.
    private static let values: [String: [Values]] = [
        "init": [["directory": "new", "blobs": "scratch"]],
        "add": [
            [
                "paths": "extra.mrc", "dataset": "d", "voxel-size": "10", "dataset-voxel-size": "10", "meta": "key=value",
                "name": "extra",
            ],
            ["paths": "extra.mrc", "dataset": "d", "name-from": "{parent}_{stem}"],
            ["manifest": "tomograms.csv"],
            [
                "copick": "copick.json", "dataset": "e", "runs": "TS_1", "voxel-spacing": "10", "tomogram-type": "wbp",
                "users": "alice", "radius": "ribosome=60",
            ],
            ["portal": "10301", "dataset": "f", "radius": "50"],
        ],
        "annotate": [
            ["tomogram": "t", "labels": "labels.mrc", "class": "membrane"],
            ["tomogram": "t", "labels": "labels.mrc", "class": "membrane", "threshold": "1"],
            [
                "tomogram": "t", "points": "points.csv", "class": "ribosome", "radius": "50", "convention": "angstrom",
                "names": "a=b",
            ],
            [
                "tomogram": "t", "points": "points.csv", "class": "ribosome", "radius": "50", "convention": "voxel",
                "pixel-size": "1",
            ],
        ],
        "curate": [["tomogram": "t", "class": "ribosome", "accept-above": "0.5"]],
        "slab add": [["tomogram": "t", "z": "0..<4"]],
        "slab list": [["where": "slices > 1", "format": "csv"]],
        "slab remove": [["ids": "2"]],
        "slab suggest": [["count": "1", "slices": "2", "where": "size_z > 1"]],
        "training add": [["name": "second", "where": "slices > 1"]],
        "training list": [["format": "csv"]],
        "training use": [["name": "first"]],
        "training remove": [["name": "first"]],
        "recipe show": [["format": "csv"]],
        "recipe set": [["key=value": "prepare.clahe.clip_limit=3"]],
        "recipe preset": [["name": "quick"]],
        "recipe check": [[:]],
        "recipe diff": [[:]],
        "model add": [
            [
                "name": "again", "path": ".cellar/models/builtin-cellpose.safetensors", "kind": "cellpose", "licence": "free",
                "provenance": "here",
            ],
            ["name": "small", "path": "small.safetensors", "kind": "diffusion", "tokenizer": "tokenizer"],
        ],
        "model builtin": [[:]],
        "model list": [["where": "kind = 'cellpose'", "format": "csv"]],
        "model verify": [["names": "builtin-cellpose"]],
        "model convert": [["input": ".cellar/models/builtin-cellpose.safetensors", "output": "copy.safetensors"]],
        "status": [["where": "size_z > 1"]],
        "plan": [["where": "size_z > 1", "until": "describe", "format": "csv"]],
        "run": [["where": "size_z > 1", "until": "describe", "jobs": "1", "on": "processes"]],
        "work": [["threads": "1", "bundle": "spool/run-1-1-test", "task": "0"]],
        "cluster init": [["scheduler": "slurm"]],
        "cluster check": [["profile": "main", "wait": "1"]],
        "cluster coordinate": [["directory": "none", "task": "0"]],
        "cancel": [[:]],
        "log": [["tomogram": "t", "step": "describe"]],
        "cluster probe": [["directory": "probe", "task": "0"]],
        "why": [["tomogram": "t", "step": "describe"]],
        "list": [["subject": "tomograms", "where": "size_z > 1", "columns": "name", "format": "csv"]],
        "query": [["sql": "SELECT :n", "param": "n=1", "time-limit": "10", "format": "csv"]],
        "stats": [
            ["topic": "objects", "by": "tomogram", "where": "tomogram = 't'", "format": "csv"],
            ["topic": "tomograms", "metric": "membrane/dice", "count": "1"],
            ["topic": "changes", "from": "1", "to": "2"],
        ],
        "similar": [["particle": "t#1", "count": "5", "where": "x > 0", "format": "csv"]],
        "average": [["directory": "averaged", "where": "number < 4", "count": "2", "radius": "90", "seed": "2"]],
        "kind find": [["most": "3", "seed": "2"]],
        "kind list": [["format": "csv"]],
        "kind name": [["number": "1", "name": "ribosome"]],
        "kind merge": [["number": "1", "numbers": "2"]],
        "kind split": [["number": "1"]],
        "kind teach": [["names": "small", "certainty": "0.5"]],
        "plot": [
            ["kind": "histogram", "output": "h.svg", "column": "volume_nm3", "bins": "5", "where": "volume_nm3 > 0"],
            ["kind": "box", "output": "b.png", "metric": "membrane/dice", "by": "dataset"],
            ["kind": "composition", "output": "c.svg", "column": "class"],
            ["kind": "kinds", "output": "k.svg", "where": "number > 0"],
            ["kind": "scatter", "output": "s.png", "x": "volume_nm3", "y": "elongation"],
            ["kind": "runs", "output": "r.png", "metric": "membrane/dice"],
            ["kind": "pr", "output": "p.png"],
        ],
        "show": [
            ["target": "t", "z": "2", "output": "slice.png"],
            ["target": "t", "z": "2", "step": "segment", "output": "segment.png"],
        ],
        "report": [["directory": "report", "dataset": "d", "pictures": "1", "where": "size_z > 1"]],
        "export labels": [["target": "t", "step": "segment", "thickness": "60", "output": "l.mrc"]],
        "export points": [
            [
                "target": "t", "step": "pick", "class": "ribosome", "least-confidence": "0.5", "convention": "angstrom",
                "output": "p.csv",
            ],
            ["target": "t", "kind": "small", "output": "k.csv"],
        ],
        "export mesh": [["target": "t", "class": "ribosome", "smooth": "10", "triangles": "5000", "output": "m.glb"]],
        "export map": [["target": "t", "step": "segment", "class": "ribosome", "what": "probability", "output": "m.mrc"]],
        "export tomogram": [["target": "t", "output": "copy.zarr"]],
        "export network": [["set": "first", "step": "train-membrane", "output": "n.safetensors"]],
        "export copick": [
            [
                "config.json": "copick.json", "targets": "t", "user": "me", "session": "2", "step": "segment",
                "add-objects": "more.json",
            ],
            ["config.json": "copick.json", "dataset": "d", "add-objects": "more.json"],
        ],
        "remove": [["subject": "annotations", "where": "points > 0"]],
        "gc": [["budget": "1G", "keep-runs": "1"]],
        "verify": [[:]],
        "doctor": [[:]],
        "backup": [["destination": "copy"]],
        "bug-report": [["output": "report.md"]],
        "tour": [[:]],
        "simulate": [
            ["directory": "simulated", "tomograms": "1", "size": "16,16,16", "seed": "1", "voxel-size": "13", "snr": "0.5"]
        ],
        "serve": [["port": "0", "host": "127.0.0.1"]],
        "mcp": [["catalog": "."]],
        "manual": [[:]],
        "demo": [["directory": "demo", "tomograms": "2", "size": "128,128,32"]],
    ]

    // MARK: What the program says of itself

    private struct Help: Decodable {
        struct Command: Decodable {
            var commandName: String
            var arguments: [Argument]?
            var subcommands: [Command]?

            var takingValues: [Argument] { (arguments ?? []).filter { $0.kind != "flag" } }
        }

        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }

            var kind: String
            var names: [Name]?
            var valueName: String?

            var name: String { names?.first { $0.kind == "long" }?.name ?? valueName ?? "" }
        }

        var command: Command
    }

    /// The commands that do something, and not those that only group others.
    private static func leaves(of command: Help.Command, words: [String]) -> [(words: String, command: Help.Command)] {
        let words = words + [command.commandName]
        guard words != ["help"] else { return [] }
        let children = (command.subcommands ?? []).flatMap { leaves(of: $0, words: words) }
        return children.isEmpty ? [(words.joined(separator: " "), command)] : children
    }
}
