import TestSupport

/// Files of torch.save written by hand, right or wrong.
enum HandmadePickle {
    /// `{"a": tensor}` of protocol 2, where the tensor is 2 × 2 floats of the storage "0"; with other bytes in the place of some.
    static func dictionary(_ part: [UInt8] = [], _ replacement: [UInt8] = []) -> [UInt8] {
        let value = tensor(replacing: part, by: replacement)
        return [0x80, 2] + [0x7D] + text("a") + value + [0x73, 0x2E]
    }

    /// The instructions that make the tensor.
    static func tensor(replacing part: [UInt8] = [], by replacement: [UInt8] = []) -> [UInt8] {
        var bytes = global("torch._utils", "_rebuild_tensor_v2") + [0x28]
        bytes += [0x28] + text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu") + number(4) + [0x74, 0x51]
        bytes += number(0) + number(2) + number(2) + [0x86] + number(2) + number(1) + [0x86]
        bytes += [0x89] + global("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52]
        return part.isEmpty ? bytes : bytes.replacing(part, with: replacement)
    }

    static func text(_ text: String) -> [UInt8] { [0x58] + little(text.utf8.count, 4) + Array(text.utf8) }
    static func number(_ number: Int) -> [UInt8] {
        (0..<256).contains(number) ? [0x4B, UInt8(number)] : [0x8A, 8] + little(number, 8)
    }
    static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }

    static func little(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// The storage of ``dictionary(_:_:)``: 0, 1, 2, 3.
    static let storage: [UInt8] = (0..<4).flatMap { little(Int(Float($0).bitPattern), 4) }

    /// An archive of stored entries, as torch writes it but for the alignment.
    static func archive(_ pickle: [UInt8], storages: [String: [UInt8]] = ["0": storage], method: Int = 0) -> [UInt8] {
        var entries = [("model/data.pkl", pickle), ("model/byteorder", Array("little".utf8))]
        entries += storages.sorted { $0.key < $1.key }.map { ("model/data/\($0.key)", $0.value) }
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in entries {
            let sizes = little(content.count, 4) + little(content.count, 4)
            let start = little(20, 2) + little(0, 2) + little(method, 2) + little(0, 8) + sizes + little(name.utf8.count, 2)
            directory +=
                little(0x0201_4B50, 4) + little(20, 2) + start + little(0, 12) + little(bytes.count, 4) + Array(name.utf8)
            bytes += little(0x0403_4B50, 4) + start + little(0, 2) + Array(name.utf8) + content
        }
        let end = little(0x0605_4B50, 4) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
        return bytes + directory + end + little(directory.count, 4) + little(bytes.count, 4) + little(0, 2)
    }

    /// A stream of the older format.
    static func stream(_ pickle: [UInt8], keys: [String] = ["0"], storages: [UInt8] = little(4, 8) + storage) -> [UInt8] {
        let magic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        let machine = [0x80, 2, 0x7D] + text("little_endian") + [0x88, 0x73, 0x2E]
        let list = [0x80, 2, 0x5D, 0x28] + keys.flatMap(text) + [0x65, 0x2E]
        return magic + [0x80, 2, 0x4D] + little(1001, 2) + [0x2E] + machine + pickle + list + storages
    }
}
