internal import CKernels

/// What this program was built from, and which of its instructions this processor runs.
public enum BuildFacts {
    /// The commit of the sources, as `git describe` names it; nil where the program was not packaged (Packaging/README.md).
    public static var commit: String? {
        let text = String(cString: ck_commit())
        return text.isEmpty ? nil : text
    }

    /// The version of Swift's standard library, such as 6.3: the program has one of its own where it was packaged.
    public static var swiftVersion: String {
        "\(_SwiftStdlibVersion.current)".split(separator: ".").prefix(2).joined(separator: ".")
    }

    /// The kind of processor that the program was compiled for.
    public static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "another processor"
        #endif
    }

    /// The vector instructions that the kernels in C use on this processor.
    public static var instructionSets: String {
        switch ck_instruction_set() {
        case 2: "AVX2, FMA and AVX-512"
        case 1: "AVX2 and FMA"
        default: "no AVX2"
        }
    }
}
