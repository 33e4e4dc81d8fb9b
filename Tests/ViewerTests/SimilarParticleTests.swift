import Basics
import Catalog
import CatalogSchema
import CellarKit
import Figures
import Foundation
import Pipeline
import TestSupport
import Testing
import Volumes

@testable import Viewer

@Suite("More like this") struct SimilarParticleTests {
    private let scene: ImageCatalog

    init() throws {
        scene = try ImageCatalog()
        let balls = (1...3).map { number in
            FoundObject(
                number: number, class: "ribosome", centroidInAngstroms: SIMD3(200 * Double(number), 200, 100),
                radiusInAngstroms: 120,
                voxels: 1, volumeInCubicNanometers: 1, confidence: 0.5, boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
        }
        // Descriptors are of the picks that stand: a digest says which.
        let runs = scene.catalog.runs
        let digest = Digest(of: "picks".utf8)
        let store = scene.store
        let staged = try store.stage(kind: "descriptors") { artifact in
            try artifact.setAttribute("parts", .string("shells"))
            try artifact.setAttribute("version", .integer(1))
            try artifact.setAttribute("radius", .real(115))
            try artifact.setAttribute("tilt", .real(60))
            try artifact.setAttribute("structures", .string("dark"))
            try artifact.write("rows", shape: [3, 2], values: [0, 0, 5, 0, 1, 0].map { Float16($0) })
        }
        try store.commit([staged])
        for (step, inputs, output, objects) in [
            (PickStep.name, [], ItemOutcome.Output(name: "particles", digest: digest, content: .value("[]")), balls),
            (
                DescriptorsStep.name, [ItemOutcome.Input(name: "pick.particles", digest: digest, value: nil)],
                .init(name: "rows", digest: staged.digest, content: .artifact(kind: "descriptors", bytes: 1000, evictable: true)),
                []
            ),
        ] {
            let (runID, ids) = try runs.begin(
                command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest, "{}"),
                configurations: [
                    .init(step: step, scope: .tomogram, version: 1, parameters: [:], models: [:], digest: Digest(of: step.utf8))
                ])
            try scene.catalog.results.record(
                [
                    .done(
                        .init(
                            stepID: ids[0].stepID, scopeID: scene.tomogramID, configurationID: ids[0].configurationID,
                            key: Digest(of: "key \(step)".utf8), startedAt: "2026-01-01T00:00:00.000Z", seconds: 1,
                            inputs: inputs,
                            outputs: [output], metrics: [], objects: objects))
                ], runID: runID)
            try runs.end(runID, status: .done)
        }
    }

    @Test("gives the nearest first, in voxels, with pictures of one length")
    func similar() throws {
        let api = try ViewerAPI(scene.project, isReadOnly: true, version: "1")
        let found = try api.similar(to: 1, of: scene.tomogramID, count: 5)
        #expect(found.particles.map(\.number) == [1, 3, 2] && found.compared == 3 && found.others == 0)
        #expect(
            found.particles.map(\.x) == [20, 60, 40] && found.particles.allSatisfy { $0.y == 20 && $0.z == 10 && $0.side == 48 })
        #expect(found.particles.map(\.distance) == [0, 1, 5] && found.particles.allSatisfy { $0.alike.value == nil })
        #expect(try api.similar(to: 1, of: scene.tomogramID, count: 1).particles.count == 2)
        #expect(throws: CatalogError.self) { try api.similar(to: 4, of: scene.tomogramID, count: 1) }
        #expect(throws: CatalogError.self) { try api.similar(to: 1, of: 99, count: 1) }
    }

    @Test("a picture shows what surrounds a place, also at an edge, whatever the densities are")
    func picture() throws {
        /// A bright ball, and a voxel that was not recorded.
        func voxel(_ z: Int, _ y: Int, _ x: Int) -> Float {
            let (dz, dy, dx) = (z - 10, y - 30, x - 40)
            return x == 45 && y == 30 ? .nan : dz * dz + dy * dy + dx * dx <= 16 ? 1 : Float(x % 2) / 10
        }
        let (shape, chunk) = (try #require(VolumeShape(z: 20, y: 70, x: 130)), (z: 1, y: 70, x: 130))
        let volume = try MemoryVolume(shape, chunk: chunk, ImageCatalog.volume(voxel))
        func pixels(_ place: SIMD3<Double>, _ side: Int) throws -> [UInt8] {
            try ParticlePicture.around(place, in: volume, side: side).pixels
        }
        let middle = try pixels(SIMD3(40.2, 29.8, 10), 32)
        #expect(middle.count == 32 * 32 && middle[16 * 32 + 16] > 200 && middle[2 * 32 + 2] < 128)
        #expect((120...136).contains(middle[16 * 32 + 21]), "a voxel without a density is grey")
        let corner = try pixels(.zero, 16)
        #expect(corner[0] == 128 && corner[7 * 16 + 7] == 128, "outside is grey")
        #expect(Set(corner[8 * 16 + 8..<8 * 16 + 16]).count == 2)
        for place in [SIMD3(-2.0, 0, 0), SIMD3(0, 70, 0), SIMD3(0, 0, 1e300), SIMD3(.nan, 0, 0)] {
            #expect(throws: CatalogError.self) { try pixels(place, 16) }
        }
        let nothing = try MemoryVolume(shape, chunk: chunk, ImageCatalog.volume { _, _, _ in Float.nan })
        #expect(Set(try ParticlePicture.around(SIMD3(40, 30, 10), in: nothing, side: 8).pixels).count == 1)
        // As it is sent.
        let png = try TomogramImages(scene.project, bytes: 1 << 20).picture(of: scene.tomogramID, around: .zero, side: 16)
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
}
