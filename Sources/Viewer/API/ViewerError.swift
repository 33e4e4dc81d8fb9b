package import Basics
import Catalog
import CellarKit
import Engine
import Volumes

/// The kinds of ``ViewerError``, each with its status of HTTP.
package enum ViewerErrorCode: String, ErrorCode {
    /// A parameter or a body that is not understood.
    case invalid
    /// No token, or a wrong one.
    case unauthorized
    /// Another site asks, or something would be written where that is not allowed.
    case forbidden
    /// There is no such page, file or thing.
    case notFound
    /// There is such a page, but it takes another method.
    case method
    /// The request is too large.
    case tooLarge
    /// A body of another type than JSON.
    case mediaType
    /// This version cannot do it.
    case notImplemented
    /// Too many requests at once.
    case busy
}

/// Why a request was not answered: one sentence that says what, where, and what to do.
package typealias ViewerError = CodedError<ViewerErrorCode>

extension ViewerError {
    /// The status of HTTP for any error: what the one who asks can mend is 4xx.
    static func status(of error: any Error) -> Int {
        switch error {
        case let error as ViewerError:
            switch error.code {
            case .invalid: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .notFound: 404
            case .method: 405
            case .tooLarge: 413
            case .mediaType: 415
            case .notImplemented: 501
            case .busy: 503
            }
        case let error as CatalogError:
            switch error.code {
            case .notFound, .noCatalog: 404
            case .invalid, .query, .queryTimedOut, .ambiguous: 400
            case .readOnly: 403
            case .alreadyExists, .locked: 409
            case .notACatalog, .blobsFolder, .storage: 500
            }
        case let error as EngineError:
            switch error.code {
            case .unknownStep: 400
            case .invalidRecipe, .recipeFile, .unknownModel: 409
            default: 500
            }
        case let error as VolumeError where error.code == .outOfBounds: 400
        default: 500
        }
    }
}
