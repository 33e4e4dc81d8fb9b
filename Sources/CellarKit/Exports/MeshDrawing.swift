import Basics
import Catalog
import Foundation
import ImageProcessing
import Rendering
import Volumes

/// Draws some classes of a tomogram.
struct MeshDrawing {
    /// A class that is drawn by its voxels.
    private struct Surface {
        let name: String
        /// The volume's place among those of the tomogram.
        let volume: Int
        let label: UInt16
    }

    private let parts: MeshParts
    private var surfaces: [Surface] = []
    private var balls: [(name: String, points: [PickedPoint])] = []
    private var results: [ExportedResults] = []
    private var remarks: [String]
    private let voxelSize: VoxelSize

    /// The subdivisions of balls where there are triangles enough: 320 for each ball.
    private static let subdivisions = 2

    /// - Parameter classes: by name; empty for all.
    /// - Throws: `CatalogError` where there is no such class, or no voxel size, or results were computed with several.
    init(_ parts: MeshParts, classes: [String]) throws {
        (self.parts, remarks) = (parts, parts.remarks)
        let known = parts.classes
        if let unknown = classes.first(where: { !known.contains($0) }) {
            throw CatalogError(.invalid, "\(parts.owner) have no class \(unknown); it is one of \(known.joined(separator: ", "))")
        }
        var used: [String: ExportedResults] = [:]
        for name in known where classes.isEmpty || classes.contains(name) {
            let particles = parts.particles.last { !$0.balls(ofClass: name).isEmpty }
            if let particles {
                balls.append((name, particles.balls(ofClass: name)))
                if let results = particles.results { used[results.summary] = results }
            } else if let volume = parts.labels.lastIndex(where: { $0.classes.contains(name) }),
                let index = parts.labels[volume].classes.firstIndex(of: name)
            {
                surfaces.append(Surface(name: name, volume: volume, label: UInt16(clamping: index + 1)))
                if let results = parts.labels[volume].results { used[results.summary] = results }
            } else {
                let isFound = parts.particles.contains { set in set.points.contains { $0.className == name } }
                remarks.append(
                    isFound
                        ? "\(name) is left out: nobody says how large its particles are; annotate them again with --radius"
                        : "\(name) is left out: there are no particles of that class")
            }
        }
        results = used.sorted { $0.key < $1.key }.map(\.value)
        let sizes = Set(results.compactMap(\.voxelSize))
        guard sizes.count <= 1 else {
            let texts = sizes.map(\.description).sorted().joined(separator: " and ")
            throw CatalogError(
                .invalid,
                "surfaces and particles of \(parts.tomogram) were computed with several voxel sizes (\(texts)), so that they "
                    + "cannot be drawn together; `cellar run` computes them anew, --class names those of one")
        }
        guard let voxelSize = sizes.first ?? parts.voxelSize else {
            throw CatalogError(
                .invalid, "\(parts.tomogram) has no voxel size, which surfaces need; add it again with --voxel-size")
        }
        self.voxelSize = voxelSize
    }

    /// Draws them.
    ///
    /// - Throws: `CatalogError` where nothing is drawn, or the balls need more triangles.
    func mesh(smoothing: Double?, triangleLimit: Int) throws -> ExportedMesh {
        var (remarks, drawn) = (remarks, [String: (mesh: GLBMesh, title: String)]())
        let smoothing = smoothing ?? voxelSize.meanInAngstroms
        let objects = try objects()
        for surface in surfaces where objects[surface.name] == nil {
            remarks.append("\(surface.name) is left out: no voxel of \(parts.tomogram) is of that class")
        }
        let present = surfaces.filter { objects[$0.name] != nil }

        // Balls get at most a half, so that surfaces are left with as many.
        let subdivisions = try subdivisions(triangleLimit: present.isEmpty ? triangleLimit : triangleLimit / 2)
        let ball = Icosphere(subdivisions: subdivisions)
        for (name, points) in balls {
            var mesh = GLBMesh(name, color: color(name))
            for point in points {
                mesh.add(
                    ball, at: SIMD3(Float(point.x), Float(point.y), Float(point.z)), radius: Float(point.radiusInAngstroms ?? 0))
            }
            drawn[name] = (
                mesh, "\(name) \(points.count) ball\(points.count == 1 ? "" : "s") of \(ball.triangles.count) triangles"
            )
        }
        if !balls.isEmpty, subdivisions < Self.subdivisions {
            remarks.append(
                "balls have \(ball.triangles.count) triangles each, so that all have at most \(triangleLimit); allow for more "
                    + "triangles to see them rounder")
        }

        let left = triangleLimit - drawn.values.reduce(0) { $0 + $1.mesh.triangles.count }
        var binning = 1
        if !present.isEmpty {
            let builder = try SurfaceBuilder(
                shape: parts.shape, voxelSize: voxelSize, smoothingInAngstroms: smoothing, triangleLimit: left)
            let built = try builder.surfaces(of: present.compactMap { objects[$0.name] })
            binning = built.binning
            if binning > 1 {
                remarks.append(
                    "surfaces are of a grid whose voxels are \(binning) of the tomogram's along each axis; less smoothing or more "
                        + "triangles allow for a finer one")
            }
            for (surface, mesh) in zip(present, built.meshes) {
                guard !mesh.triangles.isEmpty else {
                    remarks.append(
                        "\(surface.name) is left out: it is too thin for a grid of \(binning) voxels smoothed by \(smoothing) Å; "
                            + "smooth less, or allow for more triangles")
                    continue
                }
                drawn[surface.name] = (
                    GLBMesh(
                        surface.name, color: color(surface.name), positions: mesh.positions, normals: mesh.normals,
                        triangles: mesh.triangles), "\(surface.name) \(mesh.triangles.count) triangles"
                )
            }
        }

        let ordered = parts.classes.compactMap { drawn[$0] }
        guard !ordered.isEmpty else {
            throw CatalogError(.invalid, remarks.last ?? "\(parts.owner) have nothing to draw; choose another tomogram")
        }
        let bytes = try GLBEncoder(generator: "Cellar", remarks: extras(smoothing, binning, ball.triangles.count))
            .encode(ordered.map(\.mesh))
        let grid = present.isEmpty ? "" : "; smoothed by \(smoothing) Å, grid of \(binning) voxel\(binning == 1 ? "" : "s")"
        return ExportedMesh(
            bytes: bytes, contents: ordered.map(\.title).joined(separator: ", ") + grid, results: results, remarks: remarks,
            triangles: ordered.reduce(0) { $0 + $1.mesh.triangles.count }, binning: binning, smoothing: smoothing)
    }

