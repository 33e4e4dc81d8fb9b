import Basics
import Cellpose
import ImageProcessing
import TestSupport

/// What a network might say of a label image: the same bits as `said` of Golden/make_dynamics_golden.py.
struct NetworkSays {
    enum Condition: String, CaseIterable {
        case clean, noisy, leaky, turned, wild

        fileprivate var disturbances: (ofFlow: Int, ofProbability: Int, turns: Bool) {
            switch self {
            case .clean: (0, 0, false)
            case .noisy: (2, 0, false)
            case .leaky: (1, 18, false)
            case .turned: (1, 0, true)
            case .wild: (6, 16, true)
            }
        }
    }

    let flowY: Image<Float>
    let flowX: Image<Float>
    let probability: Image<Float>

    /// - Parameter flows: those of the labels, of length 1.
    init(of labels: Image<Int32>, flows: FlowField, seed: UInt64, _ condition: Condition) {
        let (flowNoise, probabilityNoise, turns) = condition.disturbances
        var random = RandomStream(state: seed)
        var (y, x, said): ([Float], [Float], [Float]) = ([], [], [])
        for (index, label) in labels.values.enumerated() {
            let word = random.next()
            let noise = (0..<3).map { Int(word >> (8 * $0) & 255) - 128 }
            func sixtyFourths(_ flow: Float) -> Int { Int((Double(flow) * 320).rounded(.toNearestOrEven)) }
            var flow = (y: sixtyFourths(flows.y.values[index]), x: sixtyFourths(flows.x.values[index]))
            if turns && label % 3 == 2 { flow = (flow.x, -flow.y) }
            if turns && label % 5 == 3 { flow = (-flow.y, -flow.x) }
            y.append(Float(flow.y + (noise[0] * flowNoise) >> 2) / 64)
            x.append(Float(flow.x + (noise[1] * flowNoise) >> 2) / 64)
            said.append(Float((label > 0 ? 32 : -32) + (noise[2] * probabilityNoise) >> 6) / 16)
        }
        func image(_ values: [Float]) -> Image<Float> {
            Image(sizeOf: labels) { _ = $0.initialize(fromContentsOf: values) }
        }
        (flowY, flowX, probability) = (image(y), image(x), image(said))
    }

    init(of labels: Image<Int32>, seed: UInt64, _ condition: Condition) throws {
        self.init(of: labels, flows: try FlowTargets()(labels), seed: seed, condition)
    }

    var field: FlowField { get throws { try FlowField(y: flowY, x: flowX) } }
}
