import Foundation

/// A binary glTF file, read strictly: each rule of the container and of the accessors that a writer may break is checked.
public struct GLBContent {
    /// A mesh of one primitive, with what its node and its material say.
    public struct Mesh {
        public let name: String
        public let nodeName: String
        /// Linear red, green, blue and opacity.
        public let color: [Double]
        public let positions: [SIMD3<Float>]
        public let normals: [SIMD3<Float>]
        public let triangles: [SIMD3<UInt32>]
    }

    public let meshes: [Mesh]
    public let generator: String
    /// `asset.extras`.
    public let extras: [String: String]

    /// What is wrong with a file.
    public struct Fault: Error, CustomStringConvertible {
        public let description: String
    }

    private struct Document: Decodable {
        struct Asset: Decodable {
            var version: String
            var generator: String
            var extras: [String: String]
        }
        struct Scene: Decodable { var nodes: [Int]? }
        struct Node: Decodable {
            var name: String
            var mesh: Int
        }
        struct Mesh: Decodable {
            var name: String
            var primitives: [Primitive]
        }
        struct Primitive: Decodable {
            var attributes: [String: Int]
            var indices: Int
            var material: Int
            var mode: Int
        }
        struct Material: Decodable {
            struct Roughness: Decodable { var baseColorFactor: [Double] }
            var name: String
            var pbrMetallicRoughness: Roughness
        }
        struct Accessor: Decodable {
            var bufferView: Int
            var byteOffset: Int?
            var componentType: Int
            var count: Int
            var type: String
            var min: [Double]?
            var max: [Double]?
        }
        struct BufferView: Decodable {
            var buffer: Int
            var byteOffset: Int
            var byteLength: Int
            var target: Int
        }
        struct Buffer: Decodable { var byteLength: Int }

        var asset: Asset
        var scene: Int
        var scenes: [Scene]
        var nodes: [Node]?
        var meshes: [Mesh]?
        var materials: [Material]?
        var accessors: [Accessor]?
        var bufferViews: [BufferView]?
        var buffers: [Buffer]?
    }

