package import CellarKit
import Foundation

/// Answers requests: checks who asks, finds the resource, and turns what went wrong into a sentence.
///
/// It knows no sockets: a server gives it requests, and so do tests. ``respond(to:)`` never throws and never traps, whatever it is
/// given.
package final class ViewerService: Sendable {
    package let access: ViewerAccess
    let api: ViewerAPI

    /// - Parameter version: of the program.
    /// - Throws: ``CatalogError`` where the catalog cannot be opened once more.
    package init(_ project: Project, access: ViewerAccess, isReadOnly: Bool, version: String) throws {
        self.access = access
        api = try ViewerAPI(project, isReadOnly: isReadOnly, version: version)
    }

    private static let policy =
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    /// Answers a request. May be called from any thread, and returns when the answer is there.
    package func respond(to request: ViewerRequest) -> ViewerResponse {
        var response: ViewerResponse
        var isShared = false
        do {
            let place = try request.place()
            isShared = Self.isShared(place.path)
            response = try answer(request, place, isShared: isShared)
        } catch {
            response = .error(error.sentence, status: ViewerError.status(of: error))
            if response.status == 405 { response.headers.append(("Allow", "GET, HEAD, POST, DELETE, OPTIONS")) }
        }
        return Self.completed(response, isShared: isShared)
    }

    /// The answer to what is no request, or comes when there is no room for it.
    func refusal(_ error: ViewerError) -> ViewerResponse {
        Self.completed(.error(error.sentence, status: ViewerError.status(of: error)), isShared: false)
    }

    /// Adds the headers that every response has.
    private static func completed(_ response: ViewerResponse, isShared: Bool) -> ViewerResponse {
        var response = response
        response.headers += [
            ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", isShared ? "cross-origin" : "same-origin"),
        ]
        if response.header("Cache-Control") == nil { response.headers.append(("Cache-Control", "no-store")) }
        if isShared {
            response.headers += [
                ("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "Content-Length"),
            ]
        }
        return response
    }

    /// Which requests may take long: they have threads of their own, so that slices never wait for a query.
    static func isSlow(_ request: ViewerRequest) -> Bool {
        let path = request.target.prefix { $0 != "?" }
        return ["query", "plot", "plan", "mesh", "why", "similar"].contains { path.hasSuffix("/\($0)") }
    }

    /// Whether a path is of OME-Zarr, which pages of other sites may read where they have the token.
    private static func isShared(_ path: [String]) -> Bool {
        path.first == "zarr" || path.count > 2 && path[0] == "t" && path[2] == "zarr"
    }

    private func answer(_ request: ViewerRequest, _ place: ViewerRequest.Place, isShared: Bool) throws -> ViewerResponse {
        guard ["GET", "HEAD", "POST", "DELETE", "OPTIONS"].contains(request.method) else {
            throw ViewerError(
                .method, "the method \(request.method.prefix(20)) is not known here; send GET, HEAD, POST or DELETE")
        }
        try access.check(request, allowsOtherSites: isShared && ["GET", "HEAD", "OPTIONS"].contains(request.method))
        if request.method == "OPTIONS" { return preflight(isShared: isShared) }
        var path = place.path
        var hasToken = access.isAuthorized(request)
        if path.count > 1, path[0] == "t" {
            hasToken = access.isShareToken(path[1])
            path.removeFirst(2)
            guard path.first == "zarr" || !hasToken else {
                throw ViewerError(.notFound, "under /t/TOKEN there is only /zarr; ask for /t/TOKEN/zarr and below")
            }
        }
        if path.isEmpty, let token = place.parameters["token"], access.isToken(token) {
            return ViewerResponse(
                status: 303, contentType: "text/plain; charset=utf-8",
                headers: [("Location", "/"), ("Set-Cookie", access.cookie)])
        }
        guard hasToken else {
            let sentence = "open the address with a token that `cellar serve` printed"
            guard path.isEmpty else { throw ViewerError(.unauthorized, "there is no token, or a wrong one: \(sentence)") }
            return ViewerResponse(
                status: 401, contentType: "text/plain; charset=utf-8",
                body: Array("To see this collection, \(sentence).\n".utf8))
        }
        if request.method == "POST" || request.method == "DELETE" { try checkWriting(request) }
        return try ViewerRoutes(api: api, access: access).answer(request, path, RequestParameters(values: place.parameters))
    }

    private func preflight(isShared: Bool) -> ViewerResponse {
        var response = ViewerResponse(status: 204, contentType: "text/plain; charset=utf-8")
        if isShared {
            response.headers = [
                ("Access-Control-Allow-Methods", "GET, HEAD"), ("Access-Control-Allow-Headers", "Authorization, Range"),
                ("Access-Control-Allow-Private-Network", "true"), ("Access-Control-Max-Age", "600"),
            ]
        }
        return response
    }

    /// A form of another site can send text, but neither JSON nor DELETE.
    private func checkWriting(_ request: ViewerRequest) throws {
        try api.checkWritable()
        guard request.method == "POST" else { return }
        let type = request.headers["content-type"]?.lowercased().prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
        guard type == "application/json" else {
            throw ViewerError(
                .mediaType, "what was sent is not said to be JSON; send JSON with the header Content-Type: application/json")
        }
    }
}
