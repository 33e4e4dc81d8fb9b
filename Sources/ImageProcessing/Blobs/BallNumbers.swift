package import Volumes

/// Draws balls as numbers: each voxel of a ball gets its number, and where balls overlap that of the nearest centre.
package struct BallNumbers: Sendable {
    private let shape: VolumeShape
    private let balls: [Blob]

    /// - Parameters:
    ///   - balls: ball i has the number i + 1. At most 2³¹ − 1.
    ///   - shape: of the volume.
    package init(_ balls: [Blob], shape: VolumeShape) { (self.balls, self.shape) = (balls, shape) }

    /// The numbers in slice `z` of the volume, `[y][x]`; 0 where no ball is. Of centres that are equally near the one with the
    /// lower number counts.
    ///
    /// - Complexity: linear in the pixels of the slice and those of the balls' squares in it.
    package func numbers(slice z: Int) -> Image<Int32> {
        var nearest = [Double](repeating: .infinity, count: shape.voxelsPerSlice)
        return Image(uncheckedHeight: shape.y, width: shape.x) { numbers in
            numbers.initialize(repeating: 0)
            for (index, ball) in balls.enumerated() {
                let dz = Double(z) - ball.center.z
                let limit = ball.radius * ball.radius
                guard dz * dz <= limit else { continue }
                for y in Self.range(ball.center.y, ball.radius, shape.y) {
                    let dy = Double(y) - ball.center.y
                    for x in Self.range(ball.center.x, ball.radius, shape.x) {
                        let dx = Double(x) - ball.center.x
                        let distance = dz * dz + dy * dy + dx * dx
                        let place = y * shape.x + x
                        guard distance <= limit, distance < nearest[place] else { continue }
                        (numbers[place], nearest[place]) = (Int32(truncatingIfNeeded: index + 1), distance)
                    }
                }
            }
        }
    }

    private static func range(_ center: Double, _ radius: Double, _ count: Int) -> Range<Int> {
        let (first, last) = (max(0, (center - radius).rounded(.up)), min(Double(count - 1), (center + radius).rounded(.down)))
        return first <= last ? Int(first)..<Int(last) + 1 : 0..<0
    }
}
