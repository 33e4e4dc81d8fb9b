import Basics
import Catalog
import Foundation
import TestSupport
import Testing

@testable import CellarKit

/// The documents that describe collections: copick's configuration, the portal's metadata, tables.
@Suite("A document about a collection") struct CollectionDocumentTests {
    private static let minimal = """
        {
          // A comment, as copick's examples have it.
          "config_type": "filesystem", "overlay_root": "local:///data/overlay", "static_root": "/data/static/",
          "pickable_objects": [
            {"name": "ribosome", "is_particle": true, "label": 2, "radius": 125.0, "metadata": {"cellar_class": "ribosome_80S"}},
            {"name": "membrane", "is_particle": false, "label": null, "radius": null, "metadata": [1]},
            {"name": "apo-ferritin", "is_particle": true, "radius": 0}
          ]
        }
        """

    private func configuration(_ text: String) throws -> CopickConfiguration {
        try CopickConfiguration(Array(text.utf8), path: "config.json")
    }

    @Test("copick: objects, labels, radii and roots, with what is missing as copick takes it")
    func copick() throws {
        let configuration = try configuration(Self.minimal)
        #expect(configuration.roots == ["/data/overlay", "/data/static"])
        #expect(configuration.objects.map(\.name) == ["ribosome", "membrane", "apo-ferritin"])
        #expect(configuration.objects.map(\.className) == ["ribosome_80S", "membrane", "apo-ferritin"])
        #expect(configuration.objects.map(\.label) == [2, nil, 1])
        #expect(configuration.objects.map(\.radiusInAngstroms) == [125, nil, nil])
    }

