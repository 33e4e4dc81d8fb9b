import Basics
import ImageProcessing
import Mining
import Testing
import Volumes

/// A hollow sphere, in Å: membrane from the radius to that and the thickness. It may have a round hole in a direction.
struct Shell {
    var center: SIMD3<Double>
    /// Of the lumen.
    var radius: Double
    var thickness: Double
    var direction = SIMD3(1.0, 0, 0)
    /// The radius of the hole.
    var hole = 0.0

    func contains(_ place: SIMD3<Double>) -> Bool {
        let offset = place - center
        let squared = (offset * offset).sum()
        guard squared >= radius * radius, squared <= (radius + thickness) * (radius + thickness) else { return false }
        let along = (offset * direction).sum()
        return along <= 0 || squared - along * along >= hole * hole
    }
}

/// Membranes that a function of the place in Å describes.
struct Scene {
    /// The number of voxels along x, y and z.
    let sides: SIMD3<Double>
    /// The voxel size along x, y and z in Å.
    let edges: SIMD3<Double>
    var shells: [Shell] = []
    let isMembrane: (SIMD3<Double>) -> Bool

    init(_ sides: SIMD3<Double>, _ edges: SIMD3<Double>, isMembrane: @escaping (SIMD3<Double>) -> Bool) throws {
        (self.sides, self.edges, self.isMembrane) = (sides, edges, isMembrane)
    }

    /// Vesicles at random places that do not touch; voxels of 10 Å.
    static func vesicles(_ count: Int, sides: SIMD3<Double>, seed: UInt64) throws -> Scene {
        var random = RandomStream(state: seed)
        var shells: [Shell] = []
        for _ in 0..<20_000 where shells.count < count {
            let shell = Shell(
                center: SIMD3(random.unit(), random.unit(), random.unit()) * sides * 10, radius: 70 + 110 * random.unit(),
                thickness: 40 + 40 * random.unit())
            let reach = shell.radius + shell.thickness + 20
            guard (shell.center - reach).min() > 0, ((sides - 1) * 10 - shell.center - reach).min() > 0,
                shells.allSatisfy({ distance($0.center, shell.center) > reach + $0.radius + $0.thickness })
            else { continue }
            shells.append(shell)
        }
        let all = shells
        var scene = try Scene(sides, SIMD3(10, 10, 10)) { place in all.contains { $0.contains(place) } }
        scene.shells = all
        return scene
    }

    func map(least: Double = 500, sample: ((SIMD3<Double>) -> Bool)? = nil) throws -> CompartmentMap {
        try map(try CompartmentParameters(leastVolumeInCubicNanometers: least), sample: sample)
    }

    func map(_ parameters: CompartmentParameters, sample: ((SIMD3<Double>) -> Bool)? = nil) throws -> CompartmentMap {
        let (width, height, depth) = (Int(sides.x), Int(sides.y), Int(sides.z))
        let shape = try #require(VolumeShape(z: depth, y: height, x: width))
        let size = try #require(VoxelSize(xInAngstroms: edges.x, yInAngstroms: edges.y, zInAngstroms: edges.z))
        var finder = try CompartmentFinder(shape: shape, voxelSize: size, parameters: parameters)
        for z in 0..<depth {
            func mask(_ isForeground: (SIMD3<Double>) -> Bool) throws -> Mask {
                try #require(
                    Mask(
                        height: height, width: width,
                        values: (0..<height * width).map { index in
                            isForeground(SIMD3(Double(index % width), Double(index / width), Double(z)) * edges)
                        }))
            }
            try finder.add(membrane: try mask(isMembrane), sample: try sample.map { try mask($0) })
        }
        return try finder.finish {}
    }
}

func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { ((a - b) * (a - b)).sum().squareRoot() }

func direction(_ random: inout RandomStream) -> SIMD3<Double> {
    let vector = SIMD3(random.normal(), random.normal(), random.normal())
    return vector / (vector * vector).sum().squareRoot()
}

/// Whether two numbers agree to a part.
func agree(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * max(1e-9, abs(b)) }
