public import Basics
import Foundation
import Volumes

/// Encodes surfaces as a binary glTF file (`.glb`), which ChimeraX, Blender, copick and browsers read.
///
/// Each surface is a mesh of one primitive, with a node and a material of its own: float32 positions and normals, uint32 indices,
/// tightly packed one after the other. Colours are converted from sRGB to the linear values that glTF has. The axes stay as they
/// are.
///
/// By its specification lengths in glTF are metres. Programs of the field take them for Å, so that Å stay Å: `asset.extras` says
/// so.
///
/// Source: Khronos, *glTF 2.0 specification* (2021), sections 3.6 and 4.4. The same surfaces give the same bytes.
public struct GLBEncoder: Sendable {
    /// What `asset.generator` says.
    public var generator: String
    /// What `asset.extras` says beside the unit, such as where the data are from.
    public var remarks: [String: String]

    private static let magic: UInt32 = 0x4654_6C67
    private static let version: UInt32 = 2
    private static let jsonChunk: UInt32 = 0x4E4F_534A
    private static let binaryChunk: UInt32 = 0x004E_4942
    /// Lengths in the file are 32 bits.
    private static let byteLimit = Int(UInt32.max)

    public init(generator: String, remarks: [String: String] = [:]) { (self.generator, self.remarks) = (generator, remarks) }

    /// The bytes of the file. Surfaces without a triangle are left out: glTF has no empty accessors.
    ///
    /// - Throws: ``RenderingError`` where a surface is inconsistent: other numbers of normals than of positions, a triangle of
    ///   vertices that are not there, a coordinate that is not finite; or where the file would have 4 GiB.
    /// - Complexity: copies all vertices and triangles once; needs the memory of the file.
    public func encode(_ meshes: [GLBMesh]) throws(RenderingError) -> [UInt8] {
        let meshes = meshes.filter { !$0.triangles.isEmpty }
        for mesh in meshes { try check(mesh) }
        let binaryCount = meshes.reduce(0) { $0 + 24 * $1.positions.count + 12 * $1.triangles.count }
        let json = try document(meshes, binaryCount: binaryCount)
        let jsonCount = (json.count + 3) / 4 * 4
        let total = 12 + 8 + jsonCount + (binaryCount > 0 ? 8 + binaryCount : 0)
        guard total <= Self.byteLimit else {
            throw RenderingError(
                .tooLarge, "the surfaces need \(total) bytes, and a glb file has less than 4 GiB; allow for fewer triangles")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(total)
        for word in [Self.magic, Self.version, UInt32(total), UInt32(jsonCount), Self.jsonChunk] { Self.append(word, to: &bytes) }
        bytes += json
        // JSON is filled up with blanks, numbers need no filling: each has four bytes.
        for _ in json.count..<jsonCount { bytes.append(0x20) }
        guard binaryCount > 0 else { return bytes }
        for word in [UInt32(binaryCount), Self.binaryChunk] { Self.append(word, to: &bytes) }
        for mesh in meshes {
            for vectors in [mesh.positions, mesh.normals] {
                for vector in vectors {
                    Self.append(vector.x.bitPattern, to: &bytes)
                    Self.append(vector.y.bitPattern, to: &bytes)
                    Self.append(vector.z.bitPattern, to: &bytes)
                }
            }
            for triangle in mesh.triangles {
                Self.append(triangle.x, to: &bytes)
                Self.append(triangle.y, to: &bytes)
                Self.append(triangle.z, to: &bytes)
            }
        }
        return bytes
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: word))
        bytes.append(UInt8(truncatingIfNeeded: word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word >> 16))
        bytes.append(UInt8(truncatingIfNeeded: word >> 24))
    }

    private func check(_ mesh: GLBMesh) throws(RenderingError) {
        guard mesh.normals.count == mesh.positions.count else {
            throw RenderingError(
                .sizeMismatch,
                "the surface \(mesh.name) has \(mesh.positions.count) vertices and \(mesh.normals.count) normals; "
                    + "give each vertex one"
            )
        }
        func isFinite(_ vector: SIMD3<Float>) -> Bool { vector.x.isFinite && vector.y.isFinite && vector.z.isFinite }
        guard mesh.positions.allSatisfy(isFinite), mesh.normals.allSatisfy(isFinite) else {
            throw RenderingError(.invalidParameter, "the surface \(mesh.name) has a vertex that is nowhere; leave it out")
        }
        guard let largest = mesh.triangles.lazy.map({ $0.max() }).max(), Int(largest) < mesh.positions.count else {
            throw RenderingError(
                .invalidParameter, "the surface \(mesh.name) has a triangle with a vertex that is not there; leave it out")
        }
    }

    // MARK: The JSON chunk

    private func document(_ meshes: [GLBMesh], binaryCount: Int) throws(RenderingError) -> [UInt8] {
        var document = GLTFDocument(
            asset: .init(
                generator: generator,
                extras: remarks.merging([
                    "unit": "angstrom", "axes": "x, y, z of the tomogram, from the centre of its first voxel",
                ]) { _, own in own }))
        var offset = 0
        for mesh in meshes { document.add(mesh, at: &offset) }
        if binaryCount > 0 { document.buffers = [.init(byteLength: binaryCount)] }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return [UInt8](try encoder.encode(document)) } catch {
            throw RenderingError(mistake: .unwritable, "the description of the surfaces is no JSON (\(error))")
        }
    }
}

extension Color {
    /// The colour as linear values, 0 to 1, by the curve of sRGB (IEC 61966-2-1).
    var linear: [Double] {
        [red, green, blue].map { byte in
            let value = Double(byte) / 255
            let linear = value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
            return (linear * 1e6).rounded() / 1e6
        }
    }
}
