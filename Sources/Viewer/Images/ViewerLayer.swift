/// What can be drawn over the slices of a tomogram: a result, or an annotation.
package struct ViewerLayer: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        /// A number at each pixel, as bytes over the range of the map.
        case map
        /// A label at each pixel, as its value; 0 is none.
        case labels
        /// Positions with a radius.
        case points
    }

    /// A value of labels, or the index of a class of points, and what it means.
    package struct Value: Codable, Sendable, Equatable {
        package var value: Int
        package var name: String

        package init(value: Int, name: String) { (self.value, self.name) = (value, name) }
    }

    /// Unique among the layers of a tomogram: letters, digits, `-` and `.`; it holds as long as what it names exists.
    package var id: String
    /// As people read it.
    package var label: String
    package var kind: Kind
    /// The step whose result it is; nil for annotations.
    package var step: String?
    /// The class where the layer shows one class alone.
    package var `class`: String?
    /// The values of labels, or the classes of points (from 1). Numbers of objects have no names, and are not listed.
    package var values: [Value]
    /// The slices along z that the layer covers, as `[first, end]`, in order. One pair with all slices for a whole tomogram.
    package var slices: [[Int]]
    /// Suggested opacity, 0 to 1.
    package var alpha: Double

    package init(
        id: String, label: String, kind: Kind, step: String? = nil, class: String? = nil, values: [Value] = [],
        slices: [[Int]], alpha: Double
    ) {
        (self.id, self.label, self.kind, self.step, self.class) = (id, label, kind, step, `class`)
        (self.values, self.slices, self.alpha) = (values, slices, alpha)
    }

    private enum CodingKeys: CodingKey { case id, label, kind, step, `class`, values, slices, alpha }

    /// Writes `null` where there is no step or class, so that every layer has the same keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(label, forKey: .label)
        try container.encode(kind, forKey: .kind)
        try container.encode(step, forKey: .step)
        try container.encode(`class`, forKey: .class)
        try container.encode(values, forKey: .values)
        try container.encode(slices, forKey: .slices)
        try container.encode(alpha, forKey: .alpha)
    }
}

/// A point of a layer of points, in voxels of the tomogram.
package struct ViewerPoint: Codable, Sendable, Equatable {
    /// Unique in its layer: of the picker's particles the number in `v_object`, of what only people say its verdict's, negative.
    package var id: Int64
    package var `class`: String
    /// In voxels: 0 is the centre of the first voxel.
    package var x: Double
    package var y: Double
    package var z: Double
    /// In voxels along x.
    package var radius: Double
    package var score: Double?
    /// `accepted`, `rejected` or `added` where a person said so.
    package var state: String?

    package init(
        id: Int64, class: String, x: Double, y: Double, z: Double, radius: Double, score: Double? = nil, state: String? = nil
    ) {
        (self.id, self.class, self.x, self.y, self.z) = (id, `class`, x, y, z)
        (self.radius, self.score, self.state) = (radius, score, state)
    }

    private enum CodingKeys: CodingKey { case id, `class`, x, y, z, radius, score, state }

    /// Writes `null` where there is no score or state, so that every point has the same keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(`class`, forKey: .class)
        try container.encode(x, forKey: .x)
        try container.encode(y, forKey: .y)
        try container.encode(z, forKey: .z)
        try container.encode(radius, forKey: .radius)
        try container.encode(score, forKey: .score)
        try container.encode(state, forKey: .state)
    }
}
