internal import ImageProcessing

/// One object of a label image: the pixels that have its label, connected or not.
struct LabelledObject {
    let label: Int32
    /// The bounding box of its pixels.
    private(set) var rows: Range<Int>
    private(set) var columns: Range<Int>
    /// The number of its pixels.
    private(set) var area: Int

    /// The objects of an image, in ascending order of labels. Labels below 1 are background.
    ///
    /// - Complexity: one pass over the pixels, and one dictionary look-up for each run of equal labels along a row.
    static func all(in labels: Image<Int32>) -> [LabelledObject] {
        var objects: [LabelledObject] = []
        var indices: [Int32: Int] = [:]
        labels.forEachRun { label, y, columns in
            if let index = indices[label] {
                objects[index].add(y, columns)
            } else {
                indices[label] = objects.count
                objects.append(LabelledObject(label: label, rows: y..<y + 1, columns: columns, area: columns.count))
            }
        }
        return objects.sorted { $0.label < $1.label }
    }

    /// Adds a run of pixels of row y.
    private mutating func add(_ y: Int, _ run: Range<Int>) {
        rows = rows.lowerBound..<y + 1
        columns = min(columns.lowerBound, run.lowerBound)..<max(columns.upperBound, run.upperBound)
        area += run.count
    }
}

extension Image<Int32> {
    /// Calls the body for each run of equal labels along a row, in raster order, except for background.
    func forEachRun(_ body: (_ label: Int32, _ y: Int, _ columns: Range<Int>) -> Void) {
        values.withUnsafeBufferPointer { values in
            for y in 0..<height {
                let row = UnsafeBufferPointer(rebasing: values[y * width..<(y + 1) * width])
                var x = 0
                while x < width {
                    let (label, first) = (row[x], x)
                    repeat { x += 1 } while x < width && row[x] == label
                    if label > 0 { body(label, y, first..<x) }
                }
            }
        }
    }

    /// The image with objects numbered 1 … n in the order of their first pixels in a raster scan, without those for which the
    /// closure returns true.
    func renumbered(dropping isDropped: (_ label: Int32) -> Bool = { _ in false }) -> Image<Int32> {
        var numbers: [Int32: Int32] = [:]
        var count: Int32 = 0
        return Image(sizeOf: self) { result in
            result.initialize(repeating: 0)
            forEachRun { label, y, columns in
                let number: Int32
                if let known = numbers[label] {
                    number = known
                } else {
                    number = isDropped(label) ? 0 : count + 1
                    count = max(count, number)
                    numbers[label] = number
                }
                for x in columns { result[y &* width &+ x] = number }
            }
        }
    }
}
