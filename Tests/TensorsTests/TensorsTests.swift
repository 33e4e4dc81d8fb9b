import Testing

/// All tests of this target, one after the other: some change the number of threads and the instruction set, which all
/// operations of the process share, while others compare the bits of two results.
@Suite("Tensors and layers", .serialized)
enum TensorsTests {}
