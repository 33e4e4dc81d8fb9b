import CellarKit
import Foundation
import Pipeline
import Testing

@testable import Viewer

/// Dialogues by the Model Context Protocol, line by line.
@Suite struct MCPServerTests {
    private let scene: ImageCatalog
    private let server: MCPServer

    init() throws {
        scene = try ImageCatalog()
        server = try MCPServer(scene.project, version: "1.2")
    }

    /// The answer to a line; nil where there is none.
    private func answer(_ line: String) throws -> [String: Any]? {
        guard let bytes = server.answer(.message(Array(line.utf8))) else { return nil }
        #expect(!bytes.contains(UInt8(ascii: "\n")))
        let answer = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(answer["jsonrpc"] as? String == "2.0" && answer["id"] != nil)
        #expect((answer["result"] == nil) != (answer["error"] == nil))
        return answer
    }

    /// The code and the sentence of an error of the protocol.
    private func fault(_ line: String) throws -> (code: Int, message: String, id: Any) {
        let answer = try #require(try answer(line), "\(line.prefix(100))")
        let error = try #require(answer["error"] as? [String: Any], "\(line.prefix(100))")
        return (try #require(error["code"] as? Int), try #require(error["message"] as? String), try #require(answer["id"]))
    }

    /// What a tool gives: its content, and whether that is an error.
    private func call(_ tool: String, _ arguments: String) throws -> (content: [[String: Any]], isError: Bool) {
        let answer = try answer(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\#(tool)","arguments":\#(arguments)}}"#)
        let result = try #require(answer?["result"] as? [String: Any], "\(answer ?? [:])")
        return (try #require(result["content"] as? [[String: Any]]), try #require(result["isError"] as? Bool))
    }

    /// The text that a tool gives.
    private func text(_ tool: String, _ arguments: String) throws -> String {
        let (content, isError) = try call(tool, arguments)
        #expect(!isError && content.count == 1 && content[0]["type"] as? String == "text", "\(content)")
        return try #require(content.first?["text"] as? String)
    }

    /// The sentence of a tool that fails.
    private func refusal(_ tool: String, _ arguments: String) throws -> String {
        let (content, isError) = try call(tool, arguments)
        let sentence = try #require(content.first?["text"] as? String)
        #expect(isError && content.count == 1 && !sentence.contains("\n"), "\(tool) \(arguments): \(content)")
        return sentence
    }

    @Test("a client is greeted in a version that both know, and notifications are not answered")
    func greeting() throws {
        for (asked, given) in [("2024-11-05", "2024-11-05"), ("2025-06-18", "2025-06-18"), ("2031-01-01", "2025-06-18")] {
            let answer = try answer(
                #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"\#(asked)","capabilities":{},"clientInfo":{"name":"c","version":"0"}}}"#
            )
            let result = try #require(answer?["result"] as? [String: Any])
            #expect(result["protocolVersion"] as? String == given && answer?["id"] as? String == "a")
            #expect((result["serverInfo"] as? [String: Any])?["version"] as? String == "1.2")
            #expect((result["capabilities"] as? [String: Any])?["tools"] != nil)
        }
        #expect(try answer(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#) == nil)
        #expect(try answer(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4}}"#) == nil)
        #expect(try answer(#"{"jsonrpc":"2.0","id":3,"result":{}}"#) == nil)
        let ping = try answer(#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#)
        #expect((ping?["result"] as? [String: Any])?.isEmpty == true && ping?["id"] as? Int == 7)
    }

    @Test("tools are listed with what they take, and say that they only read")
    func listing() throws {
        let result = try answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#)?["result"] as? [String: Any]
        let tools = try #require(result?["tools"] as? [[String: Any]])
        #expect(tools.map { $0["name"] as? String } == ["query", "describe_views", "plan", "why", "picture_of_slice"])
        for tool in tools {
            let schema = try #require(tool["inputSchema"] as? [String: Any])
            let properties = try #require(schema["properties"] as? [String: Any])
            #expect(schema["type"] as? String == "object")
            #expect(Set(try #require(schema["required"] as? [String])).isSubset(of: properties.keys))
            #expect((tool["annotations"] as? [String: Any])?["readOnlyHint"] as? Bool == true)
            #expect((tool["description"] as? String)?.isEmpty == false)
        }
    }

    @Test("a query answers with columns and rows, up to a limit, and changes nothing")
    func query() throws {
        func answer(_ arguments: String) throws -> [String: Any] {
            try #require(JSONSerialization.jsonObject(with: Data(text("query", arguments).utf8)) as? [String: Any])
        }
        let one = try answer(#"{"sql": "SELECT name, size_x FROM v_tomogram"}"#)
        #expect(one["columns"] as? [String] == ["name", "size_x"] && one["truncated"] as? Bool == false)
        let rows = try #require(one["rows"] as? [[Any]])
        #expect(rows.count == 1 && rows[0][0] as? String == "t" && rows[0][1] as? Int == 130)
        let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n"
        let many = try answer(#"{"sql": "\#(numbers)", "limit": 5}"#)
        #expect((many["rows"] as? [[Any]])?.count == 5 && many["truncated"] as? Bool == true)
        #expect(try (answer(#"{"sql": "\#(numbers)"}"#)["rows"] as? [[Any]])?.count == 100)
        // An answer of several MiB is cut.
        let long =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64) SELECT hex(zeroblob(50000)) FROM n"
        let cut = try answer(#"{"sql": "\#(long)"}"#)
        #expect((1..<64).contains((cut["rows"] as? [[Any]])?.count ?? 0) && cut["truncated"] as? Bool == true)

        #expect(try refusal("query", #"{"sql": "DELETE FROM tomogram"}"#).contains("only reading is allowed"))
        #expect(try refusal("query", #"{"sql": "SELEC 1"}"#).contains("not understood"))
        #expect(try refusal("query", #"{"sql": "SELECT 1; SELECT 2"}"#).contains("more than one statement"))
        #expect(try refusal("query", "{}").contains("needs the argument sql"))
        #expect(try refusal("query", #"{"sql": 5}"#).contains("give a text"))
        #expect(try refusal("query", #"{"sql": "SELECT 1", "limit": 0}"#).contains("1 to 1000"))
        #expect(try refusal("query", #"{"sql": "SELECT 1", "limit": 2.5}"#).contains("whole number"))
        #expect(try refusal("query", #"{"sql": "SELECT 1", "file": "/etc/passwd"}"#).contains("has no argument file"))
        #expect(try answer(#"{"sql": "SELECT 1", "limit": null}"#)["truncated"] as? Bool == false)
    }

    @Test("views are described, all in short or one in full")
    func views() throws {
        let all = try text("describe_views", "{}")
        #expect(all.contains("v_tomogram: ") && all.contains("voxel_size") && all.contains("v_object: "))
        let one = try text("describe_views", #"{"view": "v_slab"}"#)
        #expect(one.contains("z_end (integer): one past the last slice"))
        #expect(try refusal("describe_views", #"{"view": "tomogram"}"#).contains("v_tomogram"))
    }

    @Test("plan and why answer as the commands do")
    func planning() throws {
        let plan = try #require(
            JSONSerialization.jsonObject(with: Data(text("plan", "{}").utf8)) as? [[String: Any]])
        #expect(plan.contains { $0["step"] as? String == DescribeStep.name && $0["stale"] as? Int == 1 })
        let why = try #require(
            JSONSerialization.jsonObject(with: Data(text("why", #"{"tomogram": "d/t"}"#).utf8)) as? [String: Any])
        #expect(why["tomogram"] as? String == "d/t")
        #expect(((why["firstCause"] as? [String: Any])?["reasons"] as? [String])?.isEmpty == false)
        #expect(try refusal("why", #"{"tomogram": "nobody"}"#).contains("nobody"))
        #expect(try refusal("why", #"{"tomogram": "t", "step": "nothing"}"#).contains("nothing"))
    }

    @Test("a picture of a slice is a PNG, and what cannot be drawn is said")
    func picture() throws {
        let (content, isError) = try call("picture_of_slice", #"{"tomogram": "id:\#(scene.tomogramID)", "z": 3}"#)
        #expect(!isError && content.map { $0["type"] as? String } == ["text", "image"], "\(content.first ?? [:])")
        let image = try #require(content.last)
        #expect(image["mimeType"] as? String == "image/png")
        let png = try #require(Data(base64Encoded: image["data"] as? String ?? ""))
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        try scene.publishSegmentation()
        let segmentation = try call("picture_of_slice", #"{"tomogram": "t", "step": "\#(SegmentStep.name)"}"#)
        #expect(!segmentation.isError && segmentation.content.count == 2)
        #expect(try refusal("picture_of_slice", #"{"tomogram": "t", "z": 20}"#).contains("20"))
        #expect(try refusal("picture_of_slice", #"{"tomogram": "t", "labels": true}"#).contains("no label annotation"))
        #expect(try refusal("picture_of_slice", #"{"tomogram": "t", "labels": true, "overview": true}"#).contains("one thing"))
        #expect(try refusal("picture_of_slice", #"{"tomogram": "t", "z": "3"}"#).contains("whole number"))
    }

    @Test("what is no request is an error of the protocol, and the server goes on")
    func malformed() throws {
        for (line, code) in [
            ("{", -32700), ("hello", -32700), ("{\"jsonrpc\":\"2.0\",\"id\":1", -32700), ("[]", -32600), ("7", -32600),
            (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600), ("{}", -32600), (#"{"jsonrpc":"2.0","id":1}"#, -32600),
            (#"{"id":1,"method":"ping"}"#, -32600), (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600), (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600), (#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, -32601),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete"}}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plan","arguments":[]}}"#, -32602),
        ] {
            let fault = try fault(line)
            #expect(fault.code == code && !fault.message.isEmpty && !fault.message.contains("\n"), "\(line): \(fault)")
        }
        // The id of the request comes back where it can be read.
        #expect(try fault(#"{"jsonrpc":"2.0","id":"x","method":"nothing"}"#).id as? String == "x")
        #expect(try fault("{").id is NSNull)
        let deep = String(repeating: "[", count: 100_000)
        #expect(try fault(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":\#(deep)"#).code == -32700)
        let bytes = server.answer(.message([0x7B, 0xFF, 0x7D]))
        #expect(bytes.map { String(decoding: $0, as: UTF8.self).contains("-32700") } == true)
        #expect(server.answer(.tooLong).map { String(decoding: $0, as: UTF8.self).contains("-32600") } == true)
        #expect(try answer(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#) != nil)
    }

    @Test("any line is answered by a line, or by none")
    func mutants() throws {
        let lines = [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT 1"}}}"#,
            #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
        ].map { Array($0.utf8) }
        var state: UInt64 = 3
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        for round in 0..<400 {
            var line = lines[round % lines.count]
            for _ in 0...random(3) {
                switch random(3) {
                case 0: line[random(line.count)] = UInt8(random(256))
                case 1: line.remove(at: random(line.count))
                default: line.insert(UInt8(random(128)), at: random(line.count))
                }
            }
            guard let answer = server.answer(.message(line)) else { continue }
            #expect((try? JSONSerialization.jsonObject(with: Data(answer))) != nil && !answer.contains(UInt8(ascii: "\n")))
        }
    }

    @Test("bytes become lines wherever they are cut, and a line that is too long is passed over")
    func lines() {
        let text = Array("one\r\n\n  \ntwo\nthree four five\nsix".utf8)
        let expected: [MessageLines.Line] = [
            .message(Array("one".utf8)), .message(Array("two".utf8)), .tooLong, .message(Array("six".utf8)),
        ]
        for step in 1...text.count {
            var lines = MessageLines(limit: 8)
            var found: [MessageLines.Line] = []
            for first in stride(from: 0, to: text.count, by: step) {
                found += lines.append(text[first..<min(first + step, text.count)])
            }
            if let last = lines.end() { found.append(last) }
            #expect(found == expected, "in steps of \(step)")
            #expect(lines.end() == nil)
        }
    }
}
