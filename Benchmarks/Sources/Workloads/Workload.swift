public import Netstack

/// Something that a stack does over and over.
public protocol Workload: ~Copyable {
    /// What comes before a step and is no part of it: it is not timed.
    mutating func prepare() throws(StackError)

    /// Does a batch of the work.
    /// - Returns: how much was done, in the workload's unit.
    mutating func step() throws(StackError) -> Int
}

extension Workload where Self: ~Copyable {
    public mutating func prepare() {}
}
