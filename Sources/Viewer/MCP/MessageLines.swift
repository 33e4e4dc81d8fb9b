/// Cuts what arrives into lines, of which each is a message.
package struct MessageLines {
    package enum Line: Equatable {
        /// Without its end.
        case message([UInt8])
        /// A line of more bytes than are kept.
        case tooLong
    }

    private let limit: Int
    private var pending: [UInt8] = []
    private var isTooLong = false

    /// - Parameter limit: the most bytes of a line.
    package init(limit: Int = 4 << 20) { self.limit = limit }

    /// The lines that end within some bytes; the rest waits. Empty lines are left out.
    package mutating func append(_ bytes: some Sequence<UInt8>) -> [Line] {
        var lines: [Line] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if let line = end() { lines.append(line) }
            } else if pending.count < limit {
                pending.append(byte)
            } else {
                isTooLong = true
            }
        }
        return lines
    }

    /// The line that has no end, after the last byte; nil where there is none.
    package mutating func end() -> Line? {
        defer { (pending, isTooLong) = ([], false) }
        if isTooLong { return .tooLong }
        if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
        return pending.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") } ? nil : .message(pending)
    }
}
