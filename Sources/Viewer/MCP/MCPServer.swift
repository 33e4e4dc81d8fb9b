import Basics
package import CellarKit
import Foundation

/// Answers a program that asks by the Model Context Protocol: an assistant that looks at a catalog.
///
/// A message is a line of JSON (JSON-RPC 2.0). The tools only read; see ``MCPTool``. Messages are answered one after the other, and
/// what fails is an error of the protocol, or a result that says that it is one, in one sentence.
///
/// Source: the Model Context Protocol, versions 2024-11-05 and 2025-06-18.
package struct MCPServer: Sendable {
    /// The newest first.
    private static let versions = ["2025-06-18", "2024-11-05"]
    /// The memory for what tools read.
    private static let cacheBytes = 32 << 20

    private let api: ViewerAPI

    /// - Parameter version: of the program.
    /// - Throws: ``CatalogError`` where the catalog cannot be opened once more.
    package init(_ project: Project, version: String) throws {
        api = try ViewerAPI(project, isReadOnly: true, version: version, cacheBytes: Self.cacheBytes)
    }

    /// The codes of JSON-RPC.
    private enum Code: Int64 {
        case noJSON = -32700
        case noRequest = -32600
        case noMethod = -32601
        case wrongParameters = -32602
    }

    /// An error of the protocol, as opposed to one of a tool.
    private struct Fault: Error {
        let code: Code
        let message: String
    }

    /// The answer to a line; nil where it wants none.
    package func answer(_ line: MessageLines.Line) -> [UInt8]? {
        switch line {
        case .message(let bytes): answer(to: bytes)
        case .tooLong: reply(.null, Fault(code: .noRequest, message: "the line is too long: a message has at most 4 MiB"))
        }
    }

    private func answer(to bytes: [UInt8]) -> [UInt8]? {
        let message: JSONValue
        do {
            message = try JSONDocument.decode(JSONValue.self, from: bytes)
        } catch {
            return reply(.null, Fault(code: .noJSON, message: "the line \(error.message): send one JSON object on each line"))
        }
        guard case .object(let members) = message else {
            return reply(
                .null, Fault(code: .noRequest, message: "the message is no JSON object: send requests one by one, each on a line")
            )
        }
        // An answer to something that was never asked.
        if members["method"] == nil, members["result"] != nil || members["error"] != nil { return nil }
        let id: JSONValue
        switch members["id"] {
        case nil:
            // A notification wants no answer, but a message without a method is none.
            guard members["method"]?.string == nil else { return nil }
            return reply(.null, Fault(code: .noRequest, message: "the message has no method"))
        case .string(let text): id = .string(text)
        case .integer(let number): id = .integer(number)
        default: return reply(.null, Fault(code: .noRequest, message: "the id of a request is a text or a whole number"))
        }
        guard members["jsonrpc"]?.string == "2.0", let method = members["method"]?.string else {
            return reply(id, Fault(code: .noRequest, message: "a request has \"jsonrpc\": \"2.0\" and a method"))
        }
        do throws(Fault) {
            return reply(id, result: try result(of: method, members["params"] ?? [:]))
        } catch {
            return reply(id, error)
        }
    }

    private func result(of method: String, _ parameters: JSONValue) throws(Fault) -> JSONValue {
        guard case .object = parameters else {
            throw Fault(code: .wrongParameters, message: "the parameters of a request are a JSON object")
        }
        switch method {
        case "initialize": return greeting(parameters)
        case "ping": return [:]
        case "tools/list": return ["tools": .array(MCPTool.allCases.map(\.declaration))]
        case "tools/call": return try call(parameters)
        default:
            throw Fault(
                code: .noMethod,
                message: "there is no method \(method.prefix(80)); this server has initialize, ping, tools/list and tools/call")
        }
    }

    /// The version that both know: the client's, or else the newest.
    private func greeting(_ parameters: JSONValue) -> JSONValue {
        let asked = parameters["protocolVersion"]?.string
        let version = Self.versions.first { $0 == asked } ?? Self.versions[0]
        return [
            "protocolVersion": .string(version),
            "capabilities": ["tools": ["listChanged": false]],
            "serverInfo": ["name": "cellar", "title": "Cellar", "version": .string(api.version)],
            "instructions": """
            A catalog of cryo-electron tomograms, and of what was found in them. Ask it in SQL over its views; \
            describe_views says what they have. Nothing can be changed by these tools.
            """,
        ]
    }

    private func call(_ parameters: JSONValue) throws(Fault) -> JSONValue {
        let names = MCPTool.allCases.map(\.rawValue).joined(separator: ", ")
        guard let name = parameters["name"]?.string, let tool = MCPTool(rawValue: name) else {
            let name = parameters["name"]?.string.map { " \($0.prefix(80))" } ?? " without a name"
            throw Fault(code: .wrongParameters, message: "there is no tool\(name); the tools are \(names)")
        }
        let arguments: [String: JSONValue]
        switch parameters["arguments"] {
        case nil, .null: arguments = [:]
        case .object(let members): arguments = members
        default: throw Fault(code: .wrongParameters, message: "the arguments of a tool are a JSON object")
        }
        do {
            return ["content": .array(try tool.call(MCPArguments(arguments, of: tool), api)), "isError": false]
        } catch {
            return ["content": [["type": "text", "text": .string(error.sentence)]], "isError": true]
        }
    }

    // MARK: Replies

    private func reply(_ id: JSONValue, result: JSONValue) -> [UInt8]? {
        line(["jsonrpc": "2.0", "id": id, "result": result])
    }

    private func reply(_ id: JSONValue, _ fault: Fault) -> [UInt8]? {
        line([
            "jsonrpc": "2.0", "id": id,
            "error": ["code": .integer(fault.code.rawValue), "message": .string(fault.message.withVisibleControlCharacters)],
        ])
    }

    /// One line of JSON without its end.
    private func line(_ message: JSONValue) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Numbers that are not finite are in no message.
        return (try? encoder.encode(message)).map { [UInt8]($0) }
    }
}
