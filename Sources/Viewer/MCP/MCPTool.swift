import Basics
import Catalog
import CatalogSchema
import CellarKit
import Figures
import Foundation
import Rendering

/// What a program can ask by the Model Context Protocol. Each tool only reads.
enum MCPTool: String, CaseIterable, Sendable {
    case query
    case describeViews = "describe_views"
    case plan
    case why
    case pictureOfSlice = "picture_of_slice"

    /// The most bytes of a text that a tool gives.
    private static let textBytes = 1 << 20
    /// The longest side of a picture in pixels.
    private static let pictureSide = 1280
    private static let rows = (usual: 100, most: 1000)

    private var summary: String {
        switch self {
        case .query:
            "Run one SELECT (SQLite) over the public views of the catalog, such as v_tomogram, v_object, v_metric and v_run. "
                + "Answers with columns and rows as JSON. It is stopped after 60 s; nothing can be changed."
        case .describeViews:
            "Say which views a query can read. Without a view: the name, the meaning and the columns of each. With one: type, "
                + "unit and meaning of its columns."
        case .plan:
            "Say what a run would compute, step by step: how many items are fresh, stale or waiting, and how long they would take."
        case .why: "Say why steps of a tomogram would run again, or would not, with the old and the new value of what changed."
        case .pictureOfSlice:
            "Draw a slice of a tomogram as a PNG picture with a scale bar: the voxels, or what a step found in it, or its labels."
        }
    }

    private var arguments: [(name: String, type: String, summary: String, isRequired: Bool)] {
        switch self {
        case .query:
            [
                ("sql", "string", "One SELECT.", true),
                ("limit", "integer", "The most rows, 1 to \(Self.rows.most); \(Self.rows.usual) if not given.", false),
            ]
        case .describeViews: [("view", "string", "One view, such as v_tomogram.", false)]
        case .plan: []
        case .why:
            [
                ("tomogram", "string", "Its name, dataset/name, or id:N.", true),
                ("step", "string", "Only this step and those that it needs.", false),
            ]
        case .pictureOfSlice:
            [
                ("tomogram", "string", "Its name, dataset/name, or id:N.", true),
                ("z", "integer", "The slice, from 0; the middle one, or the first one with a result, if not given.", false),
                ("step", "string", "Draw what this step gave.", false),
                ("labels", "boolean", "Lay the label annotation over the slice.", false),
                ("overview", "boolean", "Draw prepared slice, feature map, mask and parts side by side.", false),
            ]
        }
    }

    var argumentNames: [String] { arguments.map(\.name) }

    /// The tool as `tools/list` names it.
    var declaration: JSONValue {
        let properties = arguments.map { argument in
            (argument.name, JSONValue.object(["type": .string(argument.type), "description": .string(argument.summary)]))
        }
        return [
            "name": .string(rawValue),
            "description": .string(summary),
            "inputSchema": [
                "type": "object",
                "properties": .object(Dictionary(properties, uniquingKeysWith: { first, _ in first })),
                "required": .array(arguments.filter(\.isRequired).map { .string($0.name) }),
                "additionalProperties": false,
            ],
            "annotations": ["readOnlyHint": true, "openWorldHint": false],
        ]
    }

    /// - Returns: the content of the result.
    /// - Throws: what goes wrong, whose sentence is the result then.
    func call(_ arguments: MCPArguments, _ api: ViewerAPI) throws -> [JSONValue] {
        switch self {
        case .query: [text(try query(arguments, api))]
        case .describeViews: [text(try views(arguments, api))]
        case .plan: [text(try json(api.plan()))]
        case .why:
            [text(try json(api.why(tomogram(arguments, api).requiredID, step: arguments.string("step"))))]
        case .pictureOfSlice: try picture(arguments, api)
        }
    }

    private func text(_ text: String) -> JSONValue { ["type": "text", "text": .string(text)] }

    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func tomogram(_ arguments: MCPArguments, _ api: ViewerAPI) throws -> TomogramRecord {
        try api.project.catalog.collection.tomogram(named: arguments.required("tomogram"))
    }

    private func query(_ arguments: MCPArguments, _ api: ViewerAPI) throws -> String {
        let limit = try arguments.integer("limit") ?? Self.rows.usual
        guard (1...Self.rows.most).contains(limit) else {
            throw ViewerError(.invalid, "limit is \(limit); give 1 to \(Self.rows.most)")
        }
        var answer = try api.query(arguments.required("sql"), limit: limit)
        while true {
            let text = try json(answer)
            guard text.utf8.count > Self.textBytes else { return text }
            guard answer.rows.count > 1 else {
                throw ViewerError(.tooLarge, "a row has more than \(Self.textBytes >> 20) MiB; ask for fewer or shorter columns")
            }
            answer.rows.removeLast(answer.rows.count / 2)
            answer.truncated = true
        }
    }

