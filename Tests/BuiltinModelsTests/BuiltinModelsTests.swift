import BuiltinModels
import Cellpose
import Checkpoints
import Diffusion
import Foundation
import ImageProcessing
import Tensors
import TestSupport
import Testing

@Suite("The built-in models") struct BuiltinModelsTests {
    private func bytes(_ path: String) throws -> Int {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let files =
            isFolder.boolValue ? try FileManager.default.subpathsOfDirectory(atPath: path).map { "\(path)/\($0)" } : [path]
        return try files.reduce(0) { sum, file in
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            guard attributes[.type] as? FileAttributeType == .typeRegular else { return sum }
            return sum + (attributes[.size] as? Int ?? 0)
        }
    }

    @Test("are part of the program, are small, and are written as a whole, over what was there")
    func files() throws {
        let directory = try TemporaryDirectory()
        for (model, most) in [(BuiltinModel.diffusion, 20_000_000), (.cellpose, 8_000_000), (.structures, 8_000_000)] {
            let path = try model.write(into: directory.path)
            #expect((100_000...most).contains(try bytes(path)))
            #expect(try model.write(into: directory.path) == path)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == BuiltinModel.all.count)
    }

    @Test("hold a latent diffusion model of the layout of Stable Diffusion, every tensor of which is read")
    func diffusion() throws {
        let directory = try TemporaryDirectory()
        let model = try DiffusionModel(folder: BuiltinModel.diffusion.write(into: directory.path))
        try model.verify()
        #expect(model.imageSideFactor == 64)
        #expect(model.unet.configuration.attentionLayers.count == 16)
        #expect(model.unet.configuration.latentChannels == 4)
    }

    /// Noise all over a tile, and a dark disc in its middle: attention that has learned something tells the disc from the ground.
    @Test("hold a diffusion model that attends from dense tokens to dense tokens")
    func attention() throws {
        let directory = try TemporaryDirectory()
        let side = 256
        var state: UInt64 = 1
        let pixels = (0..<side * side).map { place -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let noise = Double(state >> 40) / Double(1 << 24) - 0.5
            let (y, x) = (Double(place / side - side / 2), Double(place % side - side / 2))
            return UInt8(min(max(150 + 80 * noise - ((y * y + x * x).squareRoot() < 48 ? 90 : 0), 0), 255))
        }
        let model = try DiffusionModel(folder: BuiltinModel.diffusion.write(into: directory.path))
        let latent = try model.encode(gray: pixels, height: side, width: side).mode
        let features = try model.attention(latent, timesteps: [50, 150], context: model.context(for: ""))
        let finest = try #require(features.affinities.first { $0.level == 0 && $0.group == .decoder })
        let matrix = finest.matrix().values
        let (n, width) = (finest.height * finest.width, finest.width)
        let isInside = (0..<n).map { token in
            let (y, x) = (
                Double(token / width) + 0.5 - Double(finest.height) / 2, Double(token % width) + 0.5 - Double(width) / 2
            )
            return y * y + x * x < 25
        }
        func mean(_ row: Bool, _ column: Bool) -> Double {
            var (sum, count) = (0.0, 0)
            for a in 0..<n where isInside[a] == row {
                for b in 0..<n where a != b && isInside[b] == column {
                    (sum, count) = (sum + Double(matrix[a * n + b]), count + 1)
                }
            }
            return sum / Double(max(count, 1))
        }
        #expect(mean(true, true) > 1.5 * mean(true, false))
    }

    /// A disc that is a particle and a bar that is none, as the step `split` shows them: 30 pixels to a particle.
    @Test("hold a network of CellPose that finds a particle in a mask, and none in a piece of membrane")
    func cellpose() throws {
        let directory = try TemporaryDirectory()
        let model = try CellposeModel(path: BuiltinModel.cellpose.write(into: directory.path))
        #expect(model.meanDiameter == 30)
        let side = 160
        let isParticle = { (y: Int, x: Int) in (y - 50) * (y - 50) + (x - 50) * (x - 50) < 15 * 15 }
        let mask = try #require(
            Image(
                height: side, width: side,
                values: (0..<side * side).map { place -> Float in
                    let (y, x) = (place / side, place % side)
                    return isParticle(y, x) || (110..<118).contains(y) ? 1 : 0
                }))
        let maps = try model.maps(of: mask, diameter: 30)
        let labels = try CellposeMasks(iterations: 200)(
            flowY: maps.flowY, flowX: maps.flowX, probability: maps.cellLogit)
        let inside = labels[y: 50, x: 50]
        #expect(inside > 0)
        let (found, all) = (0..<side * side).reduce(into: (0, 0)) { counts, place in
            guard labels.values[place] == inside else { return }
            counts.0 += isParticle(place / side, place % side) ? 1 : 0
            counts.1 += 1
        }
        #expect(Double(found) > 0.8 * Double(all))
        #expect((0..<side).count { labels[y: 114, x: $0] > 0 } < side / 10)
    }
}
