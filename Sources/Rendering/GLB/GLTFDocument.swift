/// The JSON of a glTF file. The names of properties are those of the specification.
struct GLTFDocument: Encodable {
    struct Asset: Encodable {
        let version = "2.0"
        let generator: String
        let extras: [String: String]

        enum CodingKeys: CodingKey { case version, generator, extras }
    }

    struct Scene: Encodable {
        var nodes: [Int]?
    }

    struct Node: Encodable {
        let name: String
        let mesh: Int
    }

    struct Mesh: Encodable {
        let name: String
        let primitives: [Primitive]
    }

    struct Primitive: Encodable {
        let attributes: [String: Int]
        let indices: Int
        let material: Int
        /// Triangles.
        let mode = 4

        enum CodingKeys: CodingKey { case attributes, indices, material, mode }
    }

    struct Material: Encodable {
        struct Roughness: Encodable {
            let baseColorFactor: [Double]
            let metallicFactor = 0.0
            let roughnessFactor = 0.8

            enum CodingKeys: CodingKey { case baseColorFactor, metallicFactor, roughnessFactor }
        }

        let name: String
        let pbrMetallicRoughness: Roughness
    }

    struct Accessor: Encodable {
        let bufferView: Int
        let componentType: Int
        let count: Int
        let type: String
        /// The bounds of positions, which the specification asks for.
        var min: [Double]?
        var max: [Double]?
    }

    struct BufferView: Encodable {
        let buffer = 0
        let byteOffset: Int
        let byteLength: Int
        let target: Int

        enum CodingKeys: CodingKey { case buffer, byteOffset, byteLength, target }
    }

    struct Buffer: Encodable {
        let byteLength: Int
    }

    private static let (float32, uint32) = (5126, 5125)
    private static let (vertexBuffer, indexBuffer) = (34962, 34963)

    let asset: Asset
    let scene = 0
    var scenes = [Scene()]
    // The specification has no empty arrays: what there is none of is left out.
    var nodes: [Node]?
    var meshes: [Mesh]?
    var materials: [Material]?
    var accessors: [Accessor]?
    var bufferViews: [BufferView]?
    var buffers: [Buffer]?

    enum CodingKeys: CodingKey { case asset, scene, scenes, nodes, meshes, materials, accessors, bufferViews, buffers }

    init(asset: Asset) { self.asset = asset }

    /// Adds a surface whose numbers begin at a byte of the buffer: positions, normals, triangles.
    ///
    /// - Parameter offset: becomes the end of the numbers.
    mutating func add(_ mesh: GLBMesh, at offset: inout Int) {
        let index = meshes?.count ?? 0
        var (low, high) = (SIMD3<Float>(repeating: .infinity), SIMD3<Float>(repeating: -.infinity))
        for position in mesh.positions {
            low = pointwiseMin(low, position)
            high = pointwiseMax(high, position)
        }
        func numbers(_ vector: SIMD3<Float>) -> [Double] { [Double(vector.x), Double(vector.y), Double(vector.z)] }
        let vertices = mesh.positions.count
        let position = addAccessor(
            Self.float32, vertices, "VEC3", bytes: 12 * vertices, Self.vertexBuffer, &offset,
            bounds: (numbers(low), numbers(high)))
        let normal = addAccessor(Self.float32, vertices, "VEC3", bytes: 12 * vertices, Self.vertexBuffer, &offset)
        let indices = addAccessor(
            Self.uint32, 3 * mesh.triangles.count, "SCALAR", bytes: 12 * mesh.triangles.count, Self.indexBuffer, &offset)
        let primitive = Primitive(attributes: ["POSITION": position, "NORMAL": normal], indices: indices, material: index)
        meshes = (meshes ?? []) + [Mesh(name: mesh.name, primitives: [primitive])]
        materials =
            (materials ?? [])
            + [Material(name: mesh.name, pbrMetallicRoughness: .init(baseColorFactor: mesh.color.linear + [1]))]
        nodes = (nodes ?? []) + [Node(name: mesh.name, mesh: index)]
        scenes[0].nodes = (scenes[0].nodes ?? []) + [index]
    }

    private mutating func addAccessor(
        _ componentType: Int, _ count: Int, _ type: String, bytes: Int, _ target: Int, _ offset: inout Int,
        bounds: (min: [Double], max: [Double])? = nil
    ) -> Int {
        let index = accessors?.count ?? 0
        bufferViews = (bufferViews ?? []) + [BufferView(byteOffset: offset, byteLength: bytes, target: target)]
        accessors =
            (accessors ?? [])
            + [
                Accessor(
                    bufferView: index, componentType: componentType, count: count, type: type, min: bounds?.min, max: bounds?.max)
            ]
        offset += bytes
        return index
    }
}
