import Foundation
public import Testing

/// Real data files of other projects, which are never committed: `../shared/data` beside the checkout, or the folder
/// that `CELLAR_TEST_DATA` names. A test that wants one skips, and says so, where the folder is absent:
///
/// ```swift
/// @Test(.enabled(if: SharedData.isPresent, SharedData.absence))
/// ```
public enum SharedData {
    private static let root: String? = {
        let candidates: [String?] = [
            ProcessInfo.processInfo.environment["CELLAR_TEST_DATA"],
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data").standardized.path,
        ]
        return candidates.compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0) }
    }()

    /// Whether the folder is there.
    public static var isPresent: Bool { root != nil }

    /// Why a test skips.
    public static let absence: Comment = "no real data: ../shared/data is absent and CELLAR_TEST_DATA is not set"

    /// The script that makes small files with the faults that users reported; nil where it is absent.
    public static let cases: String? = root.map { "\($0)/../cases/make_cases.py" }.flatMap {
        FileManager.default.fileExists(atPath: $0) ? $0 : nil
    }

    /// The path of a file, from the folder on; meaningless where the folder is absent.
    public static func file(_ path: String) -> String { "\(root ?? "/nonexistent")/\(path)" }
}
