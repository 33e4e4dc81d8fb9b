import Testing

@testable import Pipeline

@Suite("Particles that several witnesses agree on") struct ParticleAgreementTests {
    private func row(_ x: Double, _ y: Double = 0, radius: Double = 100, confidence: Double = 1, code: Double = 0)
        -> ParticleTable.Row
    {
        ParticleTable.Row(
            centreInAngstroms: SIMD3(x, y, 0), radiusInAngstroms: radius, confidence: confidence, code: code)
    }

    @Test("one witness is believed, as it is")
    func one() {
        let rows = [row(500, code: 1), row(0), row(20, confidence: 0.3)]
        let agreed = ParticleAgreement([rows], within: 0.5)
        #expect(agreed.particles == rows && agreed.numbers == [[0, 1, 2, 3]])
        #expect(ParticleAgreement([[]], within: 0.5).particles.isEmpty)
        #expect(ParticleAgreement([], within: 0.5).particles.isEmpty)
    }

    @Test("two that are near are one particle, at their mean; one alone is none")
    func two() throws {
        let agreed = ParticleAgreement(
            [[row(0, confidence: 0.8), row(1000)], [row(3000), row(60, radius: 80, confidence: 0.4)]], within: 0.5)
        let particle = try #require(agreed.particles.first)
        #expect(agreed.particles.count == 1 && particle.centreInAngstroms.x == 30 && particle.radiusInAngstroms == 100)
        #expect(abs(particle.confidence - 0.6) < 1e-12)
        #expect(agreed.numbers == [[0, 1, ParticleAgreement.alone], [0, ParticleAgreement.alone, 1]])
        // The smaller diameter counts: 160 Å, of which half is 80.
        #expect(ParticleAgreement([[row(0)], [row(79, radius: 80)]], within: 0.5).particles.count == 1)
        #expect(ParticleAgreement([[row(0)], [row(81, radius: 80)]], within: 0.5).particles.isEmpty)
    }

    @Test("nearest ones are joined first, and a witness has one of a group at most")
    func nearest() {
        let agreed = ParticleAgreement([[row(0), row(90)], [row(50)], [row(40), row(95)]], within: 0.5)
        // 90 and 95 are the nearest pair, then 50 and 40, which 0 joins.
        #expect(agreed.numbers == [[0, 1, 2], [0, 1], [0, 1, 2]])
        #expect(abs(agreed.particles[0].centreInAngstroms.x - 30) < 1e-9 && agreed.particles[0].confidence == 1)
        #expect(abs(agreed.particles[1].confidence - 2.0 / 3) < 1e-12)
        // The same in another order of witnesses.
        let turned = ParticleAgreement([[row(40), row(95)], [row(50)], [row(0), row(90)]], within: 0.5)
        #expect(Set(turned.particles.map(\.centreInAngstroms.x)) == Set(agreed.particles.map(\.centreInAngstroms.x)))
    }
}
