import Basics
import Testing

@testable import Volumes

@Suite("Deflate streams")
struct InflateTests {
    private static let content: [UInt8] = {
        var random = RandomStream(state: 1)
        return (0..<200_000).map { _ in UInt8.random(in: 0..<12, using: &random) }
    }()

    private static func encoded(_ wrapper: Inflate.Wrapper) -> [UInt8] {
        let windowBits: Int32 =
            switch wrapper {
            case .none: -15
            case .zlib: 15
            case .gzip: 31
            }
        return GzipFixture.deflated(content, windowBits: windowBits)
    }

    /// Decodes at once into memory of a given size.
    private static func decode(
        _ encoded: [UInt8], _ wrapper: Inflate.Wrapper, count: Int
    ) -> (progress: Inflate.Progress, bytes: [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: count)
        let progress = bytes.withUnsafeMutableBytes { output in
            encoded.withUnsafeBytes { Inflate.decode($0, wrapper, into: output) }
        }
        return (progress, Array(bytes.prefix(progress.produced)))
    }

    @Test("decode at once to exactly what was compressed", arguments: [Inflate.Wrapper.none, .zlib, .gzip])
    func whole(wrapper: Inflate.Wrapper) {
        let encoded = Self.encoded(wrapper)
        let (progress, bytes) = Self.decode(encoded, wrapper, count: Self.content.count)
        #expect(progress.status == .ended)
        #expect(progress.consumed == encoded.count)
        #expect(bytes == Self.content)
    }

    @Test("tell longer and shorter streams, ends and bytes after the end apart")
    func sizes() {
        let (encoded, count) = (Self.encoded(.zlib), Self.content.count)
        let longer = Self.decode(encoded, .zlib, count: count - 1)
        #expect(longer.progress.status == .unfinished)
        #expect(longer.bytes == Self.content.dropLast())

        let shorter = Self.decode(encoded, .zlib, count: count + 1)
        #expect(shorter.progress.status == .ended)
        #expect(shorter.bytes == Self.content)

        let cut = Self.decode(Array(encoded.dropLast(1000)), .zlib, count: count)
        #expect(cut.progress.status == .unfinished)
        #expect(cut.progress.consumed == encoded.count - 1000)
        #expect(cut.progress.produced < count)

        let followed = Self.decode(encoded + [1, 2, 3], .zlib, count: count)
        #expect(followed.progress.status == .ended)
        #expect(followed.progress.consumed == encoded.count)

        let none = Self.decode([], .zlib, count: 10)
        #expect(none.progress.status == .unfinished)
        #expect(none.progress.produced == 0)
        #expect(Self.decode(encoded, .zlib, count: 0).progress.status == .unfinished)
    }

    @Test("that are damaged, or in another wrapper, are called so")
    func damage() {
        var encoded = Self.encoded(.zlib)
        #expect(Self.decode(encoded, .gzip, count: Self.content.count).progress.status == .damaged)
        #expect(Self.decode(Self.content, .zlib, count: 10).progress.status == .damaged)
        // The last four bytes are the checksum.
        encoded[encoded.count - 1] ^= 1
        let (progress, bytes) = Self.decode(encoded, .zlib, count: Self.content.count)
        #expect(progress.status == .damaged)
        #expect(bytes == Self.content)
    }

    @Test("decode piece by piece, whatever the sizes of the pieces")
    func pieces() throws {
        var random = RandomStream(state: 2)
        let encoded = Self.encoded(.gzip)
        let inflate = try #require(Inflate(.gzip))
        // The second time, the same object decodes another stream.
        for _ in 0..<2 {
            var (decoded, used, status): ([UInt8], Int, Inflate.Status) = ([], 0, .unfinished)
            while status == .unfinished, decoded.count <= Self.content.count {
                let end = min(encoded.count, used + Int.random(in: 0...3000, using: &random))
                var piece = [UInt8](repeating: 0, count: Int.random(in: 0...3000, using: &random))
                let progress = piece.withUnsafeMutableBytes { output in
                    encoded[used..<end].withUnsafeBytes { inflate.decode($0, into: output) }
                }
                used += progress.consumed
                decoded += piece.prefix(progress.produced)
                status = progress.status
            }
            #expect(status == .ended)
            #expect(used == encoded.count)
            #expect(decoded == Self.content)
            inflate.reset()
        }
    }

    @Test("go on at the end of a block, from the window and the unused bits there")
    func restart() throws {
        let encoded = Self.encoded(.none)
        let inflate = try #require(Inflate(.none))
        var (decoded, used, restarts): ([UInt8], Int, Int) = ([], 0, 0)
        while true {
            var piece = [UInt8](repeating: 0, count: Self.content.count - decoded.count + 1)
            let progress = piece.withUnsafeMutableBytes { output in
                encoded[used...].withUnsafeBytes { inflate.decode($0, into: output, stopsAtBlock: true) }
            }
            used += progress.consumed
            decoded += piece.prefix(progress.produced)
            guard progress.status == .unfinished else {
                #expect(progress.status == .ended)
                break
            }
            guard let bits = inflate.unusedBitsAtBlockEnd, decoded.count > 0 else { continue }
            restarts += 1
            let other = try #require(Inflate(.none))
            other.restart(window: inflate.window, unusedBits: bits, of: encoded[used - 1])
            var rest = [UInt8](repeating: 0, count: Self.content.count - decoded.count)
            let end = rest.withUnsafeMutableBytes { output in
                encoded[used...].withUnsafeBytes { other.decode($0, into: output) }
            }
            #expect(end.produced == rest.count)
            #expect(rest == Array(Self.content[decoded.count...]))
        }
        #expect(decoded == Self.content)
        #expect(restarts > 0)
    }
}
