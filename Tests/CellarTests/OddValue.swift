import Foundation

/// Values that no command may stumble over.
struct OddValue {
    /// What it is, for people.
    let name: String
    let bytes: [UInt8]
    /// Whether nothing is there, so that a command which makes something begins.
    var isNew = false

    init(_ name: String, _ bytes: [UInt8], isNew: Bool = false) { (self.name, self.bytes, self.isNew) = (name, bytes, isNew) }
    init(_ text: String) { self.init(text.count > 40 ? "\(text.count) characters" : text, Array(text.utf8)) }

    static let numbers = [
        "nan", "inf", "-inf", "0", "-1", "9223372036854775808", "1e308", "", "x", "9223372036854775807", "-9223372036854775808",
        "1000000000000",
    ]

    /// Beside numbers, what stands for several of them.
    private static let forms: [String: [String]] = [
        "z": ["0..<9223372036854775807", "9223372036854775807..<9223372036854775808", "5..<2", "-1..<2", "0..<0", "0..<x"],
        "size": [
            "1000000000000000000,1000000000000000000,1000000000000000000", "16384,16384,16384", "-8,8,8", "0,0,0", "8,8",
            "8,8,8,", "nan,8,8",
        ],
        "budget": ["99999999999999999999P", "8191.999999P", "0B", "1e3G", "-1G", String(repeating: "9", count: 400)],
    ]

    /// Files that ``OptionWorkplace`` has, by the extension that the option wants.
    private static func paths(extension suffix: String) -> [OddValue] {
        let long = Array(String(repeating: String(repeating: "p", count: 249) + "/", count: 20).utf8)
        return [
            OddValue("a new name", Array("odd/new\(suffix)".utf8), isNew: true),
            OddValue("a name in no folder", Array("odd/nowhere/new\(suffix)".utf8), isNew: true),
            OddValue("a folder", Array("odd/folder\(suffix)".utf8)),
            OddValue("a named pipe", Array("odd/pipe\(suffix)".utf8)),
            OddValue("/dev/full", Array("odd/full\(suffix)".utf8)),
            OddValue("a file without permission", Array("odd/locked\(suffix)".utf8)),
            OddValue("a name in a folder without permission", Array("odd/locked-folder/new\(suffix)".utf8)),
            OddValue("5000 bytes", long + Array("x\(suffix)".utf8)),
            OddValue("a name with a line end", Array("odd/two\nlines\(suffix)".utf8), isNew: true),
            OddValue("a name of bytes that are no text", Array("odd/".utf8) + [0xFF, 0xFE] + Array(suffix.utf8)),
            OddValue(""),
        ]
    }

    private static let texts = [
        "'", "\"quoted\" 'name'", "100%s %n %@ %", "🧬 tomogram 🔬", String(repeating: "x", count: 10_000), "", "two\nlines", "-",
    ]

    /// All that an option is given.
    static func all(for option: OptionTable.Option) -> [OddValue] {
        let usual = option.line.values.first { $0.name == option.name }?.value ?? ""
        switch option.kind {
        case .number: return (numbers + (forms[option.name] ?? [])).map { OddValue($0) }
        case .path:
            let suffix = usual.lastIndex(of: ".").map { String(usual[$0...]) } ?? ""
            return paths(extension: suffix.contains("/") ? "" : suffix)
        case .text:
            // Of what has a key, the key stays once.
            guard let equals = usual.firstIndex(of: "="), option.name != "where" else { return texts.map { OddValue($0) } }
            let values = (texts + numbers).map { OddValue(usual[...equals] + $0) }
            return values + texts.map { OddValue($0) }
        }
    }

    /// The endings of names with which ``OptionWorkplace`` has its odd files.
    static let extensions = ["", ".mrc", ".csv", ".png", ".svg", ".safetensors"]
}
