/// Who picked the points of a copick file, and when: copick names its files by it.
public struct CopickSession: Hashable, Sendable {
    public var userID: String
    public var sessionID: String

    public init(userID: String = "cellar", sessionID: String = "0") {
        self.userID = userID
        self.sessionID = sessionID
    }
}
