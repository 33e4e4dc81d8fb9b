/// The connected components of a mask.
///
/// They are numbered from 1 in the order in which a raster scan first meets them, as SciPy and scikit-image number them.
/// Images of 2³² pixels and more have no components: their numbers would not fit 32 bits.
public struct Components: Sendable {
    /// For each pixel the number of its component; 0 for background.
    public let labels: Image<Int32>
    /// The pixels of each component: of component `label` at `label - 1`.
    public let areas: [Int]

    /// The number of components.
    public var count: Int { areas.count }

    /// The mask of those components that the closure keeps.
    public func mask(where keep: (_ label: Int) -> Bool) -> Mask {
        let isKept = [false] + (1...max(count, 1)).map { $0 <= count && keep($0) }
        return labels.map { isKept[Int($0)] }
    }

    fileprivate init(of mask: Mask, _ connectivity: Connectivity) {
        let runs = RunTable(of: mask)
        let (components, count) = runs.components(connectivity)
        var areas = [Int](repeating: 0, count: count)
        labels = Image(sizeOf: mask) { labels in
            labels.initialize(repeating: 0)
            for y in 0..<mask.height {
                for run in runs.rowStarts[y]..<runs.rowStarts[y + 1] {
                    let pixels = runs.pixels(of: run)
                    let label = components[run] &+ 1
                    areas[Int(components[run])] += pixels.count
                    for x in pixels { labels[y &* mask.width &+ x] = label }
                }
            }
        }
        self.areas = areas
    }
}

extension Image<Bool> {
    /// The connected components of the foreground.
    ///
    /// - Complexity: two passes over the pixels; memory is four bytes a pixel and twelve for each stretch of foreground
    ///   along a row.
    public func components(_ connectivity: Connectivity = .eight) -> Components { Components(of: self, connectivity) }

    /// How many closed outlines the mask has: its 8-connected components and their 4-connected holes. It is the number
    /// of contours that OpenCV's `findContours` lists.
    ///
    /// - Complexity: as for ``components(_:)``, without the labels.
    public func contourCount() -> Int {
        let background = RunTable(of: self, foreground: false)
        let (components, count) = background.components(.four)
        let outside = background.componentsAtBorder(components, count: count)
        return RunTable(of: self).components(.eight).count + outside.count { !$0 }
    }

    /// The mask with its holes filled: background from which no way leads to the border becomes foreground.
    ///
    /// - Parameter connectivity: of the foreground; a way through the background is not stopped by foreground that
    ///   touches at corners only where this is ``Connectivity/four``. SciPy's `binary_fill_holes` is
    ///   ``Connectivity/eight``.
    public func holesFilled(_ connectivity: Connectivity = .eight) -> Mask {
        let background = RunTable(of: self, foreground: false)
        let (components, count) = background.components(connectivity.complement)
        let isOutside = background.componentsAtBorder(components, count: count)
        return Mask(sizeOf: self) { result in
            result.initialize(repeating: true)
            for y in 0..<height {
                for run in background.rowStarts[y]..<background.rowStarts[y + 1] where isOutside[Int(components[run])] {
                    for x in background.pixels(of: run) { result[y * width + x] = false }
                }
            }
        }
    }
}

extension RunTable {
    /// For each component whether it has a pixel at the border of the image.
    fileprivate func componentsAtBorder(_ components: [Int32], count: Int) -> [Bool] {
        var touches = [Bool](repeating: false, count: count)
        for y in 0..<height {
            for run in rowStarts[y]..<rowStarts[y + 1] {
                let pixels = pixels(of: run)
                if y == 0 || y == height - 1 || pixels.lowerBound == 0 || pixels.upperBound == width {
                    touches[Int(components[run])] = true
                }
            }
        }
        return touches
    }
}
