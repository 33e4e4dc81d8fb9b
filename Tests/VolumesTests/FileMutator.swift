import Basics
import TestSupport

/// Damages files at random, as bad disks, broken programs and attackers do; the same seed damages in the same way.
struct FileMutator {
    let seed: UInt64
    private(set) var random: RandomStream

    init(seed: UInt64) { (self.seed, random) = (seed, RandomStream(state: seed)) }

    /// Numbers at which arithmetic breaks: the edges of the integer types and their neighbours.
    private static let numbers: [UInt64] = [
        0, 1, 2, 3, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000,
        0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 0x7fff_ffff_ffff_fffe, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000,
        0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff,
    ]

    /// What formats of text stumble over.
    private static let words = [
        "-1", "0", "1e999", "-1e308", "NaN", "inf", "9223372036854775807", "9223372036854775808", "2147483648", "1e-320",
        "\"", "'", "\"\"", "#", ";", "_", "\n", "\r\n", "\n;", "\0", ",,", "\t", "[[[[", "]", "{", "}", ":", "null", "true",
        "\\u0000", "\u{FEFF}",
        "loop_\n", "data_\n", "../", "/", "é", "0x10", "+", ".", "e",
    ].map { Array($0.utf8) }

    /// A damaged copy.
    ///
    /// - Parameters:
    ///   - fields: where the bytes are that say most; half of all changes are made there.
    ///   - isText: whether to insert words too.
    mutating func mutate(_ bytes: [UInt8], fields: Range<Int>, isText: Bool = false) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let inFields = Bool.random(using: &random) ? fields.clamped(to: bytes.indices) : bytes.indices
            guard let place = inFields.randomElement(using: &random) else { continue }
            if isText, Bool.random(using: &random) {
                let word = Self.words.randomElement(using: &random) ?? []
                let end = min(bytes.count, place + Int.random(in: 0...4, using: &random))
                bytes.replaceSubrange(place..<end, with: word)
            } else {
                change(&bytes, at: place, fields: fields)
            }
        }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], at place: Int, fields: Range<Int>) {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 4: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 5..<15: put(&bytes, near: place)
        case 15: bytes.removeSubrange(place...)
        case 16:
            let byte: UInt8 = Bool.random(using: &random) ? 0 : .random(in: .min ... .max, using: &random)
            bytes += [UInt8](repeating: byte, count: Int.random(in: 1...2048, using: &random))
        case 17: bytes.removeSubrange(block(at: place, of: bytes))
        case 18: bytes.insert(contentsOf: bytes[block(at: place, of: bytes)], at: place)
        default:
            // Another part of the file in the place of this one.
            guard let other = bytes.indices.randomElement(using: &random) else { return }
            let source = Array(bytes[block(at: other, of: bytes)])
            bytes.replaceSubrange(place..<min(bytes.count, place + source.count), with: source)
        }
    }

    /// Writes a number of one to eight bytes, in either byte order, mostly where such numbers lie.
    private mutating func put(_ bytes: inout [UInt8], near place: Int) {
        let size = [1, 2, 4, 8].randomElement(using: &random) ?? 4
        let start = Int.random(in: 0..<4, using: &random) == 0 ? place : place - place % size
        let number = Self.numbers.randomElement(using: &random) ?? 0
        let isLittleEndian = Bool.random(using: &random)
        for index in 0..<size where start + index < bytes.count {
            let shift = UInt64(8 * (isLittleEndian ? index : size - 1 - index))
            bytes[start + index] = UInt8(truncatingIfNeeded: number >> shift)
        }
    }

    private mutating func block(at place: Int, of bytes: [UInt8]) -> Range<Int> {
        place..<min(bytes.count, place + (1 << Int.random(in: 0...9, using: &random)))
    }
}
