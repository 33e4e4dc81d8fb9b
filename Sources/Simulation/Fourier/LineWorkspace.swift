/// The two buffers between which a ``FourierTransform`` works: eight lines, interleaved, real and imaginary parts apart.
///
/// Indices are not checked: a workspace is made for one length, and only the loops of this folder index it.
final class LineWorkspace {
    typealias Lanes = SIMD8<Float>

    /// The lines that a workspace holds.
    static let laneCount = Lanes.scalarCount

    private(set) var real: UnsafeMutablePointer<Lanes>
    private(set) var imaginary: UnsafeMutablePointer<Lanes>
    private var nextReal: UnsafeMutablePointer<Lanes>
    private var nextImaginary: UnsafeMutablePointer<Lanes>
    private let storage: UnsafeMutablePointer<Lanes>

    init(length: Int) {
        storage = .allocate(capacity: 4 * length)
        storage.initialize(repeating: .zero, count: 4 * length)
        real = storage
        imaginary = storage + length
        nextReal = storage + 2 * length
        nextImaginary = storage + 3 * length
    }

    deinit { storage.deallocate() }

    subscript(index: Int) -> SplitComplex {
        @inline(__always) get { SplitComplex(real: real[index], imaginary: imaginary[index]) }
    }

    /// Writes into the buffer that ``swapBuffers()`` makes current.
    @inline(__always)
    func write(_ value: SplitComplex, at index: Int) {
        nextReal[index] = value.real
        nextImaginary[index] = value.imaginary
    }

    func swapBuffers() {
        swap(&real, &nextReal)
        swap(&imaginary, &nextImaginary)
    }

    func exchangeParts() {
        swap(&real, &imaginary)
        swap(&nextReal, &nextImaginary)
    }
}
