extension Float {
    /// An integer in the order of the values: a ≤ b gives the same for their ordered bits. It is the bit pattern, with the sign
    /// bit flipped for positive numbers and all bits flipped for negative ones.
    ///
    /// −0 comes right before 0. NaN comes after +∞, or before −∞ where its sign bit is set.
    @inlinable @inline(__always)
    public var orderedBits: UInt32 {
        // The shift fills a word with the sign bit.
        bitPattern ^ (UInt32(bitPattern: Int32(bitPattern: bitPattern) &>> 31) | 0x8000_0000)
    }

    /// The number with these ``orderedBits``.
    @inlinable @inline(__always)
    public init(orderedBits bits: UInt32) {
        self.init(bitPattern: bits & 0x8000_0000 == 0 ? ~bits : bits ^ 0x8000_0000)
    }
}
