import Synchronization

/// The decoded bytes of a gzip file, read at any offset.
///
/// Gzip has no index, so one is built while decoding: after every 16 MiB of output, at the next border between two deflate
/// blocks, the state of the decoder is stored (``GzipRestartPoint``). A later read begins at the last point before its
/// offset, or with an idle decoder whose position is even closer. So reading forward decodes everything once, and a jump
/// decodes at most the distance between two points.
///
///     output   0 ──────── 16 MiB ─────── 32 MiB ────────── 48 MiB
///     points   ●            ●              ●        ▲
///                                          └decode──┘ offset
///
/// Memory is the index (at most 32 MiB) and a few decoders of about 200 KiB, whatever the decoded size. Several
/// threads decode at the same time, each with its own decoder. The members of a file are one stream, as for `gunzip`;
/// the checksum of a member is verified when decoding reaches its end.
final class GzipSource: ByteSource {
    /// The most idle decoders that are kept; fewer threads usually read one file at the same time.
    private static let idleDecoderLimit = 4

    private let file: FileSource
    private let state: Mutex<State>

    private struct State {
        var index: GzipIndex
        var idle: [GzipDecoder] = []
    }

    var path: String { file.path }
    var byteCount: Int? { nil }

    var byteCountLimit: Int { (file.byteCountLimit + 1) * Inflate.ratioLimit }

    /// A source over a file that begins with the gzip magic number.
    init(file: FileSource, index: GzipIndex = GzipIndex()) {
        self.file = file
        state = Mutex(State(index: index))
    }

    /// Whether bytes from the beginning of a file are those of gzip.
    static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

    func readAvailable(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) -> Int {
        guard offset >= 0 else { return 0 }
        let decoder = try decoder(before: offset)
        try decoder.skip(to: offset, wantsPoint: wantsPoint, record: record)
        guard decoder.position == offset else { return 0 }
        let filled = try decoder.decode(into: destination, wantsPoint: wantsPoint, record: record)
        keep(decoder)
        return filled
    }

    /// Verifies the checksum of the member that holds the bytes before an offset, even if the member is longer: decodes up to
    /// 1 MiB more to reach its end. A damaged stream often decodes to more bytes than it should, and no read asks for them.
    func verify(before offset: Int) throws(VolumeError) {
        let decoder = try decoder(before: offset)
        try decoder.skip(to: offset, wantsPoint: wantsPoint, record: record)
        try decoder.finishMember(limit: 1 << 20)
        keep(decoder)
    }

    private func keep(_ decoder: GzipDecoder) {
        state.withLock { state in
            if state.idle.count == Self.idleDecoderLimit { state.idle.removeFirst() }
            state.idle.append(decoder)
        }
    }

    private func wantsPoint(at output: Int) -> Bool { state.withLock { $0.index.wantsPoint(at: output) } }

    private func record(_ point: GzipRestartPoint) { state.withLock { $0.index.insert(point) } }

    /// Takes the idle decoder with the closest position before the offset, or creates one at the closest restart point.
    private func decoder(before offset: Int) throws(VolumeError) -> GzipDecoder {
        let (idle, point) = state.withLock { state -> (GzipDecoder?, GzipRestartPoint) in
            let point = state.index.point(before: offset)
            let closest = state.idle.indices
                .filter { point.output...offset ~= state.idle[$0].position }
                .max { state.idle[$0].position < state.idle[$1].position }
            return (closest.map { state.idle.remove(at: $0) }, point)
        }
        if let idle { return idle }
        return try GzipDecoder(file: file, at: point)
    }
}

/// The state of the decoder at a place in a gzip file, from which decoding can begin.
struct GzipRestartPoint: Sendable {
    /// The offset in the file of the next byte to decode.
    var input = 0
    /// The number of high bits of the byte before `input` that are not decoded yet.
    var unusedBits: CInt = 0
    /// The offset in the decoded stream.
    var output = 0
    /// The last 32 KiB of output, to which matches refer; nil at the header of a member, where no match can refer to them.
    var window: [UInt8]?
    /// The checksum and length of the member up to this point, so that its end can be verified from here, too.
    var checksum: UInt = 0
    var memberOutput = 0
}

/// Restart points in the order of their output offsets, evenly spaced and limited in number.
struct GzipIndex {
    /// The most points; 1024 points with their windows are 32 MiB.
    static let pointLimit = 1024

    private var points = [GzipRestartPoint()]
    private var spacing: Int

    init(spacing: Int = 16 << 20) { self.spacing = spacing }

    var count: Int { points.count }

    /// Whether a point at this output offset should be added: the last point is at least the spacing away.
    func wantsPoint(at output: Int) -> Bool {
        points.last.map { output - $0.output >= spacing } ?? true
    }

    /// The last point at or before an output offset.
    func point(before output: Int) -> GzipRestartPoint {
        var low = 0
        var high = points.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if points[middle].output <= output { low = middle } else { high = middle }
        }
        return points[low]
    }

    /// Appends a point, unless another thread has added one there. A full index drops every second point and doubles the
    /// spacing, so an endless stream costs time, but not memory.
    mutating func insert(_ point: GzipRestartPoint) {
        guard wantsPoint(at: point.output) else { return }
        points.append(point)
        if points.count > Self.pointLimit {
            points = stride(from: 0, to: points.count, by: 2).map { points[$0] }
            spacing *= 2
        }
    }
}
