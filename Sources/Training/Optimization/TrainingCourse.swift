/// The epochs of a training so far, and which of them was the best.
struct TrainingCourse: Hashable, Sendable, Codable {
    private(set) var epochs: [Trainer.Epoch] = []
    /// The number of the epoch with the least loss on what is held out; the last one where nothing is; 0 for none yet.
    private(set) var best = 0

    mutating func add(_ epoch: Trainer.Epoch) {
        epochs.append(epoch)
        let least = best > 0 ? epochs[best - 1].validationLoss : nil
        guard let loss = epoch.validationLoss, let least, loss >= least else {
            best = epoch.number
            return
        }
    }
}
