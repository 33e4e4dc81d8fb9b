import Basics
import ImageProcessing
import TestSupport

/// Images made from integers alone: the same pixels as `synthetic` and `real` of Golden/make_golden.py.
enum SyntheticImage: String, CaseIterable {
    case noise, gradient, constant, tomogram
    case twoValued = "two-valued"

    func make(height: Int, width: Int, seed: UInt64) -> Image<UInt8>? {
        var random = RandomStream(state: seed)
        var values: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                let word = random.next()
                switch self {
                case .noise: values.append(UInt8(word >> 56))
                case .gradient: values.append(UInt8((255 * x / width + 255 * y / height) / 2))
                case .constant: values.append(UInt8(seed % 256))
                case .twoValued: values.append(word >> 63 == 1 ? 200 : 40)
                case .tomogram:
                    let grain = (0..<8).reduce(0) { $0 + (word >> (3 * $1)) & 7 }
                    let isDisc = (x % 24 - 12) * (x % 24 - 12) + (y % 24 - 12) * (y % 24 - 12) < 25
                    values.append(UInt8(110 + grain - (isDisc ? 45 : 0)))
                }
            }
        }
        return Image(height: height, width: width, values: values)
    }

    static func real(height: Int, width: Int, seed: UInt64) -> Image<Float>? {
        var random = RandomStream(state: seed)
        let values = (0..<height * width).map { _ in (Float(random.next() >> 50) - 8192) / 1024 }
        return Image(height: height, width: width, values: values)
    }
}
