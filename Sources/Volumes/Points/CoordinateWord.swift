/// What a person calls the coordinates of a file: a ``CoordinateConvention``, or the program that wrote them.
///
/// | word | convention | z |
/// |---|---|---|
/// | `warp` | `relion`: pixels of the size that the file states, 0-based | as in the file |
/// | `aretomo` | `voxel`: voxels of the tomogram, 0-based | as in the file |
/// | the name of a convention | that one | as in the file |
///
/// No word mirrors z. Tomograms of one tilt series by Warp and by IMOD or AreTomo are mirror images along z (Warp 2 turns the sign
/// of tilt angles unless it is told not to, Warp 1 and IMOD agree), so whether points have to be mirrored depends on the pair of
/// programs: that of the points and that of the tomogram at hand, which no file states. Points that are mirrored by mistake still lie
/// inside of the volume, where nobody would notice. Who knows that they differ asks for it (``PointSet/mirroredAlongZ(voxelSize:shape:)``).
/// Source: the issues 173 and 291 of warpem/warp, and the pull request 334 of SBC-Utrecht/pytom-match-pick.
public struct CoordinateWord: Sendable, Hashable {
    public let convention: CoordinateConvention
    /// The program; nil where the word is a convention's.
    public let program: String?

    private static let programs: [(word: String, name: String, convention: CoordinateConvention)] = [
        ("warp", "Warp", .relion), ("aretomo", "AreTomo", .voxel),
    ]

    /// All words, conventions first.
    public static let all = CoordinateConvention.allCases.map(\.rawValue) + programs.map(\.word)

    /// Returns nil for a word that is none of ``all``.
    public init?(_ word: String) {
        let found = Self.programs.first { $0.word == word }
        guard let convention = found?.convention ?? CoordinateConvention(rawValue: word) else { return nil }
        self.convention = convention
        program = found?.name
    }
}
