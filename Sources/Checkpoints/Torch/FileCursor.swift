import Basics

/// Reads a part of a file from front to back, a few kilobytes at a time; nothing is taken on trust from a length in the file.
struct FileCursor {
    let file: MappedFile
    /// Where the next byte lies in the file.
    private(set) var position: Int
    /// Where the part ends.
    let end: Int
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    /// - Precondition: the range lies in the file.
    init(_ file: MappedFile, in range: Range<Int>) {
        (self.file, position, end) = (file, range.lowerBound, range.upperBound)
    }

    mutating func byte() throws(CheckpointError) -> UInt8 {
        if !(bufferStart..<bufferStart + buffer.count).contains(position) {
            guard position < end else { throw truncated() }
            buffer = try file.bytes(in: position..<min(position + 8192, end))
            bufferStart = position
        }
        defer { position += 1 }
        return buffer[position - bufferStart]
    }

    /// - Throws: ``CheckpointError`` where so many do not follow; then nothing was allocated for them.
    mutating func bytes(_ count: Int) throws(CheckpointError) -> [UInt8] {
        guard count >= 0, count <= end - position else { throw truncated() }
        let bytes =
            if bufferStart <= position && position + count <= bufferStart + buffer.count {
                Array(buffer[position - bufferStart..<position - bufferStart + count])
            } else {
                try file.bytes(in: position..<position + count)
            }
        position += count
        return bytes
    }

    /// A little-endian number of at most 8 bytes; nil where it is too large for `Int`.
    mutating func number(_ count: Int) throws(CheckpointError) -> Int? {
        var number: UInt64 = 0
        for index in 0..<count { number |= UInt64(try byte()) << UInt64(8 * index) }
        return Int(exactly: number)
    }

    /// What stands before the next line feed, which is passed over.
    mutating func line() throws(CheckpointError) -> [UInt8] {
        let limit = 1024
        var line: [UInt8] = []
        while true {
            let next = try byte()
            if next == UInt8(ascii: "\n") { return line }
            guard line.count < limit else {
                throw CheckpointError(
                    .malformed, "has a line of more than \(limit) bytes before byte \(position): the file is damaged",
                    path: file.path)
            }
            line.append(next)
        }
    }

    /// - Precondition: so many bytes follow.
    mutating func skip(_ count: Int) { position += count }

    private func truncated() -> CheckpointError {
        CheckpointError(
            .truncated, "ends at byte \(end), where more should follow: copy or download it again", path: file.path)
    }
}
