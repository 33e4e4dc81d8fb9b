import ArgumentParser
import Catalog
import CellarKit

struct SimilarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "similar", abstract: "Find the particles of the collection that are most like one.",
        discussion: """
            Each particle that was picked is described by numbers that do not change when it turns (the step descriptors). Those of \
            all tomograms are compared with one particle's, and the nearest come first.

            cellar similar TS_0008#12
            cellar similar TS_0008@1620,4185,864 --count 50
            cellar similar pombe/TS_0008#12 --where "dataset <> 'pombe' AND confidence > 0.9" --format csv

            The place 0 is the particle itself. Where `cellar kind find` found kinds, alike says which part of the pairs of its kind are \
            at least as far apart: 0.5 is as alike as two of one kind usually are, 0 farther than all. Without kinds nobody knows how \
            near is near: look at some in `cellar serve`, by "More like this".
            """)

    @Argument(
        help: ArgumentHelp(
            "A particle: TOMOGRAM#NUMBER, its number in v_object, step pick, or TOMOGRAM@x,y,z, a place in it in Å.",
            valueName: "particle"))
    var particle: String

    @Option(help: "How many.")
    var count: WholeNumber<1, 10_000> = 20

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only those for which an SQL expression over the columns of v_object, as the step pick gives them, is true, such as \"class = 'ribosome'\".",
            valueName: "sql"))
    var expression: String?

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        guard ParticleReference(particle) != nil else {
            throw ValidationError("\"\(particle)\" names no particle; give TOMOGRAM#NUMBER, or TOMOGRAM@x,y,z with a place in Å.")
        }
    }

    func run() throws {
        guard let reference = ParticleReference(particle) else { return }
        let project = try catalogOptions.open()
        let similar = try project.similar(to: reference, count: count.value, where: expression)
        try printQuery(
            similar.sql, parameters: [:], format: formatOptions.format, connection: QueryConnection(project.catalog))
        if similar.others > 0 {
            note(
                "\(similar.others == 1 ? "One tomogram was" : "\(similar.others) tomograms were") left out, described in another way or "
                    + "picked anew since; `cellar run` describes what is there now")
        }
        if similar.hits.isEmpty {
            note(
                "Nothing\(expression == nil ? " else is described" : " for which --where is true"): `cellar run` describes what is picked."
            )
        }
    }
}
