/// The files of the page. A stub until they are there.
enum Pages {
    static func file(_ path: String) -> (bytes: [UInt8], contentType: String)? {
        path == "index.html" ? (Array("<!doctype html><title>Cellar</title>\n".utf8), "text/html; charset=utf-8") : nil
    }
}
