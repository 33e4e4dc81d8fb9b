import Basics

/// Reads a text file line by line, in bounded memory.
struct LineReader {
    let path: String
    /// The number of the line that ``next()`` returned last, from 1.
    private(set) var line = 0

    private let source: FileSource
    private var offset = 0
    private var buffer: [UInt8] = []
    private var start = 0

    /// The size limit of a file of points in bytes.
    private static let fileLimit = 1 << 30
    /// The size limit of a line in bytes.
    private static let lineLimit = 1 << 20
    private static let chunk = 1 << 18

    /// - Throws: ``VolumeError`` where the file cannot be opened or has more than 1 GiB.
    init(path: String) throws(VolumeError) {
        source = try FileSource(path: path)
        self.path = path
        guard source.size <= Self.fileLimit else {
            throw VolumeError(.tooLarge, "has more than \(Self.fileLimit >> 20) MiB; split it by tomogram", path: path)
        }
    }

    /// The next line without its line break (LF or CR LF); nil after the last one.
    ///
    /// - Throws: ``VolumeError`` where the file cannot be read, or the line has more than 1 MiB.
    mutating func next() throws(VolumeError) -> ArraySlice<UInt8>? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return finish(buffer[start..<end])
            }
            searched = buffer.count
            guard searched - start <= Self.lineLimit else {
                throw .malformedLine(line + 1, "has more than \(Self.lineLimit) bytes; give a table of points", path: path)
            }
            let more = try source.bytes(at: offset, count: Self.chunk)
            if more.isEmpty {
                guard start < buffer.count else { return nil }
                defer { start = buffer.count }
                return finish(buffer[start...])
            }
            offset += more.count
            searched -= start
            buffer.removeSubrange(..<start)
            start = 0
            buffer += more
        }
    }

    private mutating func finish(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line += 1
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        // Spreadsheet programs on Windows put a byte order mark at the beginning of a text file.
        if line == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        return bytes
    }
}
