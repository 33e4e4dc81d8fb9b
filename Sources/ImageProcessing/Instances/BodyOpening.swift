/// Opens each part of a labelled image by a disc of its own size, and keeps the largest piece of each.
struct BodyOpening {
    /// The radius of the disc as a part of the part's greatest distance to the background.
    let ratio: Double
    /// Parts that stay whole, by their area and greatest distance.
    let staysWhole: (_ area: Int, _ halfWidth: Float) -> Bool

    init(ratio: Double, staysWhole: @escaping (_ area: Int, _ halfWidth: Float) -> Bool) {
        self.ratio = ratio
        self.staysWhole = staysWhole
    }

    private struct Part {
        var area = 0
        var halfWidth: Float = 0
        /// Where the centres of discs lie.
        var y = Int.max..<Int.max
        var x = Int.max..<Int.max
    }

    /// - Parameter labels: 0 … n, n at most the number of pixels.
    /// - Returns: the bodies, numbered from 1 in the order of their parts.
    func callAsFunction(_ labels: Image<Int32>, distances: Image<Float>) -> Image<Int32> {
        let parts = measured(labels, distances)
        var numbers = [Int32](repeating: 0, count: parts.count)
        var opened: [(label: Int, number: Int32)] = []
        var count: Int32 = 0
        for (label, part) in parts.enumerated() where part.area > 0 {
            count += 1
            if ratio > 0, part.halfWidth.isFinite, !staysWhole(part.area, part.halfWidth) {
                opened.append((label, count))
            } else {
                numbers[label] = count
            }
        }
        var result = labels.relabelled(by: numbers)
        for (label, number) in opened { writeBody(of: label, parts[label], labels, distances, into: &result, as: number) }
        return result
    }

    private func radius(of part: Part) -> Float { Float(ratio) * part.halfWidth }

    private func measured(_ labels: Image<Int32>, _ distances: Image<Float>) -> [Part] {
        var parts = [Part](repeating: Part(), count: Int(labels.values.max() ?? 0) + 1)
        for (label, distance) in zip(labels.values, distances.values) where label > 0 {
            parts[Int(label)].area += 1
            parts[Int(label)].halfWidth = max(parts[Int(label)].halfWidth, distance)
        }
        for y in 0..<labels.height {
            for x in 0..<labels.width {
                let index = y * labels.width + x
                let label = Int(labels.values[index])
                guard label > 0, distances.values[index] >= radius(of: parts[label]) else { continue }
                let part = parts[label]
                parts[label].y = min(part.y.lowerBound, y)..<(y + 1)
                parts[label].x = min(part.x.lowerBound, x)..<max(part.x.isEmpty ? 0 : part.x.upperBound, x + 1)
            }
        }
        return parts
    }

    private func writeBody(
        of label: Int, _ part: Part, _ labels: Image<Int32>, _ distances: Image<Float>, into result: inout Image<Int32>,
        as number: Int32
    ) {
        let radius = radius(of: part)
        let reach = Int(radius.rounded(.up))
        let rows = max(0, part.y.lowerBound - reach)..<min(labels.height, part.y.upperBound + reach)
        let columns = max(0, part.x.lowerBound - reach)..<min(labels.width, part.x.upperBound + reach)
        /// A rectangle of the image as a mask of its own.
        func mask(where isTrue: (_ index: Int, _ place: Int) -> Bool) -> Mask {
            Mask(uncheckedHeight: rows.count, width: columns.count) { mask in
                for (row, y) in rows.enumerated() {
                    for (column, x) in columns.enumerated() {
                        let place = row * columns.count + column
                        mask[place] = isTrue(y * labels.width + x, place)
                    }
                }
            }
        }
        let isNoCenter = mask { index, _ in labels.values[index] != label || distances.values[index] < radius }
        let reached = isNoCenter.distancesToBackground()
        let pieces = mask { labels.values[$0] == label && reached.values[$1] < radius }.components()
        // The first of the largest.
        guard let most = pieces.areas.max(), let largest = pieces.areas.firstIndex(of: most) else { return }
        for (row, y) in rows.enumerated() {
            for (column, x) in columns.enumerated() where Int(pieces.labels[y: row, x: column]) == largest + 1 {
                result[y: y, x: x] = number
            }
        }
    }
}
