import Basics
import Foundation
import TestSupport
import Testing
import Volumes

/// Every file of the real data: read as a whole, or refused in a sentence.
@Suite("Every real file", .enabled(if: SharedData.isPresent, SharedData.absence))
struct RealDataSweepTests {
    /// The paths of all files, from the folder of the data on, sorted.
    private static var files: [String] {
        let root = SharedData.file("")
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return names.filter { !FileStatus.isFolder("\(root)/\($0)") }.sorted()
    }

    @Test("a volume is read to its end, in finite memory, or says why not")
    func volumes() throws {
        var read = 0
        for file in Self.files where !file.contains(".zarr/") && !file.contains("/zarr/") {
            let path = SharedData.file(file)
            do throws(VolumeError) {
                let volume = try VolumeLocation(path: path).open()
                for box in volume.shape.streamingBoxes(voxelLimit: 1 << 22, chunkShape: volume.chunkShape) {
                    _ = try volume.read(box)
                }
                read += 1
            } catch {
                let mustOpen = [".mrc", ".rec", ".map", ".map.gz", ".ccp4", ".ccp4.gz", ".tif"].contains {
                    file.lowercased().hasSuffix($0)
                }
                #expect(!mustOpen, "\(file): \(error.message)")
                #expect(!error.message.isEmpty && !error.message.contains("\n"))
            }
        }
        #expect(read >= 75)
    }

    @Test("a zarr array is read to its end, or says why not")
    func arrays() throws {
        var read = 0
        for file in Self.files where file.hasSuffix("/.zarray") || file.hasSuffix("/zarr.json") {
            let folder = SharedData.file(file.split(separator: "/").dropLast().joined(separator: "/"))
            do throws(VolumeError) {
                let volume = try VolumeLocation(path: folder).open()
                for z in 0..<volume.shape.z { _ = try volume.readSlice(z: z) }
                read += 1
            } catch {
                #expect(!error.message.isEmpty && !error.message.contains("\n"))
            }
        }
        #expect(read >= 25)
    }

    @Test("a table of points is read, or says why not")
    func points() throws {
        var read = 0
        for file in Self.files {
            do throws(VolumeError) {
                read += try PointFile.read(SharedData.file(file), convention: .voxel).points.isEmpty ? 0 : 1
            } catch {
                #expect(!error.message.isEmpty && !error.message.contains("\n"))
            }
        }
        #expect(read >= 10)
    }
}
