import Basics
import Testing

@Suite("JSON from outside")
struct JSONDocumentTests {
    private struct Image: Decodable, Equatable {
        struct Level: Decodable, Equatable {
            var path: String
            var scale: [Double]?
        }
        var name: String
        var levels: [Level]
    }

    private static func fault(_ text: String, allowsJSON5: Bool = false) -> String? {
        do throws(JSONFault) {
            _ = try JSONDocument.decode(Image.self, from: Array(text.utf8), allowsJSON5: allowsJSON5)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("is decoded")
    func sound() throws {
        let image = try JSONDocument.decode(
            Image.self, from: Array(#"{"name": "µ", "levels": [{"path": "0", "scale": [1, 2.5]}]}"#.utf8))
        #expect(image == Image(name: "µ", levels: [.init(path: "0", scale: [1, 2.5])]))
    }

    @Test(
        "errors name the key",
        arguments: [
            (#"{"levels": []}"#, "lacks 'name'"),
            (#"{"name": "a", "levels": [{"path": "0"}, {"scale": [1]}]}"#, "lacks 'levels[1].path'"),
            (#"{"name": 3, "levels": []}"#, "has a 'name' of another type than it should have"),
            (#"{"name": "a", "levels": [{"path": "0", "scale": [1, "x"]}]}"#, "has a 'levels[0].scale[1]' of another type"),
            (#"{"name": null, "levels": []}"#, "'name'"),
            ("[]", "is JSON of another form than it should have"),
            ("{\"name\": ", "is not JSON"),
            ("", "is not JSON"),
        ])
    func faults(text: String, expected: String) throws {
        let fault = try #require(Self.fault(text))
        #expect(fault.contains(expected), "\(fault)")
    }

    @Test("NaN and Infinity, as Python writes them, are read where the caller allows them")
    func python() {
        let text = #"{"name": "a", "levels": [{"path": "0", "scale": [NaN, -Infinity]}]}"#
        #expect(Self.fault(text) != nil)
        #expect(Self.fault(text, allowsJSON5: true) == nil)
    }

    @Test("keys that are not UTF-8 are refused, and do not end the program", arguments: [[0xff], [0xc3]] as [[UInt8]])
    func keys(key: [UInt8]) {
        let bytes = Array("{\"".utf8) + key + Array("\": 1}".utf8)
        for allowsJSON5 in [false, true] {
            #expect(throws: JSONFault.self) {
                try JSONDocument.decode(Image.self, from: bytes, allowsJSON5: allowsJSON5)
            }
        }
    }
}
