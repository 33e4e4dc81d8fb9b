import Basics
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Damaged safetensors files")
struct FuzzTests {
    /// Texts that are likely to matter to a parser.
    private static let fragments: [[UInt8]] =
        [
            "0", "9", "-", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "{", "}", "[", "]", "null", "1e9", "99999999999999999999",
            "F16", "\0",
            "\"shape\":[]", "__metadata__", "\u{FEFF}",
        ].map { Array($0.utf8) } + [[0xFF], [0xC0, 0x80]]

    /// Damages header or length, or cuts or extends the file; returns whether the bytes of tensors keep their values.
    private func damage(_ bytes: inout [UInt8], headerCount: Int, using random: inout RandomStream) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 8..<min(8 + headerCount, bytes.count), using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes[Int.random(in: 0..<8, using: &random)] = UInt8.random(in: 0...255, using: &random)
            case 3: bytes.removeLast(Int.random(in: 1..<bytes.count - 7, using: &random))
            case 4: bytes.append(contentsOf: [UInt8](repeating: 0, count: Int.random(in: 1...64, using: &random)))
            case 5:
                // A fragment in place of as many bytes, so that the length stays right.
                let fragment = Self.fragments[Int.random(in: 0..<Self.fragments.count, using: &random)]
                for (offset, byte) in fragment.enumerated() where place + offset < bytes.count { bytes[place + offset] = byte }
            case 6:
                // Two places of the header change roles.
                bytes.swapAt(place, Int.random(in: 8..<min(8 + headerCount, bytes.count), using: &random))
            default:
                // A digit for a digit: the likeliest way to a lie that is still JSON.
                let digits = bytes.indices.filter { $0 >= 8 && $0 < 8 + headerCount && (0x30...0x39).contains(bytes[$0]) }
                if let digit = digits.randomElement(using: &random) {
                    bytes[digit] = UInt8.random(in: 0x30...0x39, using: &random)
                }
            }
            if bytes.count < 9 { return }
        }
    }

    @Test("3,000 damaged files are refused, or say the same as before of every tensor that they still name alike")
    func mutants() throws {
        let directory = try TemporaryDirectory()
        let original = try GoldenFile("everything.safetensors", in: .module).bytes()
        let headerCount = Int(original[0]) | Int(original[1]) << 8
        let reference = try Checkpoint(path: GoldenFile("everything.safetensors", in: .module).path)
        var random = RandomStream(state: 3)
        var accepted = 0
        for seed in 0..<3000 {
            var bytes = original
            damage(&bytes, headerCount: headerCount, using: &random)
            let path = try directory.write("mutant.safetensors", bytes)
            let mutant: Checkpoint
            do throws(CheckpointError) {
                mutant = try Checkpoint(path: path)
            } catch {
                #expect(!error.message.isEmpty && error.location == path)
                continue
            }
            accepted += 1
            var end = mutant.files[0].tensors.first?.byteRange.lowerBound ?? bytes.count
            for entry in mutant.files[0].tensors {
                #expect(entry.byteRange.lowerBound == end, "mutant \(seed)")
                end = entry.byteRange.upperBound
                let isFloat = [.float32, .float16, .bfloat16].contains(entry.elementType)
                let isInteger = !isFloat && entry.elementType != .float64
                let floats = isFloat ? try mutant.tensor(named: entry.name, expecting: entry.shape).values : []
                let integers = isInteger ? try mutant.integers(named: entry.name) : []
                guard entry == reference.entry(named: entry.name) else { continue }
                if isFloat {
                    #expect(try reference.tensor(named: entry.name, expecting: entry.shape).values == floats, "mutant \(seed)")
                }
                if isInteger { #expect(try reference.integers(named: entry.name) == integers, "mutant \(seed)") }
            }
            #expect(end == bytes.count, "mutant \(seed)")
        }
        // Names and metadata may change unnoticed; hardly anything else may.
        #expect((1..<1000).contains(accepted))
    }
}
