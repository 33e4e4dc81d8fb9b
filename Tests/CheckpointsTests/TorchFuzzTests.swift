import Basics
import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Damaged files of torch.save")
struct TorchFuzzTests {
    /// Flips bits, sets bytes, cuts, extends, and copies a stretch over another or into another place.
    private func damage(_ bytes: inout [UInt8], using random: inout RandomStream) {
        for _ in 0..<Int.random(in: 1...3, using: &random) where bytes.count > 8 {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 3: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
            case 4: bytes.append(contentsOf: [UInt8](repeating: 0xFF, count: Int.random(in: 1...64, using: &random)))
            case 5:
                let length = min(Int.random(in: 1...40, using: &random), bytes.count - place)
                bytes.insert(
                    contentsOf: bytes[place..<place + length], at: Int.random(in: 0...bytes.count, using: &random))
            default:
                // Numbers at the edge of what lengths can be.
                let edges: [UInt8] = [0, 0x7F, 0x80, 0xFF]
                let edge = edges[Int.random(in: 0..<4, using: &random)]
                for offset in 0..<Int.random(in: 1...8, using: &random) where place + offset < bytes.count {
                    bytes[place + offset] = edge
                }
            }
        }
    }

    @Test(
        "1,000 damaged files each are refused, or have tensors that can be read",
        arguments: ["archive.pt", "archive-protocol-4.pt", "stream.pt", "stream-protocol-4.pt", "lightning.ckpt"])
    func mutants(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let original = try GoldenFile("torch/\(name)", in: .module).bytes()
        var random = RandomStream(state: 11)
        var refused = 0
        for seed in 0..<1000 {
            var bytes = original
            damage(&bytes, using: &random)
            let path = try directory.write("mutant.pt", bytes)
            do throws(CheckpointError) {
                let mutant = try Checkpoint(path: path)
                for name in mutant.names {
                    guard let entry = mutant.entry(named: name) else { continue }
                    #expect(entry.byteRange.upperBound <= bytes.count && entry.count <= bytes.count, "mutant \(seed)")
                    if entry.elementType.isFloat {
                        let values = try mutant.tensor(named: name, expecting: entry.shape).values
                        #expect(values.count == entry.count, "mutant \(seed)")
                    } else {
                        let integers = try mutant.integers(named: name)
                        #expect(integers.count == entry.count, "mutant \(seed)")
                    }
                }
            } catch {
                refused += 1
                #expect(!error.message.isEmpty && error.location == path)
            }
        }
        #expect(refused > 250)
    }
}
