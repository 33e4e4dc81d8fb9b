import TestSupport
import Testing
import Volumes

@testable import Rendering

@Suite("Slice rendering")
struct SliceRenderingTests {
    private func slice(height: Int, width: Int, _ value: (Int, Int) -> Float) throws -> VoxelBuffer {
        let shape = try #require(VolumeShape(z: 1, y: height, x: width))
        let values = (0..<height * width).map { value($0 / width, $0 % width) }
        return try #require(VoxelBuffer(shape: shape, values: values))
    }

    private let caption = SliceCaption(name: "TS_0008", z: 120, voxelSize: VoxelSize(cubicInAngstroms: 13.48))

    @Test("a small slice is enlarged by a whole factor, its pixels unchanged")
    func enlarges() throws {
        let slice = try slice(height: 64, width: 64) { y, x in Float(y + x) }
        var rendering = SliceRendering()
        rendering.contrast = .range(low: 0, high: 255)
        let picture = try rendering(slice, caption: SliceCaption(name: "a"))
        #expect(picture.width == 512 && picture.height > 512)
        for y in stride(from: 0, to: 512, by: 7) {
            for x in stride(from: 0, to: 512, by: 5) {
                let grey = UInt8(y / 8 + x / 8)
                #expect(picture[y: y, x: x] == Color(red: grey, green: grey, blue: grey))
            }
        }
    }

    @Test("a large slice is reduced only where a maximum is given, to the means of squares")
    func reduces() throws {
        let slice = try slice(height: 600, width: 900) { _, x in x.isMultiple(of: 2) ? 10 : 20 }
        var rendering = SliceRendering()
        rendering.contrast = .range(low: 0, high: 255)
        #expect(try rendering(slice, caption: caption).width == 900)
        rendering.maximumSide = 450
        let picture = try rendering(slice, caption: SliceCaption(name: "a"))
        #expect(picture.width == 450)
        #expect(picture[y: 5, x: 5] == Color(red: 15, green: 15, blue: 15))
    }

    @Test("the change of size keeps the longer side within its bounds", arguments: 1...300)
    func scaling(side: Int) {
        let scaling = PixelScaling(height: side, width: 1, minimum: 50, maximum: 120)
        let length = scaling.length(of: side)
        #expect(length <= 120 && length >= 50)
        #expect(PixelScaling(height: side, width: 1, minimum: 50, maximum: nil).length(of: side) >= max(50, side))
    }

    @Test("a membrane of one pixel survives the reduction of labels")
    func thinLabels() {
        let labels = (0..<64).map { UInt32($0 % 8 == 3 ? 5 : 0) }
        let reduced = PixelScaling.reduce(4).apply(to: labels, height: 8, width: 8, summary: PixelScaling.label)
        #expect(reduced == [5, 0, 5, 0])
        #expect(PixelScaling.label([2, 2, 1, 1, 0, 0, 0]) == 1)
        #expect(PixelScaling.label([0, 3, 7, 7]) == 7)
        #expect(PixelScaling.label([0]) == 0)
    }

    @Test("labels are drawn where they are")
    func labels() throws {
        let slice = try slice(height: 512, width: 512) { _, _ in 3 }
        let labels = try #require(LabelImage(height: 512, width: 512, labels: (0..<512 * 512).map { $0 % 512 < 100 ? 1 : 0 }))
        let picture = try SliceRendering()(slice, labels: labels, caption: SliceCaption(name: "a"))
        let grey = Color(red: 128, green: 128, blue: 128)
        #expect(picture[y: 10, x: 100] == grey)
        #expect(picture[y: 10, x: 99] == grey.mixed(with: Color(red: 0xE6, green: 0x9F, blue: 0x00), fraction: 0.45))
    }

    @Test("a line is bright with a dark edge, and where it is")
    func line() throws {
        let slice = try slice(height: 512, width: 512) { _, _ in 3 }
        let line = SliceLine(from: SIMD2(100, -0.5), to: SIMD2(100, 511.5), color: .white)
        let picture = try SliceRendering()(slice, lines: [line], caption: SliceCaption(name: "a"))
        let grey = Color(red: 128, green: 128, blue: 128)
        for y in [10, 200, 500] {
            #expect(try #require(picture[y: y, x: 100]).red > 200)
            #expect(try #require(picture[y: y, x: 99]).red < 100)
            #expect(picture[y: y, x: 97] == grey && picture[y: y, x: 104] == grey)
        }
    }

