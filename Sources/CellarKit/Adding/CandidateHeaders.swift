import Basics
import Catalog
import Foundation
import Synchronization
import Volumes

/// Reads the headers of files that are to be added: shape, type and voxel size, and whether the file is all there.
struct CandidateHeaders: Sendable {
    /// How many files are looked at at once: more than one, since disks and file servers answer several questions in the time of one.
    private static let threadCount = 2
    /// How many files are read between two calls of `progress`.
    private static let blockCount = 256

    /// What is known of a file.
    struct Header: Sendable {
        let tomogram: NewTomogram
        let remarks: [String]
    }

    let addition: TomogramAddition

    /// The headers, in order, or why a file is refused.
    ///
    /// - Parameter progress: called now and then with the number of files that were read.
    /// - Complexity: one stat(2) and a few reads of the first kilobytes for each file. Of a zarr array, the names of chunks are listed; of
    ///   a volume of at most 64³ voxels, the voxels are read.
    func read(
        _ items: [CandidateNames.Named], progress: (_ finished: Int) -> Void
    ) -> [Result<Header, Refusal>] {
        var headers: [Result<Header, Refusal>] = []
        headers.reserveCapacity(items.count)
        for first in stride(from: 0, to: items.count, by: Self.blockCount) {
            headers += block(Array(items[first..<min(first + Self.blockCount, items.count)]))
            progress(headers.count)
        }
        return headers
    }

    /// Why a file is refused: a sentence.
    struct Refusal: Error { let sentence: String }

    private func block(_ items: [CandidateNames.Named]) -> [Result<Header, Refusal>] {
        let results = Mutex([Int: Result<Header, Refusal>]())
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(Self.threadCount, items.count)) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < items.count else { return }
                let result = header(items[index])
                results.withLock { $0[index] = result }
            }
        }
        return results.withLock { results in items.indices.compactMap { results[$0] } }
    }

    private func header(_ item: CandidateNames.Named) -> Result<Header, Refusal> {
        let candidate = item.candidate
        do throws(VolumeError) {
            let volume = try candidate.location.open()
            var remarks = volume.header.notes
            if let chunks = try volume.storedChunks(), !chunks.isComplete {
                let sentence = "\(chunks.stored) of \(chunks.total) chunks are there"
                guard addition.allowsMissingChunks else {
                    return .failure(
                        Refusal(
                            sentence:
                                "\(candidate.label): \(sentence): the copy is incomplete, or a program left out what is empty; "
                                + "--allow-missing says that the others are meant to be the fill value"))
                }
                remarks.append("\(sentence), the others are the fill value")
            }
            if let value = try volume.constantValue() {
                let sentence = "all \(volume.shape) voxels are \(value)"
                // easymode claims the path of a result with voxels of −1 before it begins.
                guard value != -1 else {
                    return .failure(
                        Refusal(
                            sentence:
                                "\(candidate.label): \(sentence): a placeholder that a stopped program left, and no tomogram; let that "
                                + "program finish, or remove the file"))
                }
                remarks.append("\(sentence): perhaps a placeholder that a stopped program left")
            }
            let tomogram = NewTomogram(
                name: item.name, location: candidate.location, format: volume.header.format, scalarType: volume.scalarType,
                shape: volume.shape, headerVoxelSize: volume.header.voxelSize,
                userVoxelSize: candidate.userVoxelSize ?? addition.voxelSize,
                metadataVoxelSize: candidate.metadataVoxelSize, folderVoxelSize: candidate.folderVoxelSize,
                metadata: addition.metadata.merging(candidate.metadata) { general, _ in general })
            remarks += Self.contradictions(tomogram)
            return .success(Header(tomogram: tomogram, remarks: remarks.map { "\(candidate.label): \($0)" }))
        } catch {
            return .failure(Refusal(sentence: error.sentence))
        }
    }

    /// What metadata and a folder say about the voxel size, where the header says another.
    private static func contradictions(_ tomogram: NewTomogram) -> [String] {
        guard let header = tomogram.headerVoxelSize else { return [] }
        let others = [("its metadata", tomogram.metadataVoxelSize), ("its folder", tomogram.folderVoxelSize)].compactMap {
            source, size in
            size.flatMap {
                Catalog.VoxelSizeFinding.contradicts(header.xInAngstroms, $0.xInAngstroms) ? "\(source) \($0)" : nil
            }
        }
        guard !others.isEmpty else { return [] }
        let counts =
            tomogram.userVoxelSize == nil ? "the header's is used unless --voxel-size gives another" : "the user's is used"
        return ["the header says \(header), \(others.joined(separator: ", ")); \(counts)"]
    }
}
