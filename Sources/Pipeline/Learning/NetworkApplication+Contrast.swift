import Tensors
import Training
import Volumes

extension NetworkApplication {
    /// How much more the model finds in the tomogram when bright and dark are exchanged: the ratio of the voxels that it calls
    /// anything, in parts of three slices. Far above 1 says that the contrast is the other way round than what the model learned. nil
    /// where no model is used.
    ///
    /// - Complexity: reads parts of three slices; six passes of the network over 256² pixels.
    func invertedContrast() throws -> Double? {
        guard let model = members.first(where: \.isModel), model.network.architecture.receptiveRadius.depth == 0 else {
            return nil
        }
        let (shape, alignment) = (model.scale.scaledShape, model.network.architecture.alignment)
        let (reader, context) = (try tomogram.reader(model.scale), model.network.architecture.context)
        func middle(_ length: Int, _ alignment: Int) -> Range<Int>? {
            let side = min(length, 256) / alignment * alignment
            return side > 0 ? (length - side) / 2..<(length - side) / 2 + side : nil
        }
        guard let y = middle(shape.y, alignment.height), let x = middle(shape.x, alignment.width) else { return nil }
        var counts = (as: 1.0, inverted: 1.0)
        for part in 1...3 {
            let slice = shape.z * part / 4
            var values: [Float] = []
            for z in slice - context...slice + context {
                let inside = min(max(z, 0), shape.z - 1)
                guard let box = Box(z: inside..<inside + 1, y: y, x: x) else { return nil }
                values += try reader(box)
            }
            func count(_ values: [Float]) -> Double {
                let block = Tensor(shape: [1, 2 * context + 1, y.count, x.count, 1], values: values)
                let probabilities = model.network.architecture.activation.probabilities(model.network.logits(block))
                let outputs = probabilities.shape.last ?? 1
                return probabilities.withUnsafeBufferPointer { p in
                    (0..<y.count * x.count).reduce(0.0) { sum, pixel in
                        let isFound = model.answers.contains { answer in
                            answer.outputs.reduce(0) { $0 + p[pixel * outputs + $1] } >= Float(answer.threshold)
                        }
                        return sum + (isFound ? 1 : 0)
                    }
                }
            }
            // A thousandth of the pixels, so that a handful in an empty slice says nothing.
            let little = Double(y.count * x.count) / 1000
            counts.as += count(values) + little
            counts.inverted += count(values.map { -$0 }) + little
        }
        return counts.inverted / counts.as
    }
}
