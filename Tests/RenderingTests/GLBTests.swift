import Basics
import Rendering
import TestSupport
import Testing

@Suite("Surfaces as binary glTF") struct GLBTests {
    private static func tetrahedron(_ name: String = "membrane") -> GLBMesh {
        let positions = [SIMD3<Float>(0, 0, 0), SIMD3(1.1, 0, 0), SIMD3(0, 2.3, 0), SIMD3(0, 0, -3.7)]
        let normals = [SIMD3<Float>(0, 0, 1), SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, -1)]
        return GLBMesh(
            name, color: Color(red: 255, green: 128, blue: 0), positions: positions, normals: normals,
            triangles: [SIMD3(0, 1, 2), SIMD3(0, 3, 1), SIMD3(0, 2, 3), SIMD3(1, 3, 2)])
    }

    @Test("meshes come back with their names, colours and numbers, and the file keeps the rules of the container")
    func roundTrip() throws {
        // Names of all lengths, so that the JSON is filled up by each number of blanks.
        for name in ["a", "ab", "abc", "abcd", "Å \"quoted\" \\ \u{7} 核糖体 🦠", ""] {
            var ball = GLBMesh(name, color: .white)
            ball.add(Icosphere(subdivisions: 1), at: SIMD3(10, 20, 30), radius: 5)
            let bytes = try GLBEncoder(generator: "test", remarks: ["source": name, "unit": "parsec"]).encode([
                Self.tetrahedron(), GLBMesh("nothing", color: .black), ball,
            ])
            let content = try GLBContent(bytes)
            #expect(bytes.count % 4 == 0)
            #expect(content.meshes.map(\.name) == ["membrane", name] && content.meshes.map(\.nodeName) == ["membrane", name])
            #expect(content.generator == "test" && content.extras["source"] == name)
            // What a file is of cannot say that lengths are in another unit.
            #expect(content.extras["unit"] == "angstrom" && content.extras["axes"]?.contains("x, y, z") == true)
            let first = try #require(content.meshes.first)
            let given = Self.tetrahedron()
            #expect(first.positions == given.positions && first.normals == given.normals && first.triangles == given.triangles)
            // sRGB 255, 128, 0 as linear values.
            #expect(first.color.count == 4 && abs(first.color[1] - 0.215861) < 1e-5)
            #expect(first.color[0] == 1 && first.color[2] == 0 && first.color[3] == 1)
            let second = try #require(content.meshes.last)
            #expect(second.positions.count == 42 && second.triangles.count == 80)
        }
    }

    @Test("no surface gives a file without a buffer; the same surfaces give the same bytes")
    func empty() throws {
        let encoder = GLBEncoder(generator: "test")
        for meshes in [[], [GLBMesh("nothing", color: .black)]] {
            #expect(try GLBContent(encoder.encode(meshes)).meshes.isEmpty)
        }
        #expect(try encoder.encode([Self.tetrahedron()]) == encoder.encode([Self.tetrahedron()]))
    }

    @Test("a surface that does not fit together is refused by its name")
    func refusals() throws {
        func refusal(_ change: (inout GLBMesh) -> Void) throws -> String {
            var mesh = Self.tetrahedron("odd one")
            change(&mesh)
            let error = #expect(throws: RenderingError.self) { try GLBEncoder(generator: "test").encode([mesh]) }
            return error?.message ?? ""
        }
        #expect(try refusal { $0.normals.removeLast() }.contains("odd one has 4 vertices and 3 normals"))
        #expect(try refusal { $0.positions[1].y = .nan }.contains("odd one has a vertex that is nowhere"))
        #expect(try refusal { $0.normals[1].y = .infinity }.contains("odd one has a vertex that is nowhere"))
        #expect(try refusal { $0.triangles[3].z = 4 }.contains("odd one has a triangle with a vertex that is not there"))
        #expect(try refusal { $0.triangles[3].z = .max }.contains("odd one has a triangle with a vertex that is not there"))
    }

    @Test("balls are closed, of the stated number of triangles, and near to the volume of a ball", arguments: 0...4)
    func balls(subdivisions: Int) throws {
        let shape = Icosphere(subdivisions: subdivisions)
        let topology = MeshTopology(shape.positions, shape.triangles)
        #expect(topology.isClosed && topology.eulerCharacteristic == 2 && topology.pieces == 1)
        #expect(shape.triangles.count == Icosphere.triangleCount(subdivisions: subdivisions))
        #expect(shape.positions.allSatisfy { abs(($0 * $0).sum() - 1) < 1e-5 })
        let missing = [0.40, 0.13, 0.035, 0.009, 0.003][subdivisions]
        let part = topology.volume / (4 / 3 * Double.pi)
        #expect(part < 1 && part > 1 - missing)

        var mesh = GLBMesh("balls", color: .white)
        mesh.add(shape, at: SIMD3(100, 0, -50), radius: 20)
        mesh.add(shape, at: SIMD3(-100, 0, 0), radius: 10)
        let both = MeshTopology(mesh.positions, mesh.triangles)
        #expect(both.isClosed && both.pieces == 2)
        #expect(abs(both.volume / (topology.volume * 9000) - 1) < 1e-4)
    }

    @Test("numbers of subdivisions beyond what is possible are clamped")
    func clamped() {
        #expect(Icosphere(subdivisions: -3).triangles.count == 20 && Icosphere.triangleCount(subdivisions: -3) == 20)
        #expect(Icosphere.triangleCount(subdivisions: 100) == Icosphere.triangleCount(subdivisions: 6))
    }
}