    @Test(
        "copick: refuses what it cannot use, in a sentence that names the file",
        arguments: [
            (#""filesystem""#, #""cryoet_data_portal""#, "of the type cryoet_data_portal"),
            ("local:///data/overlay", "s3://bucket/overlay", "is no local folder (s3)"),
            ("local:///data/overlay", "simplecache::ssh://host/x", "is no local folder (simplecache::ssh)"),
            ("local:///data/overlay", "local://", "is empty"),
            (#""name": "membrane""#, #""name": "ribosome""#, "two objects ribosome"),
            (#""label": 2"#, #""label": 0"#, "the label 0"),
            (#""label": 2"#, #""label": "two""#, "pickable_objects[0].label"),
            (#""pickable_objects""#, #""objects""#, "pickable_objects"),
            (#""overlay_root""#, #""overlay""#, "there is no overlay_root"),
            ("}", "", "is not JSON"),
        ])
    func refusals(old: String, new: String, sentence: String) throws {
        let error = #expect(throws: CatalogError.self) { try configuration(Self.minimal.replacing(old, with: new)) }
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("config.json") == true)
    }

    @Test("copick: whatever bytes a configuration has, it is read or refused")
    func fuzz() throws {
        var stream = RandomStream(state: 7)
        let original = Array(Self.minimal.utf8)
        var (read, refused) = (0, 0)
        for _ in 0..<FuzzCount.usual(3000) {
            var bytes = original
            for _ in 0...Int(stream.next() % 4) where !bytes.isEmpty {
                let index = Int(stream.next() % UInt64(bytes.count))
                switch stream.next() % 4 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: stream.next())
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(contentsOf: bytes[index..<min(index + 20, bytes.count)], at: index)
                default: bytes.removeLast(min(index, bytes.count - 1))
                }
            }
            do throws(CatalogError) {
                _ = try CopickConfiguration(bytes, path: "config.json")
                read += 1
            } catch {
                #expect(!error.message.isEmpty)
                refused += 1
            }
        }
        #expect(read > 100 && refused > 100)
    }

    @Test(
        "copick: names are made safe as copick does it",
        arguments: [
            ("ribosome", "ribosome"), ("rib_osome 80S", "rib-osome-80S"), ("_a<>:\"/\\|?*b_", "a---------b"),
            ("a\tb\u{a0}c", "a-b-c"),
            ("___", nil), ("", nil), ("Å", "Å"),
        ])
    func safeNames(name: String, safe: String?) {
        #expect(CopickName.safe(name) == safe)
        #expect(safe.map(CopickName.isSafe) ?? true)
    }

    @Test("copick: a class is the object noted for it, or of its name; what is missing is said with the entry, or made")
    func objects() throws {
        let configuration = try configuration(Self.minimal.replacing(#""label": null"#, with: #""label": 4"#))
        func objects(_ classes: [String], adding: Bool = false) throws -> CopickObjects {
            let wanted = classes.map { ($0, CopickObjects.Wanted(isParticle: true, isLabelled: true, radii: [30, 10, 20.04])) }
            return try CopickObjects(configuration, for: Dictionary(uniqueKeysWithValues: wanted), canAdd: adding)
        }
        let known = try objects(["ribosome_80S", "membrane", "apo_ferritin"])
        #expect(
            known.byClass.mapValues(\.name) == [
                "ribosome_80S": "ribosome", "membrane": "membrane", "apo_ferritin": "apo-ferritin",
            ])
        #expect(known.remarks.count == 1 && known.remarks[0].contains(#"{"cellar_class": "apo_ferritin"}"#))
        // The object ribosome was noted for another class.
        #expect(throws: CatalogError.self) { try objects(["ribosome"], adding: true) }
        #expect(throws: CatalogError.self) { try objects(["apo_ferritin", "apo-ferritin"]) }
        let missing = #expect(throws: CatalogError.self) { try objects(["virus 1"]) }
        #expect(
            missing?.message.contains(
                #"{"color":[0,117,220,255],"is_particle":true,"label":5,"metadata":{"cellar_class":"virus 1"},"name":"virus-1","radius":20}"#
            )
                == true, "\(missing?.message ?? "")")
        let added = try objects(["virus 1", "virus 2"], adding: true)
        #expect(added.added.map(\.label) == [5, 6] && added.byClass["virus 2"]?.className == "virus 2" && added.remarks.isEmpty)
    }

    @Test("the portal: reads what it knows of a tomogram and an annotation, and needs nothing but the object's name")
    func portal() throws {
        func tomogram(_ text: String) throws -> PortalTomogramMetadata {
            try SmallDocument.json(PortalTomogramMetadata.self, Array(text.utf8), path: "t.json")
        }
        let full = try tomogram(
            #"{"voxel_spacing": 13.48, "processing": "denoised", "reconstruction_method": "WBP", "size": {"x": 1}}"#)
        #expect(full.voxelSize?.xInAngstroms == 13.48 && full.processing == "denoised" && full.reconstruction == "WBP")
        let odd = try tomogram(#"{"voxel_spacing": "unknown", "processing": 3}"#)
        #expect(odd.voxelSize == nil && odd.processing == nil)
        #expect(try tomogram(#"{"voxel_spacing": -1}"#).voxelSize == nil)
        #expect(throws: CatalogError.self) { try tomogram("[]") }

        func annotation(_ text: String) throws -> PortalAnnotationMetadata {
            try SmallDocument.json(PortalAnnotationMetadata.self, Array(text.utf8), path: "a.json")
        }
        let authors =
            #""authors": [{"name": "A", "primary_author_status": true}, {"name": "B"}, {"name": "C", "primary_author_status": true}]"#
        let made = try annotation(#"{"annotation_object": {"name": "cytosolic ribosome", "id": "GO:1"}, "# + authors + "}")
        #expect(made.objectName == "cytosolic ribosome" && made.author == "A; C")
        #expect(try annotation(#"{"annotation_object": {"name": "x"}, "authors": [{"name": "B"}]}"#).author == "B")
        #expect(try annotation(#"{"annotation_object": {"name": "x"}, "authors": 3}"#).author == nil)
        let error = #expect(throws: CatalogError.self) { try annotation(#"{"annotation_object": {}}"#) }
        #expect(error?.message.contains("annotation_object.name") == true)
    }

    @Test("a table: quotes, line ends, empty cells, and paths relative to it")
    func manifest() throws {
        let text =
            "\u{feff}path,name,voxel_size,grid\r\na.mrc,\"x, \"\"one\"\"\",12.5,A3\r\n\r\n\"b\nc.mrc\",,,\r\n/abs/d.mrc,d,,\"two\nlines\""
        let found = try TomogramManifest(path: "/tables/t.csv").read(text)
        #expect(found.refusals.isEmpty)
        #expect(found.candidates.map(\.location.path) == ["/tables/a.mrc", "/tables/b\nc.mrc", "/abs/d.mrc"])
        #expect(found.candidates.map(\.name) == ["x, \"one\"", nil, "d"])
        #expect(found.candidates.map { $0.userVoxelSize?.xInAngstroms } == [12.5, nil, nil])
        #expect(found.candidates.map(\.metadata) == [["grid": "A3"], [:], ["grid": "two\nlines"]])
        #expect(found.candidates[2].label == "/tables/t.csv, line 6 (/abs/d.mrc)")
    }

    @Test("a table: a wrong row is refused with its line, and the others are read")
    func wrongRows() throws {
        let text = "path,voxel_size\na.mrc,10\n,10\nb.mrc,ten\nc.mrc\nd.mrc,1e9\ne.mrc,10,\nf.mrc,\n\"g.mrc,10\nh.mrc,10\n"
        let found = try TomogramManifest(path: "t.csv").read(text)
        #expect(found.candidates.map { URL(fileURLWithPath: $0.location.path).lastPathComponent } == ["a.mrc", "f.mrc"])
        #expect(found.refusals.map { $0.prefix { $0 != ":" } } == [3, 4, 5, 6, 7, 9].map { "t.csv, line \($0)" })
        for wrong in ["", "name,dataset\n", "path,path\n", "path,\nx,y\n", "path;name\n"] {
            let error = #expect(throws: CatalogError.self) { try TomogramManifest(path: "t.csv").read(wrong) }
            #expect(error?.message.hasPrefix("t.csv, line 1: ") == true)
        }
    }

    @Test("a folder's name gives the voxel size, and an array within a store does not have it")
    func folders() {
        #expect(VoxelSpacingFolder.voxelSize(above: "/a/VoxelSpacing13.480/Tomograms/100/r.zarr")?.xInAngstroms == 13.48)
        #expect(VoxelSpacingFolder.voxelSize(above: "/a/VoxelSpacing7.84/VoxelSpacing10/wbp.zarr")?.xInAngstroms == 10)
        for path in [
            "/a/b.mrc", "/a/VoxelSpacing/b.mrc", "/a/VoxelSpacing-3/b.mrc", "/VoxelSpacing10.000", "/a/voxelspacing10/b.mrc",
        ] {
            #expect(VoxelSpacingFolder.voxelSize(above: path) == nil, "\(path)")
        }
        #expect(TomogramCandidate("/a/VoxelSpacing10.000/x.zarr:/1").folderVoxelSize == nil)
        #expect(VoxelSpacingFolder.text(13.48) == "13.480")
    }
}
