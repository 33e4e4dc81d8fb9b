public import Basics

/// The particles of a slab, and which instances of its slices they are made of.
public struct LinkedInstances: Sendable, Hashable {
    /// In the order of their identifiers, which are 1, 2, …
    public let objects: [LinkedObject]
    /// How many tracks were no particles, and why.
    public let rejections: [LinkingRules.Rejection: Int]
    /// For each slice and each label of its instances the identifier of the particle; 0 where it is part of none.
    public let tables: [[Int32]]

    /// A slice's labels, as they were linked, with each instance named by its particle: a slice of a label volume.
    ///
    /// - Throws: ``ImageError`` where no such slice was linked.
    public func identifiers(_ labels: Image<Int32>, slice: Int) throws(ImageError) -> Image<Int32> {
        guard tables.indices.contains(slice) else {
            throw .parameter("the slice", slice, mustBe: "one of the \(tables.count) that were linked")
        }
        return labels.relabelled(by: tables[slice])
    }
}
