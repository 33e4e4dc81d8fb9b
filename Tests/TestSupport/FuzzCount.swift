import Foundation

/// How many damaged files a test tries: as many as `CELLAR_FUZZ` says, else a number that is fast enough for every day.
public enum FuzzCount {
    public static func usual(_ count: Int) -> Int {
        ProcessInfo.processInfo.environment["CELLAR_FUZZ"].flatMap { Int($0) } ?? count
    }
}
