internal import Basics
internal import Checkpoints

/// The files of a `tokenizer` folder.
struct TokenizerFiles {
    let folder: String

    private var mergesPath: String { "\(folder)/merges.txt" }

    /// Ids by token. Ids may have gaps.
    func vocabulary() throws(DiffusionError) -> [String: Int] {
        let path = "\(folder)/vocab.json"
        var vocabulary: [String: Int] = [:]
        do throws(CheckpointError) {
            var reader = JSONReader(try SmallFile.bytes(path), path: path)
            try reader.readObject { (reader, token) throws(CheckpointError) in vocabulary[token] = try reader.readCount() }
            try reader.finish()
        } catch {
            throw DiffusionError(error)
        }
        return vocabulary
    }

    /// `merges.txt`, a pair in each line, with the vocabulary that it belongs to.
    func encoding(vocabulary: [String: Int]) throws(DiffusionError) -> BytePairEncoding {
        let bytes: [UInt8]
        do throws(CheckpointError) { bytes = try SmallFile.bytes(mergesPath) } catch { throw DiffusionError(error) }
        var pairs: [(String, String)] = []
        var numbers: [Int] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty || index == 0 && line.starts(with: "#version".utf8) { continue }
            let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, let left = String(validating: parts[0], as: UTF8.self),
                let right = String(validating: parts[1], as: UTF8.self)
            else { throw flaw("line \(index + 1) is not two tokens of text with a space between them") }
            pairs.append((left, right))
            numbers.append(index + 1)
        }
        do throws(BytePairEncoding.Flaw) {
            return try BytePairEncoding(vocabulary: vocabulary, merges: pairs)
        } catch {
            guard let index = error.pairIndex else {
                throw DiffusionError(
                    .malformed, "has no token '\(error.token)' for a byte: get the file again", path: "\(folder)/vocab.json")
            }
            throw flaw("line \(numbers[index]) wants the token '\(error.token.prefix(80))', which vocab.json does not have")
        }
    }

    /// What the two files that may name special tokens say; one of them is enough.
    func specialTokens() throws(DiffusionError) -> SpecialTokens {
        let names = ["special_tokens_map.json", "tokenizer_config.json"]
        var keys: [SpecialTokens.Keys?] = []
        for name in names {
            do throws(DiffusionError) {
                keys.append(try ConfigurationFile("\(folder)/\(name)").decode(SpecialTokens.Keys.self))
            } catch {
                guard error.code == .unreadable else { throw error }
                keys.append(nil)
            }
        }
        guard let map = keys[0] ?? keys[1], let config = keys[1] ?? keys[0] else {
            throw DiffusionError(
                .unreadable, "has neither \(names[0]) nor \(names[1]): the folder is no tokenizer, or an incomplete one",
                path: folder)
        }
        return SpecialTokens(map: map, config: config)
    }

    private func flaw(_ what: String) -> DiffusionError {
        DiffusionError(.malformed, "\(what): get vocab.json and merges.txt again, from the same place", path: mergesPath)
    }
}
