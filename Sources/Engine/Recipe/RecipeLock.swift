import Basics
import Glibc
import Volumes

/// The right to change a recipe: one process at a time holds it, from reading the file to replacing it.
///
/// It is an advisory lock on a file beside the recipe, as the recipe's own file is another one after each change. The kernel
/// releases it when its owner dies. The file stays: who removed it could remove the one on which another process waits.
final class RecipeLock {
    private let descriptor: Int32

    /// A change takes milliseconds; whoever holds the lock for so long is stopped in a debugger.
    private static let (tries, pauseInMicroseconds) = (500, UInt32(20_000))

    /// Waits for others.
    ///
    /// - Throws: ``EngineError`` where the file cannot be made, or another process holds the lock for 10 s.
    init(_ file: RecipeFile) throws(EngineError) {
        let path: String
        do throws(VolumeError) { path = try WholeFile(file.path).path + ".lock" } catch {
            throw EngineError(.recipeFile, "the recipe \(error.location) \(error.message)")
        }
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            throw EngineError(
                .recipeFile,
                "the recipe cannot be changed: \(path) cannot be opened: \(String(cString: strerror(errno))); "
                    + "check the permissions of its folder")
        }
        var tries = 1
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            guard reason == EWOULDBLOCK || reason == EINTR, tries < Self.tries else {
                close(descriptor)
                throw EngineError(
                    .recipeFile,
                    reason == EWOULDBLOCK
                        ? "another process is changing the recipe \(file.path) and holds \(path); end it, or try again"
                        : "the recipe cannot be changed: \(path) cannot be locked: \(String(cString: strerror(reason)))")
            }
            tries += 1
            usleep(Self.pauseInMicroseconds)
        }
    }

    deinit { close(descriptor) }
}