    @Test("labels come from a segmentation of any type; what is no label is background")
    func labelVoxels() throws {
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 4))
        let bytes = try #require(VoxelBuffer(shape: shape, values: [0, 1, 7, 255] as [UInt8]))
        #expect(LabelImage(bytes)?.labels == [0, 1, 7, 255])
        let floats = try #require(VoxelBuffer(shape: shape, values: [-1, .nan, .infinity, 2.5] as [Float]))
        #expect(LabelImage(floats)?.labels == [0, 0, 1 << 31, 2])
        let slabShape = try #require(VolumeShape(z: 4, y: 1, x: 1))
        let slab = try #require(VoxelBuffer(shape: slabShape, values: [1, 2, 3, 4] as [UInt8]))
        #expect(LabelImage(slab) == nil)
    }

    @Test("labels of another size, several slices, and contrast out of order are refused")
    func refusals() throws {
        let slice = try slice(height: 4, width: 4) { _, x in Float(x) }
        let labels = try #require(LabelImage(height: 4, width: 5, labels: Array(repeating: 0, count: 20)))
        #expect(throws: RenderingError.self) { try SliceRendering()(slice, labels: labels, caption: caption) }
        let shape = try #require(VolumeShape(z: 2, y: 1, x: 1))
        let slab = try #require(VoxelBuffer(shape: shape, values: [0, 0] as [UInt8]))
        #expect(throws: RenderingError.self) { try SliceRendering()(slab, caption: caption) }
        for contrast in [
            SliceContrast.range(low: 1, high: 1), .range(low: .nan, high: 1),
            .percentiles(low: 50, high: 50), .percentiles(low: -1, high: 99),
            .percentiles(low: 1, high: 101), .percentiles(low: .nan, high: 1),
        ] {
            var rendering = SliceRendering()
            rendering.contrast = contrast
            #expect(throws: RenderingError.self) { try rendering(slice, caption: caption) }
        }
        for (minimum, maximum) in [(0, nil), (Int.max, nil), (512, 0), (512, -1)] as [(Int, Int?)] {
            var rendering = SliceRendering()
            rendering.minimumSide = minimum
            rendering.maximumSide = maximum
            #expect(throws: RenderingError.self) { try rendering(slice, caption: caption) }
        }
    }

    @Test("slices of one pixel, of NaN, and of odd proportions are drawn, with their caption wide enough to read")
    func oddSlices() throws {
        for (height, width) in [(1, 1), (1, 700), (700, 1), (3, 300)] {
            for value in [Float.nan, 0, .infinity] {
                let picture = try SliceRendering()(slice(height: height, width: width) { _, _ in value }, caption: caption)
                #expect(picture.width >= 256)
            }
        }
    }

    @Test("the caption names tomogram, slice and voxel size, rounded as people write them")
    func captions() {
        #expect(caption.details == "z 120 · 13.48 Å")
        let header = VoxelSize(cubicInAngstroms: Double(Float(13.48)))
        #expect(SliceCaption(name: "a", voxelSize: header).details == "13.48 Å")
        let cuboid = VoxelSize(xInAngstroms: 10, yInAngstroms: 10, zInAngstroms: 20.5)
        #expect(SliceCaption(name: "a", z: 0, voxelSize: cuboid).details == "z 0 · 10 × 10 × 20.5 Å")
        #expect(SliceCaption(name: "a").details == "")
    }

    @Test("a ball cuts a slice in a circle, and slices beyond it not at all")
    func sections() throws {
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 10))
        func section(_ z: Int) -> SliceCircle? {
            SliceCircle(ballAt: SIMD3(200, 160, 20), radius: 50, inSlice: z, voxelSize: voxelSize, label: 2)
        }
        #expect(try #require(section(2)).radius == 5)
        let circle = try #require(section(6))
        #expect((circle.x, circle.y, circle.label) == (20, 16, 2) && abs(circle.radius - 3) < 1e-12)
        #expect(section(7) == nil && section(-3) == nil)
    }

    @Test("circles lie around their voxel, in the colour of their label")
    func circles() throws {
        let slice = try slice(height: 64, width: 64) { _, _ in 1 }
        let circles = [
            SliceCircle(x: 20, y: 30, radius: 10, label: 2), SliceCircle(x: -50, y: 900, radius: 4, label: 1),
            SliceCircle(x: 30, y: 30, radius: 4, label: 0),
        ]
        let picture = try SliceRendering()(slice, circles: circles, caption: caption)
        let color = LabelPalette.standard.color(of: 2)
        // The middle of voxel 20 at eight pixels each.
        #expect(picture[y: 244, x: 244] == color && picture[y: 244, x: 84] == color)
        #expect(picture[y: 164, x: 164] == color && picture[y: 324, x: 164] == color)
        #expect(picture[y: 244, x: 164] == Color(red: 128, green: 128, blue: 128))
    }

    @Test("a legend adds lines to the caption, with a square of each colour")
    func legend() throws {
        let slice = try slice(height: 64, width: 64) { _, _ in 1 }
        let plain = try SliceRendering()(slice, caption: caption)
        func picture(_ names: [String]) throws -> RGBImage {
            let legend = names.enumerated().map { LegendEntry(name: $1, color: Color(red: 9, green: 9, blue: UInt8($0))) }
            return try SliceRendering()(slice, caption: SliceCaption(name: "TS_0008", z: 120, legend: legend))
        }
        let short = try picture(["membrane", "ribosome"])
        #expect(short.height > plain.height && short.width == plain.width)
        #expect(try picture((0..<30).map { "class \($0)" }).height > short.height)
        #expect(try picture([String(repeating: "long ", count: 200)]).width == plain.width)
        let colors = Set((plain.height - 1..<short.height).flatMap { y in (0..<short.width).map { short[y: y, x: $0] } })
        #expect(colors.isSuperset(of: [Color(red: 9, green: 9, blue: 0), Color(red: 9, green: 9, blue: 1)]))
    }
}
