/// An OME-Zarr image: one volume at several resolutions, as `.zattrs` of a zarr group describe it.
///
/// Source: the OME-Zarr specification, version 0.4, "multiscales" metadata; 0.1 to 0.3 are read as far as they say the same.
struct MultiscaleImage: Decodable, Sendable {
    let name: String?
    /// One axis for each axis of the arrays, in their order; absent in versions 0.1 and 0.2.
    let axes: [Axis]?
    /// The resolutions, the highest first.
    let datasets: [Dataset]
    /// What maps the coordinates of every dataset further.
    let coordinateTransformations: [Transformation]?

    struct Axis: Decodable, Sendable {
        let name: String
        let unit: String?

        init(from decoder: any Decoder) throws {
            // Version 0.3 has plain names.
            if let name = try? decoder.singleValueContainer().decode(String.self) {
                self.name = name
                self.unit = nil
            } else {
                let container = try decoder.container(keyedBy: Key.self)
                self.name = try container.decode(String.self, forKey: .name)
                self.unit = try container.decodeIfPresent(String.self, forKey: .unit)
            }
        }

        private enum Key: String, CodingKey {
            case name, unit
        }
    }

    struct Dataset: Decodable, Sendable {
        /// The array, from the group on.
        let path: String
        let coordinateTransformations: [Transformation]?
    }

    struct Transformation: Decodable, Sendable {
        let type: String
        let scale: [Double]?
    }

    /// The scale of a dataset along each axis of its array, or nil if there is none for this number of axes.
    func scale(of dataset: Dataset, axisCount: Int) -> [Double]? {
        let scales = [dataset.coordinateTransformations, coordinateTransformations].compactMap { transformations in
            transformations?.first { $0.type == "scale" }?.scale
        }
        guard !scales.isEmpty, scales.allSatisfy({ $0.count == axisCount }) else { return nil }
        return (0..<axisCount).map { axis in scales.map { $0[axis] }.reduce(1, *) }
    }
}

/// `.zattrs` of a group.
struct ZarrGroupAttributes: Decodable, Sendable {
    let multiscales: [MultiscaleImage]?
}
