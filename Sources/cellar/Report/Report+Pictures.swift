import CellarKit
import Rendering

extension Report {
    /// The longer side of a picture, in pixels.
    private static let side = 360

    /// The middle slice of some tomograms, with what was found in it laid over.
    func addPictures(to page: inout HTMLPage) throws {
        guard pictureCount > 0 else { return }
        page.heading("Pictures")
        let store = try workspace.store()
        for tomogram in evenly(tomograms, pictureCount) {
            let record = try workspace.catalog.collection.tomogram(named: "\(tomogram.dataset)/\(tomogram.name)")
            page.heading("\(tomogram.dataset)/\(tomogram.name)", level: 3)
            let results: VolumeResults
            do {
                results = try VolumeResults(workspace.catalog, store: store, tomogram: record, z: nil, maximumSide: Self.side)
            } catch let error as VolumeError {
                // The file of a tomogram may be on a disk that is away; its numbers stand.
                page.paragraph("It cannot be drawn: \(error)")
                continue
            }
            try page.figures { page in
                try page.figure(png: PNGEncoder().encode(results.plain()), caption: "slice \(results.z)")
                for (step, words) in [("segment", "what the U-Net found"), ("pick", "what the picker found")]
                where try results.has(step) {
                    try page.figure(png: PNGEncoder().encode(results.picture(of: step)), caption: "slice \(results.z), \(words)")
                }
            }
        }
    }

    /// Some of a list, from its first to its last.
    private func evenly<Element>(_ list: [Element], _ count: Int) -> [Element] {
        guard list.count > count, count > 1 else { return Array(list.prefix(count)) }
        return (0..<count).map { list[$0 * (list.count - 1) / (count - 1)] }
    }
}
