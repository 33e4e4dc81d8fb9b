public import ImageProcessing

extension CellposeModel {
    /// The objects of an image: the network's maps, followed to where they lead.
    ///
    /// - Parameters:
    ///   - image: `[y][x]`; a mask is shown as 0 and 1.
    ///   - diameter: of the objects, in pixels of the image.
    ///   - probability: the logit that a pixel of an object exceeds.
    ///   - errorLimit: the greatest flow error of an object; nil checks none.
    /// - Returns: Labels 1 … n of the image's size, 0 for ground.
    /// - Throws: ``CellposeError`` as ``maps(of:diameter:tilesAtOnce:)`` does, ``FlowError`` where a parameter lies outside its range.
    /// - Complexity: that of the maps, and 200 steps for each pixel of the foreground at the scale that the network saw.
    public func instances(
        in image: Image<Float>, diameter: Double, probability: Float = 0, errorLimit: Double? = 0.4
    ) throws -> Image<Int32> {
        let maps = try maps(of: image, diameter: diameter)
        // Flows are followed at the image's own scale, in as many of its pixels as 200 are at the network's.
        let masks = try CellposeMasks(
            probabilityThreshold: probability, iterations: max(1, Int(200 * diameter / meanDiameter)), errorLimit: errorLimit)
        return try masks(flowY: maps.flowY, flowX: maps.flowX, probability: maps.cellProbability)
    }
}
