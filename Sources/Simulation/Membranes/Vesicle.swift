/// One closed bilayer about a lumen: a vesicle, a vacuole, an endosome.
struct Vesicle: Membrane {
    let surface: ClosedSurface

    var region: Region { surface.region }
    var surfacePoints: [Point] { surface.points(spacing: min(200, surface.radius / 2)) }

    func signedDistance(at point: Point) -> Double { surface.signedDistance(at: point) }

    func sample(at point: Point) -> MembraneSample {
        let distance = surface.signedDistance(at: point)
        return MembraneSample(bilayerDistance: abs(distance), compartment: distance < 0 ? .lumen : nil)
    }
}
