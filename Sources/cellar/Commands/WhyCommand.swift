import ArgumentParser
import CellarKit

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say why steps of a tomogram would run, or would not.",
        discussion: "Prints the first cause in full, with the old and the new value, and the chain below it.")

    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var tomogram: String

    @Argument(help: "Only this step and those it needs.")
    var step: String?

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let explanation = try catalogOptions.open().why(tomogram, step: step)
        if let cause = explanation.firstCause {
            print("\(explanation.tomogram): \(Terminal.output.bold(cause.reasons.first ?? "")) (\(cause.step))")
        } else {
            print("\(explanation.tomogram): everything is fresh")
        }
        let width = explanation.groups.map(\.step.count).max() ?? 0
        for group in explanation.groups {
            let name = group.step + String(repeating: " ", count: width - group.step.count)
            let items = group.items == [""] ? "" : " \(Explanation.summary(of: group.items))"
            let reasons = group.reasons.isEmpty ? "" : ": " + group.reasons.joined(separator: "; ")
            let word = group.state.rawValue
            print("  \(name)  \(word)\(items)\(reasons)")
        }
        if let remark = PlanPrinter.trainingRemark(explanation.stepsWithoutTrainingSet) { print(remark) }
    }
}
