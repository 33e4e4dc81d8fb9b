public import Tensors

/// Adam, or with a weight decay AdamW, over the parameters of a network.
public struct AdamOptimizer {
    public let weightDecay: Double
    /// How many steps were taken.
    public private(set) var steps: Int
    /// Of each parameter, in the network's order.
    public private(set) var states: [AdamState]

    public init(_ parameters: [NetworkParameter], weightDecay: Double = 0) {
        self.init(states: parameters.map { AdamState(shape: $0.value.shape) }, steps: 0, weightDecay: weightDecay)
    }

    /// As it was after so many steps.
    init(states: [AdamState], steps: Int, weightDecay: Double) {
        (self.states, self.steps, self.weightDecay) = (states, steps, weightDecay)
    }

    /// Moves parameters against their gradients, and clears these.
    public mutating func step(_ parameters: [NetworkParameter], learningRate: Double) {
        steps += 1
        let step = AdamState.Step(number: steps, learningRate: learningRate, weightDecay: weightDecay)
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { continue }
            states[index].update(&parameter.value, gradient: gradient, step)
            parameter.gradient = nil
        }
    }
}
