package import Engine

/// Rounds of training: the networks of a round say what the labels of the next one are.
///
/// `training.rounds` of the recipe says how many there are. A round's steps run only where another one reads what they give, so
/// that none of a round that is switched off has an item, and what the others gave stands.
///
/// | round | labels | networks |
/// |---|---|---|
/// | 1 | `pseudo-labels` | `train-membrane`, `train-particles` |
/// | 2 | `relabel-2` | `train-membrane-2`, `train-particles-2` |
/// | 3 | `relabel-3` | `train-membrane-3`, `train-particles-3` |
package enum TrainingRounds {
    /// The most rounds that there are steps for.
    package static let most = 3

    static let choice = RecipeChoice(
        group: "training",
        .integer(
            "rounds", default: 1, in: 1...most,
            "rounds of training: networks say where the next one's labels are right, until one is no better than the one before"))

    /// The full name of the parameter in a recipe.
    package static var key: String { choice.key }

    /// The number of rounds in a recipe.
    package static func count(in recipe: Recipe) -> Int {
        guard case .integer(let rounds)? = recipe[choice.key] else { return 1 }
        return rounds
    }

    /// The needs of an input that is read only where a round is the last one.
    static func onlyWhereLast(_ round: Int) -> [String: InputCondition.Need] {
        Dictionary(uniqueKeysWithValues: (1...most).filter { $0 != round }.map { ("\($0)", .never) })
    }
}
