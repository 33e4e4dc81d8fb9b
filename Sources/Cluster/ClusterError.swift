public import Basics

/// The kinds of ``ClusterError``.
public enum ClusterErrorCode: String, ErrorCode {
    /// A client program of the scheduler is not on this machine.
    case noProgram
    /// The scheduler does not answer now; it may later.
    case unavailable
    /// The scheduler takes no more jobs of this user now.
    case queueFull
    /// The scheduler refuses the job: a partition that does not exist, more memory than any node has, …
    case refused
    /// The scheduler said what is not understood.
    case notUnderstood
    /// The file of profiles cannot be read, has a typo, or lacks what is asked for.
    case profiles
    /// A file of the check cannot be read or written.
    case check
    /// A run that was submitted as a job goes on already, or its record cannot be read or written.
    case detached
}

/// Why a cluster could not do what was asked: one sentence that says what, where, and what to do.
public typealias ClusterError = CodedError<ClusterErrorCode>