    /// - Throws: ``Fault`` where a rule is broken, or a `DecodingError`.
    public init(_ bytes: [UInt8]) throws {
        func check(_ isFine: Bool, _ what: String) throws { if !isFine { throw Fault(description: what) } }
        func word(_ offset: Int) throws -> Int {
            try check(offset >= 0 && offset + 4 <= bytes.count, "the file ends before byte \(offset + 4)")
            return (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        try check(Array(bytes.prefix(4)) == Array("glTF".utf8), "the file does not begin with glTF")
        try check(try word(4) == 2 && word(8) == bytes.count, "the header has another version or length")
        let jsonCount = try word(12)
        try check(try word(16) == 0x4E4F_534A && jsonCount % 4 == 0 && 20 + jsonCount <= bytes.count, "the JSON chunk is wrong")
        let document = try JSONDecoder().decode(Document.self, from: Data(bytes[20..<20 + jsonCount]))
        try check(document.asset.version == "2.0" && document.scene == 0 && document.scenes.count == 1, "the scene is wrong")
        (generator, extras) = (document.asset.generator, document.asset.extras)

        var binary: ArraySlice<UInt8> = []
        if 20 + jsonCount < bytes.count {
            let start = 28 + jsonCount
            let count = try word(20 + jsonCount)
            try check(try word(24 + jsonCount) == 0x004E_4942 && count % 4 == 0, "the binary chunk is wrong")
            try check(start + count == bytes.count, "the file goes on after the binary chunk")
            binary = bytes[start..<start + count]
        }
        let buffers = document.buffers ?? []
        try check(buffers.count <= 1 && buffers.allSatisfy { $0.byteLength == binary.count }, "the buffer is another one")
        try check(buffers.isEmpty == binary.isEmpty, "there is a chunk without a buffer, or the other way round")

        /// The words of an accessor.
        func words(_ index: Int, componentType: Int, type: String, target: Int) throws -> [UInt32] {
            let accessors = document.accessors ?? []
            let views = document.bufferViews ?? []
            try check(accessors.indices.contains(index), "there is no accessor \(index)")
            let accessor = accessors[index]
            try check(
                accessor.componentType == componentType && accessor.type == type, "the accessor \(index) is of another type")
            try check(accessor.count > 0 && views.indices.contains(accessor.bufferView), "the accessor \(index) has no numbers")
            let view = views[accessor.bufferView]
            let count = accessor.count * (type == "VEC3" ? 3 : 1)
            let offset = view.byteOffset + (accessor.byteOffset ?? 0)
            try check(view.buffer == 0 && view.target == target, "the view \(accessor.bufferView) is for something else")
            try check(offset % 4 == 0 && view.byteOffset % 4 == 0, "the accessor \(index) is not aligned")
            try check((accessor.byteOffset ?? 0) + 4 * count <= view.byteLength, "the accessor \(index) is longer than its view")
            try check(
                view.byteOffset + view.byteLength <= binary.count, "the view \(accessor.bufferView) is longer than the buffer")
            return (0..<count).map { place in
                let first = binary.startIndex + offset + 4 * place
                return (0..<4).reduce(UInt32(0)) { $0 | UInt32(binary[first + $1]) << UInt32(8 * $1) }
            }
        }
        func vectors(_ index: Int?) throws -> [SIMD3<Float>] {
            guard let index else { throw Fault(description: "an attribute is missing") }
            let numbers = try words(index, componentType: 5126, type: "VEC3", target: 34962).map { Float(bitPattern: $0) }
            try check(numbers.allSatisfy(\.isFinite), "the accessor \(index) has a number that is not finite")
            return stride(from: 0, to: numbers.count, by: 3).map { SIMD3(numbers[$0], numbers[$0 + 1], numbers[$0 + 2]) }
        }
        let (nodes, materials) = (document.nodes ?? [], document.materials ?? [])
        try check(document.scenes[0].nodes ?? [] == Array(nodes.indices), "the scene does not have all nodes")
        try check(nodes.map(\.mesh) == Array((document.meshes ?? []).indices), "not each node has a mesh of its own")
        meshes = try (document.meshes ?? []).enumerated().map { index, mesh in
            try check(mesh.primitives.count == 1, "the mesh \(mesh.name) has several primitives")
            let primitive = mesh.primitives[0]
            try check(
                primitive.mode == 4 && materials.indices.contains(primitive.material), "the mesh \(mesh.name) is drawn otherwise")
            let positions = try vectors(primitive.attributes["POSITION"])
            let normals = try vectors(primitive.attributes["NORMAL"])
            try check(normals.count == positions.count, "the mesh \(mesh.name) has not as many normals as positions")
            let lengths = normals.map { ($0 * $0).sum().squareRoot() }
            try check(lengths.allSatisfy { abs($0 - 1) < 1e-3 }, "the mesh \(mesh.name) has a normal that is not of length 1")
            let accessor = document.accessors?[primitive.attributes["POSITION"] ?? 0]
            for axis in 0..<3 {
                let values = positions.map { $0[axis] }
                try check(
                    accessor?.min?[axis] == values.min().map(Double.init)
                        && accessor?.max?[axis] == values.max().map(Double.init),
                    "the bounds of the mesh \(mesh.name) are others")
            }
            let indices = try words(primitive.indices, componentType: 5125, type: "SCALAR", target: 34963)
            try check(
                indices.count % 3 == 0 && indices.allSatisfy { Int($0) < positions.count }, "\(mesh.name) has wrong triangles")
            return Mesh(
                name: mesh.name, nodeName: nodes[index].name,
                color: materials[primitive.material].pbrMetallicRoughness.baseColorFactor, positions: positions, normals: normals,
                triangles: stride(from: 0, to: indices.count, by: 3).map { SIMD3(indices[$0], indices[$0 + 1], indices[$0 + 2]) })
        }
    }
}

/// How the triangles of a surface hang together.
public struct MeshTopology {
    /// Edges that do not have two triangles which pass them in opposite directions.
    public let faultyEdges: Int
    /// Vertices whose triangles are not one ring around them, or that have none.
    public let faultyVertices: Int
    /// Vertices minus edges plus triangles: 2 for each closed piece, less 2 for each hole through it.
    public let eulerCharacteristic: Int
    /// The number of pieces.
    public let pieces: Int
    /// The area, and the volume within if it is closed: positive where triangles are counter-clockwise as seen from outside.
    public let area: Double
    public let volume: Double

    /// - Precondition: triangles have vertices that are there.
    public init(_ positions: [SIMD3<Float>], _ triangles: [SIMD3<UInt32>]) {
        var edges: [SIMD2<UInt32>: (forward: Int, back: Int)] = [:]
        var rings = [[UInt32: UInt32]](repeating: [:], count: positions.count)
        var counts = [Int](repeating: 0, count: positions.count)
        var parents = Array(positions.indices)
        func root(_ vertex: Int) -> Int {
            var vertex = vertex
            while parents[vertex] != vertex {
                parents[vertex] = parents[parents[vertex]]
                vertex = parents[vertex]
            }
            return vertex
        }
        var (area, volume) = (0.0, 0.0)
        for triangle in triangles {
            let corners = [triangle.x, triangle.y, triangle.z]
            for index in 0..<3 {
                let (a, b, c) = (corners[index], corners[(index + 1) % 3], corners[(index + 2) % 3])
                let key = SIMD2(min(a, b), max(a, b))
                let known = edges[key] ?? (0, 0)
                edges[key] = a < b ? (known.forward + 1, known.back) : (known.forward, known.back + 1)
                rings[Int(a)][b] = c
                counts[Int(a)] += 1
                parents[root(Int(a))] = root(Int(b))
            }
            let points = corners.map { SIMD3<Double>(positions[Int($0)]) }
            let product = Self.cross(points[1] - points[0], points[2] - points[0])
            area += (product * product).sum().squareRoot() / 2
            volume += (points[0] * Self.cross(points[1], points[2])).sum() / 6
        }
        (self.area, self.volume) = (area, volume)
        faultyEdges = edges.values.count { $0.forward != 1 || $0.back != 1 }
        faultyVertices = positions.indices.count { vertex in
            guard let first = rings[vertex].keys.first else { return true }
            var (next, steps) = (first, 0)
            repeat {
                guard let following = rings[vertex][next] else { return true }
                (next, steps) = (following, steps + 1)
            } while next != first && steps <= counts[vertex]
            return steps != counts[vertex]
        }
        eulerCharacteristic = positions.count - edges.count + triangles.count
        pieces = Set(positions.indices.map(root)).count
    }

    /// Whether it is a closed 2-manifold with one orientation.
    public var isClosed: Bool { faultyEdges == 0 && faultyVertices == 0 }

    private static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }
}
