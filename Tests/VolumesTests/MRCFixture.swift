import Volumes

/// The bytes of an MRC file, field by field, so that a test can put down any oddity.
struct MRCFixture {
    var size: [Int32] = [4, 3, 2]
    var mode: Int32 = 2
    var sampling: [Int32]?
    var cell: [Float] = [40, 30, 20]
    var axes: [Int32] = [1, 2, 3]
    var statistics: [Float] = [0, -1, -2]
    var spaceGroup: Int32 = 1
    var extendedHeaderSize: Int32 = 0
    var identifier = "MAP "
    var machineStamp: [UInt8]?
    var imod: [Int32] = [0, 0]
    var version: Int32 = 20141
    var labelCount: Int32 = 0
    var labels: [String] = []
    var isLittleEndian = true
    /// The voxels in file order, of the type of the mode, little-endian.
    var voxels: [UInt8] = []
    var voxelSize = 4

    static func voxels<Value>(_ values: [Value]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    var bytes: [UInt8] {
        var header = [UInt8](repeating: 0, count: 1024)
        func put(_ values: [UInt32], at offset: Int) {
            for (index, value) in values.enumerated() {
                withUnsafeBytes(of: isLittleEndian ? value.littleEndian : value.bigEndian) {
                    header.replaceSubrange(offset + 4 * index..<offset + 4 * index + 4, with: $0)
                }
            }
        }
        func put(_ values: [Int32], at offset: Int) { put(values.map { UInt32(bitPattern: $0) }, at: offset) }
        func put(_ values: [Float], at offset: Int) { put(values.map(\.bitPattern), at: offset) }
        put(size, at: 0)
        put([mode], at: 12)
        put(sampling ?? size, at: 28)
        put(cell, at: 40)
        put([90, 90, 90] as [Float], at: 52)
        put(axes, at: 64)
        put(statistics, at: 76)
        put([spaceGroup, extendedHeaderSize], at: 88)
        put([version], at: 108)
        put(imod, at: 152)
        header.replaceSubrange(208..<212, with: identifier.utf8)
        header.replaceSubrange(212..<214, with: machineStamp ?? (isLittleEndian ? [0x44, 0x44] : [0x11, 0x11]))
        put([labelCount], at: 220)
        for (index, label) in labels.enumerated() {
            let text = Array(label.utf8)
            header.replaceSubrange(224 + 80 * index..<224 + 80 * index + text.count, with: text)
        }
        let extended = [UInt8](repeating: 0xee, count: max(0, Int(extendedHeaderSize)))
        var data = voxels
        if !isLittleEndian {
            for start in stride(from: 0, to: data.count, by: voxelSize) {
                data[start..<start + voxelSize].reverse()
            }
        }
        return header + extended + data
    }

    /// A ramp of float32 voxels 0, 1, 2 … in file order.
    static var ramp: MRCFixture {
        var fixture = MRCFixture()
        fixture.voxels = voxels((0..<24).map { Float($0) })
        return fixture
    }
}

extension VoxelBuffer {
    /// The voxels as an array of their type, or nil if the buffer is of another one.
    func values<Value: VoxelScalar>(_ type: Value.Type) -> [Value]? { withValues(as: type) { Array($0) } }
}
