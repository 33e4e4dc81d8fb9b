import Basics
import ImageProcessing
import TestSupport

/// Masks made from integers alone: the same pixels as `mask` of Golden/make_operations_golden.py.
enum SyntheticMask: String, CaseIterable {
    case noise, sparse, dense, rings, tomogram, mesh, empty, full

    func make(height: Int, width: Int, seed: UInt64) -> Mask? {
        if self == .tomogram {
            return SyntheticImage.tomogram.make(height: height, width: width, seed: seed)?.map { $0 < 100 }
        }
        var random = RandomStream(state: seed)
        var values: [Bool] = []
        for y in 0..<height {
            for x in 0..<width {
                let word = random.next()
                let (dy, dx) = (y - height / 2, x - width / 2)
                let value =
                    switch self {
                    case .noise: word >> 63 == 1
                    case .sparse: word >> 61 == 0
                    case .dense: word >> 61 != 0
                    case .rings: (dx * dx + dy * dy) / 40 % 2 == 0
                    case .mesh: (x % 5 == 0 || y % 5 == 0) && word >> 60 != 0
                    case .empty, .tomogram: false
                    case .full: true
                    }
                values.append(value)
            }
        }
        return Mask(height: height, width: width, values: values)
    }
}
