import Basics
import BenchmarkSupport
import Foundation
import ImageProcessing
import Mining
import Volumes

/// How right the compartments of vesicles are, and what finding them takes.
struct CompartmentBenchmark {
    let parameters: CompartmentParameters
    private static let angstromsPerVoxel = 10.0

    init(memoryInMebibytes: Int) throws {
        parameters = try CompartmentParameters(memoryInBytes: memoryInMebibytes << 20)
    }

    /// 300 vesicles of 20 to 48 nm in 512 × 512 × 128 voxels of 1 nm.
    func vesicles(seed: UInt64, noise: Double) throws {
        guard let shape = VolumeShape(z: 128, y: 512, x: 512) else { return }
        let scene = VesicleScene(shape: shape, count: 300, noise: noise, seed: seed)
        let name = "Cellar: \(scene.vesicles.count) vesicles, noise \(Report.text(noise, 1)), seed \(seed), \(shape)"
        let masks = (0..<shape.z).compactMap(scene.membranes)
        let map = try found(in: shape, name) { masks[$0] }
        report(map, name, scene.vesicles.map(\.center), volumes: scene.volumes.map(Double.init))
        let (right, asked) = places(scene, map)
        let percent = Report.text(100 * Double(right) / Double(asked), 3)
        Report.row("\(name): places in the right compartment", "\(percent) % of \(asked)")
    }

    /// A lattice of 300 vesicles of 40 to 84 nm in 1000 × 1000 × 300 voxels, drawn slice by slice.
    func large() throws {
        guard let shape = VolumeShape(z: 300, y: 1000, x: 1000) else { return }
        let lattice = VesicleLattice(shape: shape, seed: 1)
        let name = "Cellar: a lattice of \(lattice.balls.count) vesicles, \(shape)"
        let map = try found(in: shape, name, membranes: lattice.membranes)
        report(map, name, lattice.balls.map(\.center), volumes: lattice.balls.map(\.volume))
    }

    /// The compartments of a volume; says what they took. The masks' making does not count.
    private func found(in shape: VolumeShape, _ name: String, membranes: (Int) -> Mask?) throws -> CompartmentMap {
        guard let voxelSize = VoxelSize(cubicInAngstroms: Self.angstromsPerVoxel) else {
            throw MiningError(.invalidParameter, "a voxel of \(Self.angstromsPerVoxel) Å cannot be")
        }
        ResidentMemory.restartPeak()
        let before = ProcessUse.peakResidentBytes
        var finder = try CompartmentFinder(shape: shape, voxelSize: voxelSize, parameters: parameters)
        var (seconds, processor) = (0.0, 0.0)
        for z in 0..<shape.z {
            guard let mask = membranes(z) else { continue }
            let use = try ProcessUse.measure { try finder.add(membrane: mask, sample: nil) }
            seconds += use.seconds
            processor += use.processorSeconds
        }
        let begin = ProcessUse.now
        let map = try finder.finish {}
        let finish = ProcessUse.now.since(begin)
        let memory = (ProcessUse.peakResidentBytes - before) >> 20
        let allowed = parameters.memoryInBytes >> 20
        processor += finish.processorSeconds
        Report.row(
            "\(name): find",
            "add \(Report.text(seconds)) s, finish \(Report.text(finish.seconds)) s, processor \(Report.text(processor)) s "
                + "(binning \(map.binning), peak \(memory) MiB above the masks, of \(allowed) allowed)")
        return map
    }

    /// Says which vesicles are compartments of about their volume.
    ///
    /// - Parameters:
    ///   - centers: of the vesicles, in voxels.
    ///   - volumes: of what their membranes enclose, in voxels of 1 nm³.
    private func report(_ map: CompartmentMap, _ name: String, _ centers: [SIMD3<Double>], volumes: [Double]) {
        var errors: [Double] = []
        var (found, closed, insideOuter) = (0, 0, 0)
        for (center, volume) in zip(centers, volumes) {
            guard let number = map.compartment(at: center * Self.angstromsPerVoxel) else {
                errors.append(1)
                continue
            }
            let compartment = map.compartments[number - 1]
            let error = abs(compartment.volumeInCubicNanometers / volume - 1)
            errors.append(error)
            found += error < 0.5 ? 1 : 0
            closed += compartment.state == .closed ? 1 : 0
            insideOuter += compartment.parent.map { map.compartments[$0 - 1].state == .outer } == true ? 1 : 0
        }
        errors.sort()
        Report.row(
            "\(name): found",
            "\(found) of \(centers.count), closed \(closed), inside the outer one \(insideOuter) (\(map.compartments.count) "
                + "compartments)")
        guard let worst = errors.last else { return }
        let percents = [Report.median(errors), errors[errors.count * 95 / 100], worst].map { Report.text(100 * $0) }
        Report.row("\(name): error of the volume", "median \(percents[0]) %, 95 % below \(percents[1]) %, worst \(percents[2]) %")
    }

    /// Of 200,000 random places those that are no membrane, and how many of them are in the compartment of their vesicle, or in
    /// the outer one.
    private func places(_ scene: VesicleScene, _ map: CompartmentMap) -> (right: Int, asked: Int) {
        let homes = scene.vesicles.map { map.compartment(at: $0.center * Self.angstromsPerVoxel) }
        let outer = map.compartments.first { $0.state == .outer }?.number
        var random = RandomStream(seed: 9)
        var (right, asked) = (0, 0)
        for _ in 0..<200_000 {
            let shape = scene.shape
            let (x, y, z) = (random.index(below: shape.x), random.index(below: shape.y), random.index(below: shape.z))
            let owner = scene.owners[(z * shape.y + y) * shape.x + x]
            guard owner != VesicleScene.membrane else { continue }
            asked += 1
            let number = map.compartment(at: SIMD3(Double(x), Double(y), Double(z)) * Self.angstromsPerVoxel)
            if owner == VesicleScene.free {
                right += number != nil && number == outer ? 1 : 0
            } else {
                right += number != nil && number != outer && number == homes[Int(owner) - 1] ? 1 : 0
            }
        }
        return (right, asked)
    }
}
