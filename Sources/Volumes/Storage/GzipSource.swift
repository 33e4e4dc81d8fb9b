import Synchronization

/// What a gzip file decodes to, read at any offset.
///
/// Gzip has no index, so one is built on the way: whenever decoding passes another 16 MiB of output at the border of
/// two deflate blocks, the state of the decoder is kept (``GzipRestartPoint``). A later read begins at the last point
/// before its offset, or at an idle decoder that stands even closer, so that reading forward decodes everything once,
/// and a jump costs at most the distance between two points.
///
///     output   0 ──────── 16 MiB ─────── 32 MiB ────────── 48 MiB
///     points   ●            ●              ●        ▲
///                                          └decode──┘ offset
///
/// Memory is the index (at most 32 MiB) and a few decoders of some 200 KiB, however much a file decodes to. Several
/// threads decode at the same time, each with a decoder of its own. Files of several members are one stream, as
/// `gunzip` has it; the checksum of each member is verified when its end is passed.
final class GzipSource: ByteSource {
    /// Idle decoders that are kept: more than threads usually read one file at once.
    private static let idleDecoderLimit = 4

    private let file: FileSource
    private let state: Mutex<State>

    private struct State {
        var index: GzipIndex
        var idle: [GzipDecoder] = []
    }

    var path: String { file.path }
    var byteCount: Int? { nil }

    /// Deflate cannot compress better than 1032:1 (RFC 1951: 258 bytes in two bits).
    var byteCountLimit: Int { (file.byteCountLimit + 1) * 1032 }

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

    /// Verifies the checksum over the bytes before an offset although their member goes on behind it, up to a megabyte: a
    /// damaged stream often decodes to more than it should, whose surplus nobody asks for.
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

    /// Takes the idle decoder that stands closest before the offset, or makes one at the closest restart point.
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
