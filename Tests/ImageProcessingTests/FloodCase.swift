import Basics
import ImageProcessing
import TestSupport

/// A landscape with markers and a mask, made from integers: the same pixels as Golden/make_instances_golden.py.
struct FloodCase: CustomStringConvertible {
    let description: String
    let image: Image<Float>
    let markers: Image<Int32>
    let mask: Mask
    let connectivity: Connectivity

    /// From the first seven fields of a golden row.
    init?(_ row: inout GoldenRow) throws {
        let kind = try row.text()
        let (maskKind, scheme) = (try row.value(SyntheticMask.self), try row.text())
        let connectivity = Connectivity(rawValue: try row.int())
        let (height, width, seed) = (try row.int(), try row.int(), UInt64(try row.int()))
        guard let connectivity, let image = Self.landscape(kind, height, width, seed),
            let markers = Self.markers(scheme, height, width, seed),
            let mask = maskKind.make(height: height, width: width, seed: seed)
        else { return nil }
        description = "\(kind) \(maskKind) \(scheme) \(connectivity.rawValue) \(height) × \(width)"
        (self.image, self.markers, self.mask, self.connectivity) = (image, markers, mask, connectivity)
    }

    var labels: Image<Int32> {
        get throws { try Watershed(connectivity: connectivity)(image, markers: markers, mask: mask) }
    }

    private static func landscape(_ kind: String, _ height: Int, _ width: Int, _ seed: UInt64) -> Image<Float>? {
        switch kind {
        case "real": SyntheticImage.real(height: height, width: width, seed: seed)
        case "levels": SyntheticImage.noise.make(height: height, width: width, seed: seed)?.map { Float($0 / 64) - 2 }
        case "ties": Image(height: height, width: width, repeating: 0)
        default: SyntheticImage(rawValue: kind)?.make(height: height, width: width, seed: seed)?.map { Float($0) }
        }
    }

    private static func markers(_ scheme: String, _ height: Int, _ width: Int, _ seed: UInt64) -> Image<Int32>? {
        var random = RandomStream(state: seed + 50_000)
        var count: Int32 = 0
        let values = (0..<height * width).map { _ -> Int32 in
            guard random.next() >> 60 == 0 else { return 0 }
            count += 1
            return scheme == "three" ? count % 3 + 1 : count
        }
        return Image(height: height, width: width, values: values)
    }
}
