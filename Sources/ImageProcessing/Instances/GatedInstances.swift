/// The instances of a slice, with what the gate said of each.
public struct GatedInstances: Sendable, Hashable {
    /// The accepted instances under their own labels, 0 elsewhere: labels of rejected ones are missing.
    public let labels: Image<Int32>
    /// The shapes of the accepted, in the order of their labels.
    public let accepted: [InstanceShape]
    /// The shapes of the rejected, each with the reason.
    public let rejected: [Rejected]

    /// An instance that is no particle.
    public struct Rejected: Sendable, Hashable {
        public let shape: InstanceShape
        public let reason: ShapeGate.Verdict
    }
}

extension ShapeGate {
    /// Passes all instances of a slice.
    ///
    /// - Throws: ``ImageError`` where labels are not 0 … n.
    /// - Complexity: two passes over the pixels.
    public func callAsFunction(_ labels: Image<Int32>) throws(ImageError) -> GatedInstances {
        let shapes = try labels.instanceShapes()
        var table = [Int32](repeating: 0, count: Int(shapes.last?.label ?? 0) + 1)
        var accepted: [InstanceShape] = []
        var rejected: [GatedInstances.Rejected] = []
        for shape in shapes {
            let verdict = self(shape)
            if verdict == .accepted {
                accepted.append(shape)
                table[Int(shape.label)] = shape.label
            } else {
                rejected.append(GatedInstances.Rejected(shape: shape, reason: verdict))
            }
        }
        return GatedInstances(labels: labels.relabelled(by: table), accepted: accepted, rejected: rejected)
    }
}
