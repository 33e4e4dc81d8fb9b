/// Where an item at work tells how it goes, before it is done.
struct ItemRecorder: Sendable {
    /// The folder in which every item may have one of its own.
    let workFolder: String
    /// Writes a point of a curve.
    let log: @Sendable (_ name: String, _ x: Int, _ value: Double) throws -> Void
    /// Says how far the item is.
    let report: @Sendable (_ fraction: Double, _ note: String) -> Void
}
