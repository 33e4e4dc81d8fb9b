import Basics
import CellarKit
import Figures
import Foundation

/// Which function of ``ViewerAPI`` answers which path, and with which parameters.
struct ViewerRoutes {
    let api: ViewerAPI
    let access: ViewerAccess

    /// - Parameters:
    ///   - path: the decoded parts. None of them ever names a file of the disk: what is read is found by ids and names of the
    ///     catalog.
    /// - Throws: ``ViewerError`` where there is no such path, or the errors of the function.
    func answer(_ request: ViewerRequest, _ path: [String], _ parameters: RequestParameters) throws -> ViewerResponse {
        switch path.first {
        case "zarr":
            try allow("GET", request)
            guard let file = try api.zarr.file(Array(path.dropFirst())) else {
                throw ViewerError(
                    .notFound,
                    "there is no such file in the OME-Zarr of this catalog; ask for /zarr/DATASET/TOMOGRAM.zarr and below")
            }
            return ViewerResponse(contentType: file.contentType, headers: [("Cache-Control", "no-cache")], body: file.bytes)
        case "api":
            guard path.count > 2, path[1] == "v1" else { break }
            return try resource(request, Array(path.dropFirst(2)), parameters)
        default:
            try allow("GET", request)
            let name = "/" + path.joined(separator: "/")
            guard let file = Pages.file(name) else { break }
            var response = ViewerResponse(
                contentType: file.contentType, headers: [("Cache-Control", "no-cache")], body: file.bytes)
            let codings = (request.headers["accept-encoding"] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
            if codings.contains("deflate"), let deflated = Pages.deflated(name == "/index.html" ? "/" : name) {
                response.headers += [("Content-Encoding", "deflate"), ("Vary", "Accept-Encoding")]
                response.body = .bytes(deflated)
            }
            return response
        }
        throw ViewerError(.notFound, "there is no page at this address; open the one that `cellar serve` printed")
    }

    private func allow(_ method: String, _ request: ViewerRequest) throws(ViewerError) {
        guard request.method == method || method == "GET" && request.method == "HEAD" else {
            throw ViewerError(.method, "this address does not take \(request.method.prefix(20)); send \(method)")
        }
    }

    // MARK: /api/v1

    private func resource(_ request: ViewerRequest, _ path: [String], _ parameters: RequestParameters) throws -> ViewerResponse {
        if path[0] == "slabs" || path[0] == "curation" { return try change(request, path) }
        try allow("GET", request)
        if path[0] == "tomograms", path.count > 1 { return try tomogram(path, parameters) }
        guard path.count == 1 else {
            throw ViewerError(.notFound, "/api/v1/\(path[0].prefix(40)) has no parts; ask for it alone")
        }
        switch path[0] {
        case "session": return try .json(api.session(shareToken: access.shareToken))
        case "columns": return try .json(api.columns())
        case "views": return try .json(api.views())
        case "tomograms": return try .json(api.tomograms(tomogramRequest(parameters)))
        case "histogram":
            return try .json(
                api.histogram(
                    of: parameters.requiredText("column"), where: parameters.text("where"),
                    bins: parameters.integer("bins", in: 1...500) ?? 30))
        case "plan": return try .json(api.plan())
        case "query": return try query(parameters)
        case "plot": return try plot(parameters)
        case "runs": return try .json(api.runs(limit: parameters.integer("limit", in: 0...ViewerAPI.pageLimit) ?? 50))
        case "failures": return try .json(api.failures())
        case "events": return .events
        default:
            throw ViewerError(
                .notFound,
                "there is no resource \(path[0].prefix(40)); /api/v1/ has session, columns, views, tomograms, histogram, plan, query, "
                    + "plot, runs, failures, events, slabs and curation")
        }
    }

    private func tomogramRequest(_ parameters: RequestParameters) throws -> ViewerAPI.TomogramRequest {
        var request = ViewerAPI.TomogramRequest()
        request.condition = parameters.text("where")
        request.sort = parameters.text("sort") ?? request.sort
        request.isDescending = try parameters.flag("descending")
        request.offset = try parameters.integer("offset") ?? 0
        request.limit = try parameters.integer("limit", in: 0...ViewerAPI.pageLimit) ?? request.limit
        if let columns = parameters.text("columns") {
            let names = columns.split(separator: ",").map(String.init)
            guard names.count <= 64 else { throw ViewerError(.invalid, "columns are more than 64; ask for fewer") }
            request.columns = names
        }
        return request
    }

    private func query(_ parameters: RequestParameters) throws -> ViewerResponse {
        guard let format = ViewerAPI.TextFormat(rawValue: parameters.text("format") ?? "json") else {
            throw ViewerError(.invalid, "there is no such format; give json or csv")
        }
        let limit = try parameters.integer("limit", in: 0...ViewerAPI.textRowLimit) ?? 1000
        let (text, truncated) = try api.query(parameters.requiredText("sql"), as: format, limit: limit)
        guard format == .csv else { return ViewerResponse(contentType: "application/json", body: text) }
        return ViewerResponse(
            contentType: "text/csv; charset=utf-8",
            headers: [
                ("Content-Disposition", "attachment; filename=\"query.csv\""), ("X-Cellar-Truncated", truncated ? "1" : "0"),
            ],
            body: text)
    }

    private func plot(_ parameters: RequestParameters) throws -> ViewerResponse {
        var request = ViewerAPI.PlotRequest(kind: try parameters.requiredText("kind"))
        request.column = parameters.text("column")
        request.metric = parameters.text("metric")
        request.x = parameters.text("x")
        request.y = parameters.text("y")
        request.grouping = parameters.text("by")
        request.condition = parameters.text("where")
        request.isLogarithmic = try parameters.flag("log")
        request.bins = try parameters.integer("bins", in: 1...1000) ?? request.bins
        request.trainingSet = parameters.text("training-set")
        return ViewerResponse(contentType: "image/svg+xml", body: Array(try api.plot(request).utf8))
    }

    // MARK: A tomogram

    private func tomogram(_ path: [String], _ parameters: RequestParameters) throws -> ViewerResponse {
        let id = try Self.id(path[1])
        let layer = path.count == 5 && path[2] == "layers" && path[4] == "slice" ? path[3] : nil
        if path.count == 2 { return try .json(api.tomogram(id)) }
        guard path.count == 3 || layer != nil else {
            throw ViewerError(.notFound, "a tomogram has no such part; ask for one part of it, or for layers/LAYER/slice")
        }
        if let layer {
            let (axis, index, level) = try Self.plane(parameters)
            return Self.slice(try api.images.slice(of: layer, tomogram: id, axis: axis, index: index, level: level))
        }
        switch path[2] {
        case "slice":
            let (axis, index, level) = try Self.plane(parameters)
            return Self.slice(try api.images.slice(of: id, axis: axis, index: index, level: level))
        case "thumbnail":
            return ViewerResponse(
                contentType: "image/png", headers: [("Cache-Control", "private, max-age=60")],
                body: try api.images.thumbnail(of: id))
        case "picture":
            let place = SIMD3(
                try parameters.requiredNumber("x"), try parameters.requiredNumber("y"), try parameters.requiredNumber("z"))
            return ViewerResponse(
                contentType: "image/png", headers: [("Cache-Control", "private, max-age=600")],
                body: try api.images.picture(
                    of: id, around: place, side: parameters.integer("side", in: ParticlePicture.sides) ?? 64))
        case "similar":
            return try .json(
                api.similar(
                    to: parameters.requiredInteger("number"), of: id, count: parameters.integer("count", in: 1...500) ?? 48,
                    where: parameters.text("where")))
        case "points":
            return try .json(["points": try api.images.points(of: parameters.requiredText("layer"), tomogram: id)])
        case "objects":
            return try .json(
                api.objects(
                    of: id, class: parameters.text("class"), sort: parameters.text("sort") ?? "number",
                    isDescending: parameters.flag("descending"), offset: parameters.integer("offset") ?? 0,
                    limit: parameters.integer("limit", in: 0...ViewerAPI.pageLimit) ?? 100))
        case "why": return try .json(api.why(id, step: parameters.text("step")))
        case "mesh":
            return ViewerResponse(
                contentType: "model/gltf-binary",
                body: try api.mesh(
                    of: id, class: parameters.text("class"), smoothing: parameters.number("smoothing", in: Project.smoothingRange)
                ))
        default:
            throw ViewerError(
                .notFound,
                "a tomogram has no part \(path[2].prefix(40)); it has slice, thumbnail, picture, points, objects, similar, why, mesh and layers/LAYER/slice"
            )
        }
    }

    private static func id(_ text: String) throws(ViewerError) -> Int64 {
        guard let id = Int64(text), id >= 0 else {
            throw ViewerError(.notFound, "\(text.prefix(40)) is no id; give a whole number, 0 or more")
        }
        return id
    }

    private static func plane(_ parameters: RequestParameters) throws(ViewerError) -> (axis: SliceAxis, index: Int, level: Int) {
        guard let axis = SliceAxis(rawValue: parameters.text("axis") ?? "z") else {
            throw ViewerError(.invalid, "there is no such axis; give x, y or z")
        }
        return (axis, try parameters.requiredInteger("index"), try parameters.integer("level", in: 0...8) ?? 0)
    }

    private static func slice(_ slice: SliceBytes) -> ViewerResponse {
        ViewerResponse(
            contentType: "application/octet-stream",
            headers: [
                ("X-Cellar-Width", "\(slice.width)"), ("X-Cellar-Height", "\(slice.height)"),
                ("X-Cellar-Range", "\(slice.range.lowerBound) \(slice.range.upperBound)"),
            ], body: slice.bytes)
    }

    // MARK: Changes

    private func change(_ request: ViewerRequest, _ path: [String]) throws -> ViewerResponse {
        switch (path[0], path.count) {
        case ("slabs", 1):
            try allow("POST", request)
            return try .json(api.add(Self.decoded(ViewerAPI.NewSlab.self, request)))
        case ("slabs", 2):
            try allow("DELETE", request)
            return try .json(api.removeSlab(Self.id(path[1])))
        case ("curation", 1):
            try allow("POST", request)
            return try .json(api.add(Self.decoded(ViewerAPI.NewVerdict.self, request)))
        case ("curation", 2) where path[1] == "accept":
            try allow("POST", request)
            return try .json(api.accept(Self.decoded(ViewerAPI.NewAcceptance.self, request)))
        case ("curation", 2):
            try allow("DELETE", request)
            return try .json(api.removeVerdict(Self.id(path[1])))
        default: throw ViewerError(.notFound, "\(path[0]) has no such part; ask for /api/v1/\(path[0]) or /api/v1/\(path[0])/ID")
        }
    }

    private static func decoded<Body: Decodable>(_ type: Body.Type, _ request: ViewerRequest) throws(ViewerError) -> Body {
        do {
            return try JSONDocument.decode(type, from: request.body)
        } catch {
            throw ViewerError(.invalid, "what was sent \(error.message); send a JSON object with the keys of this address")
        }
    }
}
