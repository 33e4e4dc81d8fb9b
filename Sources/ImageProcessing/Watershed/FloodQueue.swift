/// Pixels that wait for the flood: the lowest comes first, and of those that are equally low the one that has waited
/// longest.
///
/// A binary heap as textbooks have it. Entries may be equal in level and age, and those leave in an order that follows from
/// how a heap is laid out: scikit-image's watershed depends on it where several markers begin at one level.
struct FloodQueue {
    /// The level in the upper half, the age in the lower: one comparison orders both.
    private var keys: [UInt64] = []
    private var places: [UInt32] = []

    var isEmpty: Bool { keys.isEmpty }

    /// Numbers in the order of the values; what is not a number lies above all others.
    @inline(__always)
    static func level(of value: Float) -> UInt32 {
        // Adding zero makes −0 and 0 the same.
        let bits = (value.isNaN ? Float.infinity : value + 0).bitPattern
        return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    }

    @inline(__always)
    mutating func push(level: UInt32, age: UInt32, place: UInt32) {
        let key = UInt64(level) &<< 32 | UInt64(age)
        var hole = keys.count
        keys.append(key)
        places.append(place)
        keys.withUnsafeMutableBufferPointer { keys in
            places.withUnsafeMutableBufferPointer { places in
                while hole > 0 {
                    let parent = (hole &- 1) / 2
                    guard key < keys[parent] else { break }
                    (keys[hole], places[hole]) = (keys[parent], places[parent])
                    hole = parent
                }
                (keys[hole], places[hole]) = (key, place)
            }
        }
    }

    /// Takes the first out; there must be one.
    @inline(__always)
    mutating func pop() -> (level: UInt32, place: UInt32) {
        let (firstKey, firstPlace) = (keys[0], places[0])
        let (key, place) = (keys.removeLast(), places.removeLast())
        let count = keys.count
        if count > 0 {
            keys.withUnsafeMutableBufferPointer { keys in
                places.withUnsafeMutableBufferPointer { places in
                    var hole = 0
                    while true {
                        var child = 2 &* hole &+ 1
                        guard child < count else { break }
                        if child &+ 1 < count, keys[child &+ 1] < keys[child] { child &+= 1 }
                        guard keys[child] < key else { break }
                        (keys[hole], places[hole]) = (keys[child], places[child])
                        hole = child
                    }
                    (keys[hole], places[hole]) = (key, place)
                }
            }
        }
        return (UInt32(truncatingIfNeeded: firstKey &>> 32), firstPlace)
    }
}
