import Basics
import ImageProcessing
import TestSupport

/// Label images made from integers alone: the same pixels as `labels` of Golden/make_dynamics_golden.py.
enum SyntheticLabels: String, CaseIterable {
    case discs, touching, ellipses, crescents, rings, nested, border, large, specks, mosaic, stripes, full, empty

    func make(height: Int, width: Int, seed: UInt64) -> Image<Int32>? {
        var random = RandomStream(state: seed)
        var specks: Int32 = 0
        let labels = Image<Int32>(
            height: height, width: width,
            values: (0..<height * width).map { index in
                let (y, x) = index.quotientAndRemainder(dividingBy: width)
                switch self {
                case .specks:
                    guard random.next() >> 62 == 0 else { return 0 }
                    specks += 1
                    return specks
                case .mosaic: return Int32(y / 12 * ((width + 8) / 9) + x / 9 + 1)
                case .stripes: return y % 7 < 5 ? Int32(y / 7 + 1) : 0
                case .large:
                    let (dy, dx, side) = (y - height / 2, x - width / 2, min(height, width))
                    return dy * dy + dx * dx < side * side / 4 ? 1 : 0
                case .full: return 1
                default: return 0
                }
            })
        guard var labels, let pitch else { return labels }
        var label: Int32 = 0
        let first = self == .border ? 0 : pitch / 2
        for y in stride(from: first, to: height, by: pitch) {
            for x in stride(from: first, to: width, by: pitch) { draw(y, x, random.next(), &label, in: &labels) }
        }
        return labels
    }

    /// The distance between the objects' centres, where objects lie on a grid.
    private var pitch: Int? {
        switch self {
        case .discs: 24
        case .touching: 14
        case .ellipses, .rings, .nested: 36
        case .crescents: 40
        case .border: 30
        case .large, .specks, .mosaic, .stripes, .full, .empty: nil
        }
    }

    private func draw(_ centreY: Int, _ centreX: Int, _ word: UInt64, _ label: inout Int32, in labels: inout Image<Int32>) {
        let number = (0..<6).map { Int(word >> (8 * $0) & 255) }
        let (centreY, centreX) = (centreY + number[0] % 5 - 2, centreX + number[1] % 5 - 2)
        let third = number[2]
        func fill(_ isInside: (_ dy: Int, _ dx: Int) -> Bool) {
            label += 1
            for y in max(centreY - 24, 0)..<min(centreY + 25, labels.height) {
                for x in max(centreX - 24, 0)..<min(centreX + 25, labels.width) where isInside(y - centreY, x - centreX) {
                    labels[y: y, x: x] = label
                }
            }
        }
        func fillDisc(radius: Int) { fill { $0 * $0 + $1 * $1 <= radius * radius } }
        switch self {
        case .ellipses:
            let (long, short) = (9 + third % 9, 4 + number[3] % 6)
            let (u, v) = (number[4] % 7 - 3, number[5] % 5 + 1)
            fill { dy, dx in
                let (p, q) = (dx * u + dy * v, dy * u - dx * v)
                return p * p * short * short + q * q * long * long <= long * long * short * short * (u * u + v * v)
            }
        case .crescents:
            let (radius, u, v) = (13 + third % 5, 5 + number[3] % 5, number[4] % 15 - 7)
            fill { dy, dx in
                dy * dy + dx * dx <= radius * radius && (dy - v) * (dy - v) + (dx - u) * (dx - u) > radius * radius
            }
        case .rings, .nested:
            let radius = 11 + third % 5
            fill { $0 * $0 + $1 * $1 <= radius * radius && ($0 * $0 + $1 * $1) * 4 > radius * radius }
            if self == .nested { fill { ($0 * $0 + $1 * $1) * 9 <= radius * radius } }
        case .discs: fillDisc(radius: 5 + third % 5)
        case .touching: fillDisc(radius: 7 + third % 3)
        case .border: fillDisc(radius: 8 + third % 5)
        case .large, .specks, .mosaic, .stripes, .full, .empty: break
        }
    }
}
