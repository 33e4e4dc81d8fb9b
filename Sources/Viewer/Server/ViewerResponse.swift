import Foundation

/// What the server answers.
package struct ViewerResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Server-sent events, until one of both sides ends it.
        case events
    }

    package var status: Int
    package var contentType: String
    /// Beside those of every response.
    package var headers: [(name: String, value: String)] = []
    package var body: Body

    package init(
        status: Int = 200, contentType: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        (self.status, self.contentType, self.headers, self.body) = (status, contentType, headers, .bytes(body))
    }

    static let events: ViewerResponse = {
        var response = ViewerResponse(contentType: "text/event-stream")
        response.body = .events
        return response
    }()

    static func json(_ value: some Encodable, status: Int = 200) throws -> ViewerResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return ViewerResponse(status: status, contentType: "application/json", body: [UInt8](try encoder.encode(value)))
    }

    /// `{"error": "one sentence"}`.
    static func error(_ sentence: String, status: Int) -> ViewerResponse {
        // An encoder cannot fail at a text; a response is given in any case.
        (try? json(["error": sentence], status: status))
            ?? ViewerResponse(status: status, contentType: "application/json", body: Array(#"{"error":"unknown"}"#.utf8))
    }

    /// The bytes of the body; none for events.
    package var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }

    /// The value of a header of the response.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
