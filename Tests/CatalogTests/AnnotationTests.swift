import Basics
import Catalog
import CatalogSchema
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("An annotation") struct AnnotationTests {
    private func points(_ count: Int, radius: Double? = 50, content: String = "one") -> NewAnnotation {
        NewAnnotation(
            kind: .points, location: VolumeLocation(path: "/picks/a.star"), convention: "angstrom",
            classes: [.init(name: "ribosome", radiusInAngstroms: radius)],
            points: (0..<count).map { .init(x: Double($0), y: 0, z: 0, className: "ribosome") },
            contentDigest: Digest(of: content.utf8))
    }

    @Test("is shown with its classes and points, and replaced when its file is given again")
    func replacing() throws {
        let made = try TemporaryCatalog()
        let tomogram = try made.add("a").id
        let id = try made.catalog.collection.annotate(tomogramID: tomogram, with: points(3))
        let digest: String? = try made.value("SELECT digest FROM v_annotation")
        #expect(try made.catalog.collection.annotate(tomogramID: tomogram, with: points(3)) == id)
        #expect(try made.value("SELECT digest FROM v_annotation") == digest)
        #expect(try made.catalog.collection.annotate(tomogramID: tomogram, with: points(5, content: "two")) == id)
        #expect(try made.value("SELECT digest FROM v_annotation") != digest)
        #expect(
            try made.query("SELECT kind, classes, points, convention, tomogram FROM v_annotation") == [
                [.text("points"), .text("ribosome"), .integer(5), .text("angstrom"), .text("a")]
            ])
        #expect(try made.value("SELECT annotations FROM v_tomogram") == 1)
    }

    @Test("has another digest when anything that a result can depend on is another")
    func digests() throws {
        let made = try TemporaryCatalog()
        let tomogram = try made.add("a").id
        var variants = [points(1), points(1, content: "two"), points(1, radius: 51), points(1, radius: nil)]
        var convention = points(1)
        convention.convention = "voxel"
        variants.append(convention)
        var labels = points(0)
        (labels.kind, labels.convention) = (.labels, nil)
        for (name, value) in [("ribosome", Int64?.none), ("ribosome", 1), ("ribosome", 2), ("membrane", 1)] {
            labels.classes = [.init(name: name, value: value)]
            variants.append(labels)
        }
        for threshold in [0.5, 64] {
            labels.threshold = threshold
            variants.append(labels)
        }
        let digests = try variants.map { variant in
            try made.catalog.collection.annotate(tomogramID: tomogram, with: variant)
            return try made.value("SELECT digest FROM v_annotation ORDER BY added_at DESC, id DESC LIMIT 1", as: String.self)
        }
        #expect(Set(digests).count == variants.count)
    }

    @Test("that contradicts itself is refused, and nothing of it is kept")
    func refusals() throws {
        let made = try TemporaryCatalog()
        let tomogram = try made.add("a").id
        var bad: [NewAnnotation] = []
        func refuse(_ change: (inout NewAnnotation) -> Void) {
            var annotation = points(2)
            change(&annotation)
            bad.append(annotation)
        }
        refuse { $0.classes = [] }
        refuse { $0.classes += $0.classes }
        refuse { $0.classes[0].name = "other" }
        refuse { $0.classes.append(.init(name: "")) }
        refuse { $0.classes.append(.init(name: "two\nlines")) }
        refuse { $0.points[1].x = .nan }
        refuse { $0.points[1].z = .infinity }
        refuse { $0.points[0].score = -.infinity }
        refuse { $0.convention = nil }
        refuse { $0.kind = .labels }
        refuse { $0.threshold = 1 }
        func refuseScores(_ threshold: Double, _ classes: [NewAnnotation.Class]) {
            refuse { ($0.kind, $0.convention, $0.points, $0.classes, $0.threshold) = (.labels, nil, [], classes, threshold) }
        }
        refuseScores(.nan, [.init(name: "a", value: 1)])
        refuseScores(1, [.init(name: "a", value: 2)])
        refuseScores(1, [.init(name: "a", value: 1), .init(name: "b", value: 1)])
        for radius in [0, -1, .nan, .infinity] { bad.append(points(1, radius: radius)) }
        for annotation in bad {
            let error = #expect(throws: CatalogError.self) {
                try made.catalog.collection.annotate(tomogramID: tomogram, with: annotation)
            }
            #expect(error?.code == .invalid)
        }
        let absent = #expect(throws: CatalogError.self) { try made.catalog.collection.annotate(tomogramID: 77, with: points(1)) }
        #expect(absent?.code == .notFound)
        #expect(try made.value("SELECT count(*) FROM annotation") == 0)
    }
}
