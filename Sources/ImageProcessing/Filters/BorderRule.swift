/// How an image goes on beyond its border, where a filter asks for pixels there.
public enum BorderRule: String, Codable, CaseIterable, Hashable, Sendable {
    /// As in a mirror that stands on the middle of the outermost pixels: `dcb|abcd|cba`. OpenCV's `BORDER_REFLECT_101`.
    case reflect101
    /// With the outermost pixels: `aaa|abcd|ddd`. OpenCV's `BORDER_REPLICATE`.
    case replicate

    /// The index in `0..<count` that an index outside stands for.
    func inside(_ index: Int, _ count: Int) -> Int {
        switch self {
        case .reflect101: Image<Float>.mirrored(index, count)
        case .replicate: min(max(index, 0), count - 1)
        }
    }
}
