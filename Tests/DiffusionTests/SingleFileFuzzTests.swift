import Basics
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Diffusion

@Suite("Damaged models in one file")
struct SingleFileFuzzTests {
    /// A header that a mutant changes: names and shapes of tensors, in the order of the file.
    private struct Header {
        var entries: [(name: String, shape: [Int])]
    }

    @Test("files with other names and shapes are refused, or hold networks whose tensors can be read", arguments: [1, 2])
    func names(generation: Int) throws {
        let directory = try TemporaryDirectory()
        let original = try OriginalFile(generation)
        let names = original.tensors.keys.sorted()
        var random = RandomStream(state: UInt64(generation))
        var accepted = 0
        let count = FuzzCount.usual(60)
        for _ in 0..<count {
            var header = Header(entries: names.map { ($0, original.tensors[$0]?.shape ?? []) })
            for _ in 0..<Int.random(in: 1...3, using: &random) { change(&header, using: &random) }
            let path = try directory.write("mutant.safetensors", file(header))
            do throws(DiffusionError) {
                guard let single = try SingleFile(path: path) else { continue }
                let layout = try single.layout(original.conventions)
                accepted += 1
                for checkpoint in [layout.unet.checkpoint, layout.autoencoder.checkpoint, layout.text?.checkpoint] {
                    for name in checkpoint?.names ?? [] {
                        guard let entry = checkpoint?.entry(named: name) else { continue }
                        #expect(entry.byteRange.count == 4 * entry.shape.reduce(1, *))
                    }
                }
                // The pass compares every shape.
                if accepted % 50 == 0 {
                    let parts = try ModelParts(single, conventions: original.conventions)
                    try DiffusionModel(parts, residency: .streamed).verify()
                }
            } catch {
                #expect(!error.message.isEmpty && error.message.count < 2000)
            }
        }
        #expect((1..<count * 19 / 20).contains(accepted), "\(accepted)")
    }

    private func change(_ header: inout Header, using random: inout RandomStream) {
        let index = Int.random(in: header.entries.indices, using: &random)
        let other = Int.random(in: header.entries.indices, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: header.entries.remove(at: index)
        case 1: header.entries[index].shape.append(1)
        case 2: if !header.entries[index].shape.isEmpty { header.entries[index].shape.removeLast() }
        case 3: header.entries[index].shape.reverse()
        case 4: header.entries[index].shape = header.entries[other].shape
        case 5:
            if let axis = header.entries[index].shape.indices.randomElement(using: &random) {
                header.entries[index].shape[axis] = Int.random(in: 0...9, using: &random)
            }
        case 6:
            // Another number in the name: a block that is there twice, or nowhere.
            var name = Array(header.entries[index].name.utf8)
            let digits = name.indices.filter { (0x30...0x39).contains(name[$0]) }
            if let digit = digits.randomElement(using: &random) { name[digit] = UInt8.random(in: 0x30...0x39, using: &random) }
            let text = String(decoding: name, as: UTF8.self)
            if !header.entries.contains(where: { $0.name == text }) { header.entries[index].name = text }
        case 7:
            // Two tensors change their names.
            let name = header.entries[index].name
            header.entries[index].name = header.entries[other].name
            header.entries[other].name = name
        default:
            // All of a level or block go.
            let count = Int.random(in: 2...4, using: &random)
            let stem = header.entries[index].name.split(separator: ".").prefix(count).joined(separator: ".")
            header.entries.removeAll { $0.name.hasPrefix(stem + ".") }
            if header.entries.isEmpty { header.entries = [("a", [1])] }
        }
    }

    private func file(_ header: Header) -> [UInt8] {
        var offset = 0
        var fields: [String] = []
        for (name, shape) in header.entries {
            let end = offset + 4 * shape.reduce(1, *)
            fields.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        let json = Array("{\(fields.joined(separator: ","))}".utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json + [UInt8](repeating: 0, count: offset)
    }

    @Test("damaged files of either format are refused, or the same as before")
    func bytes() throws {
        let directory = try TemporaryDirectory()
        let original = try OriginalFile(2)
        var random = RandomStream(state: 5)
        for form in [OriginalFile.Form.all[1], OriginalFile.Form.all[3]] {
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: original.write(form, into: directory))))
            // Headers, pickles and directories, where damage matters; behind the values in archives.
            let places =
                form.ending == "ckpt" ? Array(0..<150_000) + Array(bytes.count - 60_000..<bytes.count) : Array(0..<90_000)
            for _ in 0..<FuzzCount.usual(60) / 2 {
                var mutant = bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = places[Int.random(in: places.indices, using: &random)]
                    if Bool.random(using: &random) {
                        mutant[place] = UInt8.random(in: 0...255, using: &random)
                    } else {
                        mutant[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    }
                }
                let path = try directory.write("mutant.\(form.ending)", mutant)
                do throws(DiffusionError) {
                    guard let single = try SingleFile(path: path) else { continue }
                    var hash = SHA256()
                    try single.update(&hash, single.layout(original.conventions))
                } catch {
                    #expect(!error.message.isEmpty)
                }
            }
        }
    }
}
