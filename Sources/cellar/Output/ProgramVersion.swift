import CCommit
import Cluster
import Tensors

/// What tells one build of the program, and one machine, from another.
enum ProgramVersion {
    /// The commit of the sources; nil where the program was not packaged.
    static var commit: String? {
        let text = String(cString: cellar_commit())
        return text.isEmpty ? nil : text
    }

    /// The version of Swift's standard library, such as 6.3.
    private static var swift: String { "\(_SwiftStdlibVersion.current)".split(separator: ".").prefix(2).joined(separator: ".") }

    private static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "another processor"
        #endif
    }

    /// What `--version` prints: the version alone on the first line, for programs.
    static var text: String {
        let processor = ProcessorFeatures.ofThisMachine().kernels
        return [
            CellarCommand.version, commit.map { "commit \($0)" },
            "\(architecture), \(processor), OpenBLAS kernels \(BLAS.kernelName)", "Swift \(swift)",
        ].compactMap(\.self).joined(separator: "\n")
    }
}
