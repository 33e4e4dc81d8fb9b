extension SimulationCanvas {
    /// Draws bilayers, labels them, and marks what is inside of them as their compartments.
    ///
    /// - Parameter membranes: each after those that hold it.
    mutating func draw(_ membranes: [any Membrane], _ bilayer: Bilayer) {
        drawInBands { band in
            for membrane in membranes { band.draw(membrane, bilayer) }
        }
    }

    /// Marks what lies outside of the lamella as vacuum, and takes the labels there away.
    mutating func markVacuum(around lamella: LamellaSurfaces) {
        drawInBands { band in
            for z in band.slices {
                for y in 0..<band.grid.y {
                    let row = band.row(z, y)
                    for x in 0..<band.grid.x where lamella.coverage(x: x, y: y, z: z) < 0.5 {
                        band.labels[row + x] = SimulationClass.background.rawValue
                        band.compartments[row + x] = Compartment.vacuum.rawValue
                    }
                }
            }
        }
    }

    /// Gives what lies outside of the lamella the density of vacuum; surfaces are as sharp as a voxel allows.
    mutating func emptyVacuum(around lamella: LamellaSurfaces) {
        drawInBands { band in
            for z in band.slices {
                for y in 0..<band.grid.y {
                    let row = band.densityRow(z, y)
                    for x in 0..<band.grid.x {
                        let inside = lamella.coverage(x: x, y: y, z: z)
                        guard inside < 1 else { continue }
                        band.density[row + x] = inside * band.density[row + x] + (1 - inside) * Float(Density.vacuum)
                    }
                }
            }
        }
    }
}

extension SimulationCanvas.Band {
    private static let block = 4

    /// Visits blocks of 4³ voxels; only in those that a bilayer may touch it looks at each voxel.
    fileprivate func draw(_ membrane: some Membrane, _ bilayer: Bilayer) {
        let region = membrane.region.expanded(by: bilayer.reach)
        let lower = grid.index(of: region.lower)
        let upper = grid.index(of: region.upper)
        guard let xs = SimulationGrid.indices(lower.x, upper.x, in: 0..<grid.x),
            let ys = SimulationGrid.indices(lower.y, upper.y, in: 0..<grid.y),
            let zs = SimulationGrid.indices(lower.z, upper.z, in: slices)
        else { return }
        // Distances are exact to first order only: one and a half times half of a block's diagonal.
        let blockReach = 1.5 * 0.5 * 3.0.squareRoot() * Double(Self.block) * grid.voxelSize + bilayer.reach
        let halfBlock = 0.5 * Double(Self.block - 1) * grid.voxelSize
        for z in stride(from: zs.lowerBound, to: zs.upperBound, by: Self.block) {
            for y in stride(from: ys.lowerBound, to: ys.upperBound, by: Self.block) {
                for x in stride(from: xs.lowerBound, to: xs.upperBound, by: Self.block) {
                    let middle = membrane.sample(at: grid.position(x: x, y: y, z: z) + halfBlock)
                    let block = (
                        z..<min(z + Self.block, zs.upperBound), y..<min(y + Self.block, ys.upperBound),
                        x..<min(x + Self.block, xs.upperBound)
                    )
                    if middle.bilayerDistance <= blockReach {
                        drawBilayer(of: membrane, bilayer, z: block.0, y: block.1, x: block.2)
                    } else if let compartment = middle.compartment {
                        fill(compartment, z: block.0, y: block.1, x: block.2)
                    }
                }
            }
        }
    }

    private func drawBilayer(
        of membrane: some Membrane, _ bilayer: Bilayer, z: Range<Int>, y: Range<Int>, x: Range<Int>
    ) {
        for z in z {
            for y in y {
                for x in x {
                    let sample = membrane.sample(at: grid.position(x: x, y: y, z: z))
                    let index = row(z, y) + x
                    if let compartment = sample.compartment { compartments[index] = compartment.rawValue }
                    guard sample.bilayerDistance < bilayer.reach else { continue }
                    density[densityRow(z, y) + x] += Float(bilayer.density(at: sample.bilayerDistance))
                    if sample.bilayerDistance <= bilayer.thickness / 2 {
                        labels[index] = SimulationClass.membrane.rawValue
                    }
                }
            }
        }
    }

    private func fill(_ compartment: Compartment, z: Range<Int>, y: Range<Int>, x: Range<Int>) {
        for z in z {
            for y in y {
                for x in x { compartments[row(z, y) + x] = compartment.rawValue }
            }
        }
    }
}