    /// What the file says of itself.
    private func extras(_ smoothing: Double, _ binning: Int, _ ballTriangles: Int) -> [String: String] {
        var extras = ["tomogram": parts.tomogram, "voxel size": "\(voxelSize)"]
        if !surfaces.isEmpty {
            extras["surfaces"] = "mask smoothed by a Gaussian of \(smoothing) Å, on a grid of \(binning) voxels, at one half"
        }
        if !balls.isEmpty { extras["particles"] = "balls of \(ballTriangles) triangles at the radius of each" }
        extras["source"] = results.isEmpty ? parts.owner : results.map(\.summary).joined(separator: "; ")
        return extras
    }

    /// The colour of a class, whichever classes are drawn beside it.
    private func color(_ name: String) -> Color {
        LabelPalette.standard.color(of: UInt32((parts.classes.firstIndex(of: name) ?? 0) + 1)) ?? .white
    }

    /// The most subdivisions with which all balls have few enough triangles.
    private func subdivisions(triangleLimit: Int) throws -> Int {
        let count = balls.reduce(0) { $0 + $1.points.count }
        for subdivisions in stride(from: Self.subdivisions, through: 0, by: -1)
        where count * Icosphere.triangleCount(subdivisions: subdivisions) <= triangleLimit {
            return subdivisions
        }
        throw CatalogError(
            .invalid,
            "\(count) particles of \(parts.tomogram) need \(count * Icosphere.triangleCount(subdivisions: 0)) triangles, "
                + "and may have \(triangleLimit); allow for more triangles, or name fewer classes")
    }

    // MARK: Voxels

    /// The classes that have voxels, by name.
    ///
    /// - Complexity: reads each volume once.
    private func objects() throws -> [String: SurfaceObject] {
        var objects: [String: SurfaceObject] = [:]
        for (volume, labels) in parts.labels.enumerated() {
            let wanted = surfaces.filter { $0.volume == volume }
            guard !wanted.isEmpty else { continue }
            let (slice, width) = (try labels.open(), parts.shape.x)
            var boxes = [LabelBox](repeating: LabelBox(), count: Int(wanted.map(\.label).max() ?? 0) + 1)
            for z in 0..<parts.shape.z { LabelBox.add(try slice(z), z: z, width: width, to: &boxes) }
            for surface in wanted {
                guard let box = boxes[Int(surface.label)].box else { continue }
                objects[surface.name] = SurfaceObject(box: box) { z, box in
                    let values = try slice(z)
                    return box.y.flatMap { y in
                        values[y * width + box.x.lowerBound..<y * width + box.x.upperBound].map { $0 == surface.label ? 1 : 0 }
                    }
                }
            }
        }
        return objects
    }
}

/// The voxels among which all of a label are.
private struct LabelBox {
    private var first = SIMD3<Int>(repeating: .max)
    private var last = SIMD3<Int>(repeating: -1)

    var box: Box? {
        last.x < 0 ? nil : Box(z: first.z..<last.z + 1, y: first.y..<last.y + 1, x: first.x..<last.x + 1)
    }

    /// Adds the voxels of a slice to the boxes of their labels; labels that have none are left out.
    static func add(_ labels: [UInt16], z: Int, width: Int, to boxes: inout [LabelBox]) {
        var index = 0
        while index < labels.count {
            let (label, begin) = (Int(labels[index]), index)
            let row = index / width
            let end = (row + 1) * width
            // A run of one label in a row.
            repeat { index += 1 } while index < end && Int(labels[index]) == label
            guard label > 0, label < boxes.count else { continue }
            boxes[label].first = pointwiseMin(boxes[label].first, SIMD3(begin - row * width, row, z))
            boxes[label].last = pointwiseMax(boxes[label].last, SIMD3(index - 1 - row * width, row, z))
        }
    }
}
