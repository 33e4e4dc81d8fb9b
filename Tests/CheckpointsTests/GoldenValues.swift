/// The numbers in the files that Golden/make_golden.py made: the same in every tensor, however many of them it takes.
enum GoldenValues {
    /// The first elements of any float tensor there.
    static func floats(_ count: Int) -> [Float] { (0..<count).map { (Float(37 * $0 % 101) - 50) / 8 } }

    /// The first elements of any tensor of integers there.
    static func integers(_ count: Int) -> [Int] { (0..<count).map { 37 * $0 % 101 } }
}
