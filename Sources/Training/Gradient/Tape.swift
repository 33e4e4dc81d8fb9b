public import Tensors

/// Notes, while a network computes, how derivatives find their way back, and takes them there.
///
/// ```swift
/// let tape = Tape()
/// let loss = SegmentationLoss()(network(Variable(patch), on: tape), labels, on: tape)
/// tape.backward(from: loss)          // parameters have their gradients
/// ```
///
/// A tape that does not record keeps nothing: values go as soon as they are not needed, and normalisation takes its running
/// moments, as in inference.
public final class Tape {
    /// Whether the network is being trained.
    public let isRecording: Bool
    private var pullbacks: [(number: Int, body: (Tensor) -> Void)] = []
    private var gradients: [Int: Tensor] = [:]
    private var count = 0

    public init(recording: Bool = true) { isRecording = recording }

    /// A value by which derivatives are asked for; `gradient(of:)` has them after `backward`.
    public func watched(_ value: Tensor) -> Variable {
        count += 1
        watchedNumbers.insert(count)
        return Variable(value, number: count)
    }
    private var watchedNumbers: Set<Int> = []

    /// The derivative by a value that is watched.
    public func gradient(of variable: Variable) -> Tensor? { variable.number.flatMap { gradients[$0] } }

    /// Notes a result.
    ///
    /// - Parameter pullback: takes the derivative by the result, and hands those by what it came of to `accumulate` and to parameters.
    func record(_ value: Tensor, _ pullback: @escaping (Tensor) -> Void) -> Variable {
        guard isRecording else { return Variable(value) }
        count += 1
        pullbacks.append((count, pullback))
        return Variable(value, number: count)
    }

    /// Adds to the derivative by a value.
    func accumulate(_ gradient: @autoclosure () -> Tensor, to variable: Variable) {
        guard let number = variable.number else { return }
        if gradients[number] == nil { gradients[number] = gradient() } else { gradients[number]?.add(gradient()) }
    }

    /// Takes the derivatives of a loss, a tensor of one value, back to the parameters. The tape is empty afterwards.
    public func backward(from loss: Variable) {
        guard let number = loss.number else { return }
        gradients[number] = Tensor(shape: loss.value.shape, repeating: 1)
        while let (number, body) = pullbacks.popLast() {
            if let gradient = gradients[number] {
                if !watchedNumbers.contains(number) { gradients[number] = nil }
                body(gradient)
            }
        }
    }
}
