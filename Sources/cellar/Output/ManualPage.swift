import Foundation

/// The manual page of one command, in the macros of man(7).
struct ManualPage {
    /// The words that call the command: `cellar slab add`.
    let name: String
    let text: String

    /// `cellar-slab-add.1`.
    var fileName: String { "\(Self.title(name)).1" }

    /// The pages of the program and of all its commands, but for hidden ones.
    ///
    /// - Parameter help: what `cellar --experimental-dump-help` prints.
    /// - Throws: `DecodingError` where it is something else.
    static func all(of help: String, version: String) throws -> [ManualPage] {
        let root = try JSONDecoder().decode(Declarations.self, from: Data(help.utf8)).command
        return pages(of: root, above: [], version: version)
    }

    private static func pages(of command: Command, above: [String], version: String) -> [ManualPage] {
        let words = above + [command.commandName]
        let name = words.joined(separator: " ")
        let text = ManualPageWriter(command: command, name: name, above: above, version: version).page
        return [ManualPage(name: name, text: text)]
            + command.shownCommands.flatMap { pages(of: $0, above: words, version: version) }
    }

    fileprivate static func title(_ name: String) -> String { name.replacing(" ", with: "-") }
}

// MARK: What ArgumentParser says of commands

extension ManualPage {
    fileprivate struct Declarations: Decodable { var command: Command }

    fileprivate struct Command: Decodable {
        var commandName: String
        var abstract, discussion: String?
        var shouldDisplay: Bool
        var arguments: [Argument]?
        var subcommands: [Command]?

        var shownCommands: [Command] { (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" } }
        var shownArguments: [Argument] { (arguments ?? []).filter(\.shouldDisplay) }
    }

    fileprivate struct Argument: Decodable {
        struct Name: Decodable {
            var kind, name: String
            var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
        }

        var kind: String
        var isOptional, isRepeating, shouldDisplay: Bool
        var names: [Name]?
        var preferredName: Name?
        var abstract, discussion, defaultValue, valueName: String?
        var allValues: [String]?

        var isPositional: Bool { kind == "positional" }
        var hasValue: Bool { kind != "flag" }
    }
}

// MARK: The macros

/// Writes one page.
private struct ManualPageWriter {
    let command: ManualPage.Command
    let name: String
    let above: [String]
    let version: String

    var page: String {
        let title = ManualPage.title(name)
        // Without a date: the same sources give the same page.
        var lines = [
            ".TH \"\(Self.escape(title.uppercased()))\" 1 \"\" \"Cellar \(version)\" \"Cellar\"",
            // Neither hyphens nor even right edges: options and file names are copied from pages.
            ".nh", ".ad l",
            ".SH NAME", "\(Self.escape(title)) \\- \(Self.escape(Self.withoutStop(command.abstract ?? "")))",
            ".SH SYNOPSIS", ".B \(Self.escape(name))",
        ]
        let arguments = command.shownArguments
        lines += (arguments.filter { !$0.isPositional } + arguments.filter(\.isPositional)).map(Self.synopsis)
        if !command.shownCommands.isEmpty { lines.append("\\fIcommand\\fR …") }
        if let discussion = command.discussion, !discussion.isEmpty {
            lines += [".SH DESCRIPTION"] + Self.paragraphs(discussion)
        }
        lines += section("ARGUMENTS", arguments.filter(\.isPositional).flatMap(Self.entry))
        lines += section(
            "COMMANDS",
            command.shownCommands.flatMap { command -> [String] in
                let page = Self.escape(ManualPage.title("\(name) \(command.commandName)"))
                return [".TP", "\\fB\(page)\\fR(1)", Self.line(command.abstract ?? "")]
            })
        lines += section("OPTIONS", arguments.filter { !$0.isPositional }.flatMap(Self.entry))
        lines += above.isEmpty ? Self.ofTheProgram : [".SH SEE ALSO", seeAlso]
        return lines.joined(separator: "\n") + "\n"
    }

    /// What holds for every command stands on the page of the program.
    private static let ofTheProgram = [
        ".SH EXIT STATUS",
        ".TP", ".B 0", "Done.",
        ".TP", ".B 1", "Something failed; one sentence on standard error says what, where and what to do.",
        ".TP", ".B 2", "The command line is wrong.",
        ".TP", ".B 3", "\\fBcellar plan \\-\\-check\\fR found work.",
        ".SH ENVIRONMENT",
        ".TP", ".B CELLAR_CATALOG", "The catalog's folder, where \\-\\-catalog does not name it.",
        ".TP", ".B NO_COLOR", "No colours, where it is not empty.",
    ]

    private func section(_ title: String, _ lines: [String]) -> [String] { lines.isEmpty ? [] : [".SH \(title)"] + lines }

    /// The pages above.
    private var seeAlso: String {
        above.indices.map { "\\fB\(Self.escape(above[...$0].joined(separator: "-")))\\fR(1)" }.joined(separator: ",\n")
    }

    private static func synopsis(_ argument: ManualPage.Argument) -> String {
        let value = argument.hasValue ? value(of: argument) : ""
        let name = argument.preferredName.map { "\\fB\(escape($0.text))\\fR" } ?? ""
        let both = [name, value].filter { !$0.isEmpty }.joined(separator: "\\ ") + (argument.isRepeating ? "\\ …" : "")
        return argument.isOptional ? "[\(both)]" : both
    }

    private static func value(of argument: ManualPage.Argument) -> String { "\\fI\(escape(argument.valueName ?? "value"))\\fR" }

    /// An option or argument with what it means, as in a list.
    private static func entry(_ argument: ManualPage.Argument) -> [String] {
        let names = (argument.names ?? []).map { "\\fB\(escape($0.text))\\fR" }.joined(separator: ", ")
        let value = argument.hasValue ? value(of: argument) : ""
        var facts: [String] = []
        if let values = argument.allValues { facts.append("values: \(values.joined(separator: ", "))") }
        if let standard = argument.defaultValue { facts.append("default: \(standard)") }
        let text = [argument.abstract ?? "", facts.isEmpty ? "" : "(\(facts.joined(separator: "; ")))"]
        let head = [names, value].filter { !$0.isEmpty }.joined(separator: " ")
        let more = (argument.discussion ?? "").split(separator: "\n").map { line(String($0)) }
        return [".TP", head, line(text.filter { !$0.isEmpty }.joined(separator: " "))] + more
    }

    /// Text with empty lines between its paragraphs. Commands keep their lines; other lines begin anew.
    private static func paragraphs(_ text: String) -> [String] {
        var result: [String] = []
        for (index, paragraph) in text.split(separator: "\n\n").enumerated() {
            if index > 0 { result.append(".PP") }
            let lines = paragraph.split(separator: "\n").map { line(String($0)) }
            if paragraph.hasPrefix("cellar ") {
                result += [".nf"] + lines + [".fi"]
            } else {
                result += Array(lines.map { [$0] }.joined(separator: [".br"]))
            }
        }
        return result
    }

    private static func withoutStop(_ sentence: String) -> String {
        sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }

    /// A line of text, none of whose characters is a macro.
    private static func line(_ text: String) -> String {
        let escaped = escape(text)
        return escaped.hasPrefix(".") ? "\\&\(escaped)" : escaped
    }

    /// Characters that roff means something by, or prints as others, as what they are.
    private static func escape(_ text: String) -> String {
        let names: [Character: String] = [
            "\\": "\\(rs", "-": "\\-", "'": "\\(aq", "\"": "\\(dq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti",
        ]
        return text.reduce(into: "") { $0 += names[$1] ?? String($1) }
    }
}