    private func views(_ arguments: MCPArguments, _ api: ViewerAPI) throws -> String {
        let views = ViewDocumentation.all
        guard let name = try arguments.string("view") else {
            return views.map { "\($0.name): \($0.about) Columns: \($0.columns.map(\.name).joined(separator: ", "))" }.joined(
                separator: "\n\n")
        }
        guard let view = views.first(where: { $0.name == name }) else {
            throw ViewerError(
                .notFound, "there is no view \(name.prefix(80)); the views are \(views.map(\.name).joined(separator: ", "))")
        }
        let columns = view.columns.map { column in
            let unit = column.unit.map { ", \($0)" } ?? ""
            let meaning = column.meaning.isEmpty ? "" : ": \(column.meaning)"
            return "\(column.name) (\(column.type)\(unit))\(meaning)"
        }
        return ([view.about] + columns).joined(separator: "\n")
    }

    private func picture(_ arguments: MCPArguments, _ api: ViewerAPI) throws -> [JSONValue] {
        let record = try tomogram(arguments, api)
        let (step, labels, overview) = (
            try arguments.string("step"), try arguments.bool("labels"), try arguments.bool("overview")
        )
        guard [step != nil, labels, overview].count(where: { $0 }) <= 1 else {
            throw ViewerError(.invalid, "a picture shows one thing: give step, labels or overview, and not two of them")
        }
        let content: PictureRequest.Content = overview ? .overview : step.map { .step($0) } ?? (labels ? .labels : .plain)
        let z = try arguments.integer("z")
        let request = PictureRequest("\(CatalogReference.idPrefix)\(try record.requiredID)", content, z: z)
        let project = api.project
        let picture = try request.picture(from: project.catalog, graph: project.graph, store: project.store())
            .reduced(toSide: Self.pictureSide)
        let png = try PNGEncoder().encode(picture)
        let what = step ?? (labels ? "labels" : overview ? "overview" : "voxels")
        return [
            text("\(record.name), \(what)\(z.map { ", slice \($0)" } ?? ""): \(picture.width) × \(picture.height) pixels"),
            ["type": "image", "data": .string(Data(png).base64EncodedString()), "mimeType": "image/png"],
        ]
    }
}

/// The arguments of a call, by name. What is null counts as not given.
struct MCPArguments {
    private let values: [String: JSONValue]
    private let tool: MCPTool

    /// - Throws: ``ViewerError`` where the tool has no argument of a name.
    init(_ values: [String: JSONValue], of tool: MCPTool) throws(ViewerError) {
        (self.values, self.tool) = (values.filter { $0.value != .null }, tool)
        let known = tool.argumentNames
        if let unknown = values.keys.sorted().first(where: { !known.contains($0) }) {
            let names = known.isEmpty ? "no arguments" : known.joined(separator: ", ")
            throw ViewerError(.invalid, "\(tool.rawValue) has no argument \(unknown.prefix(80)); it has \(names)")
        }
    }

    func string(_ name: String) throws(ViewerError) -> String? {
        guard let value = values[name] else { return nil }
        guard let text = value.string else { throw wrong(name, "a text") }
        return text
    }

    func required(_ name: String) throws(ViewerError) -> String {
        guard let text = try string(name) else {
            throw ViewerError(.invalid, "\(tool.rawValue) needs the argument \(name); give it")
        }
        return text
    }

    func integer(_ name: String) throws(ViewerError) -> Int? {
        switch values[name] {
        case nil: return nil
        case .integer(let number): return Int(number)
        // JSON has one kind of number.
        case .real(let number):
            guard let whole = Int(exactly: number) else { throw wrong(name, "a whole number") }
            return whole
        default: throw wrong(name, "a whole number")
        }
    }

    /// false where it is not given.
    func bool(_ name: String) throws(ViewerError) -> Bool {
        guard let value = values[name] else { return false }
        guard case .bool(let flag) = value else { throw wrong(name, "true or false") }
        return flag
    }

    private func wrong(_ name: String, _ kind: String) -> ViewerError {
        ViewerError(.invalid, "the argument \(name) of \(tool.rawValue) has another type; give \(kind)")
    }
}
