import Basics
import Testing

@Suite("Errors with codes")
struct CodedErrorTests {
    enum LowCode: String, ErrorCode { case unreadable }
    enum HighCode: String, ParameterErrorCode { case invalidParameter, storage }

    @Test("an error prints as one sentence, with its place if it has one")
    func sentence() {
        #expect("\(CodedError<LowCode>(.unreadable, "is a folder", path: "/data"))" == "/data: is a folder")
        #expect("\(CodedError<LowCode>(.unreadable, "nothing is there"))" == "nothing is there")
        let parameter = CodedError<HighCode>.parameter("the radius", 200, mustBe: "in 0 … 127 pixels")
        #expect(parameter.code == .invalidParameter)
        #expect("\(parameter)" == "the radius is 200; it must be in 0 … 127 pixels")
    }

    @Test("an error of a lower target keeps message and place, and is the cause")
    func cause() {
        let low = CodedError<LowCode>(.unreadable, "is a folder", path: "/data")
        let high = CodedError<HighCode>(.storage, low)
        #expect("\(high)" == "\(low)")
        #expect(high.cause as? CodedError<LowCode> == low)
        #expect(high == CodedError(.storage, "is a folder", path: "/data"))
    }
}
