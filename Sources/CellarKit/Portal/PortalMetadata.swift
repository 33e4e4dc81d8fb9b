import Catalog
import Foundation
import Volumes

/// The document beside a tomogram of the CryoET Data Portal (`tomogram_metadata.json`).
struct PortalTomogramMetadata: Decodable, Sendable {
    /// In Å; nil where there is none that is plausible.
    let voxelSize: VoxelSize?
    /// `WBP`, `SIRT`, …
    let reconstruction: String?
    /// `raw`, `filtered`, `denoised`.
    let processing: String?

    private enum CodingKeys: String, CodingKey {
        case processing
        case voxelSpacing = "voxel_spacing"
        case reconstruction = "reconstruction_method"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // The documents of several years differ: what is not as expected says nothing.
        func value<Value: Decodable>(_ type: Value.Type, _ key: CodingKeys) -> Value? { try? container.decode(type, forKey: key) }
        voxelSize = value(Double.self, .voxelSpacing).flatMap { VoxelSize(cubicInAngstroms: $0) }
        reconstruction = value(String.self, .reconstruction)
        processing = value(String.self, .processing)
    }
}

/// The document of an annotation of the CryoET Data Portal (`{name}-{version}.json`).
struct PortalAnnotationMetadata: Decodable, Sendable {
    /// What is annotated: `cytosolic ribosome`.
    let objectName: String
    /// The primary authors, or the first one where none is said to be; nil where there is no author.
    let author: String?

    private enum CodingKeys: String, CodingKey {
        case authors
        case object = "annotation_object"
    }

    private struct Object: Decodable { let name: String }

    private struct Author: Decodable {
        let name: String
        let isPrimary: Bool?

        enum CodingKeys: String, CodingKey {
            case name
            case isPrimary = "primary_author_status"
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        objectName = try container.decode(Object.self, forKey: .object).name
        let authors = ((try? container.decode([Author].self, forKey: .authors)) ?? []).filter { !$0.name.isEmpty }
        let primary = authors.filter { $0.isPrimary == true }
        let names = (primary.isEmpty ? Array(authors.prefix(1)) : primary).map(\.name)
        author = names.isEmpty ? nil : names.joined(separator: "; ")
    }
}
