import Basics
import CKernels
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    /// Examples of FIPS 180-4 as NIST publishes them (csrc.nist.gov, *Examples with Intermediate Values*, SHA-256; the long one
    /// and the empty one from the *Secure Hash Algorithm Validation System*).
    static let vectors: [(message: String, digest: String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ]

    @Test("gives the digests of NIST's examples", arguments: vectors)
    func examples(vector: (message: String, digest: String)) {
        #expect(Digest(of: vector.message.utf8).hexadecimal == vector.digest)
    }

    @Test("gives the digest of a million times 'a'")
    func million() {
        let digest = Digest(of: [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        #expect(digest.hexadecimal == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// A message whose padding does not fit its last block, one whose padding fills it, and their neighbours.
    @Test("depends on the bytes alone, not on how they are cut", arguments: 0...300)
    func cuts(length: Int) {
        var random = RandomStream(state: UInt64(length))
        let message = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let expected = Digest(of: message)
        var hash = SHA256()
        var rest = message[...]
        while !rest.isEmpty {
            let count = 1 + random.index(below: min(rest.count, 1 + random.index(below: 150)))
            hash.update(rest.prefix(count))
            rest = rest.dropFirst(count)
            // A digest on the way changes nothing of what follows.
            _ = hash.digest
        }
        #expect(hash.digest == expected)
        #expect(Digest(of: message.lazy.map { $0 }) == expected)
    }

    @Test("is the same in portable C and by the processor's instructions")
    func variants() {
        var random = RandomStream(state: 7)
        let blocks = (0..<64 * 100).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for count in 0...100 {
            let start = (0..<8).map { _ in UInt32(truncatingIfNeeded: random.next()) }
            var (fast, portable) = (start, start)
            ck_sha256(&fast, blocks, count)
            ck_sha256_portable(&portable, blocks, count)
            #expect(fast == portable)
            #expect((fast == start) == (count == 0))
        }
    }
}
