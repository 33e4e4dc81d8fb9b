/// The value of a parameter.
public enum RecipeValue: Hashable, Sendable {
    case flag(Bool)
    case integer(Int)
    case real(Double)
    case text(String)

    /// The value as recipes, keys and people write it: a whole real keeps its `.0`, so that text tells types apart.
    public var text: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .integer(let integer): "\(integer)"
        case .real(let real): "\(real)"
        case .text(let text): text
        }
    }
}
