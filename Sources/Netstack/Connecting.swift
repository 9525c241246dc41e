public import NetPrimitives
import TCPStateMachine
import WireFormats

extension NetworkStack {
    /// OPEN, active (RFC 9293, 3.10.1): the SYN goes out with the next ``transmit(into:at:)``.
    /// - Parameters:
    ///   - remote: a unicast address and a port other than 0.
    ///   - from: our address and port; `nil`, the address `any` and the port 0 leave the choice to the stack (RFC
    /// 6056).
    /// - Returns: a handle. ``StackEvent/established(_:)`` or ``StackEvent/closed(_:)`` tells how it went.
    public mutating func connect(to remote: Endpoint, from local: Endpoint? = nil, at now: Instant) throws(StackError)
        -> ConnectionID
    {
        guard remote.port != 0, remote.address.isUnicast, !interfaces.isBroadcast(remote.address) else {
            throw .addressNotUsable
        }
        guard let interface = interfaces.route(to: remote.address) else { throw .noRoute }
        let source = try sourceAddress(local, to: remote, by: interface)
        var tuple = FourTuple(
            local: source, localPort: local?.port ?? 0, remote: remote.address, remotePort: remote.port,
            interface: interface)
        if tuple.localPort == 0 {
            guard let port = chooseEphemeralPort(tuple) else { throw .noPorts }
            tuple.localPort = port
        } else if flows.find(tuple) != nil {
            throw .addressInUse
        }
        // RFC 9293, 3.4.3: the SYN is delayed, and so is all that counts from it.
        let start = quiet.isOn(at: now) ? quiet.end ?? now : now
        let iss = initialSequence(for: tuple, at: start)
        let prefix = flows.prefixPlace(of: tuple)
        guard maySettle(prefix) else { throw .outOfMemory }
        guard
            let tcb = Connection(
                opening: iss, path: pathFacts(for: tuple, by: interface), memory: &memory,
                configuration: configuration.tcp, at: start)
        else {
            noteMemoryRefusal(at: now)
            throw .outOfMemory
        }
        let slot = insertConnection(
            tcb, key: flows.makeKey(tuple), prefix: prefix, tuple: tuple, interface: interface)
        flows.connections[slot].flags.insert(.held)
        let attempt = ConnectionAttempt(tuple: tuple, isActive: true, iss: iss, irs: SequenceNumber(0), at: now)
        flows.connections[slot].attempt = attempts.insert(AttemptEntry(attempt: attempt, link: .none))
        counters.activeOpens &+= 1
        update(slot, at: now)
        return ConnectionID(slot: slot, generation: flows.connections[slot].generation)
    }

    private func sourceAddress(_ local: Endpoint?, to remote: Endpoint, by interface: InterfaceID) throws(StackError)
        -> IPAddress
    {
        if let local, !local.address.isAny {
            guard local.address.isIPv6 == remote.address.isIPv6 else { throw .addressNotUsable }
            guard interfaces.isLocal(local.address) else { throw .addressNotAvailable }
            return local.address
        }
        guard let source = interfaces.source(for: remote.address, by: interface) else { throw .addressNotAvailable }
        return source
    }
}
