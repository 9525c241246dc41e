import NetPrimitives
import Netstack
import TCPStateMachine

/// What the applications do.
extension ListenerTarget {
    mutating func accept() {
        for door in here.doors {
            guard let listener = door.id, let id = try? here.stack.accept(listener) else { continue }
            return here.held.append(id)
        }
    }

    mutating func application() {
        guard !here.held.isEmpty else { return }
        let place = input.below(here.held.count)
        let id = here.held[place]
        switch input.below(5) {
        case 0: _ = try? here.stack.write(id, [UInt8](repeating: 1, count: Int(input.byte()) * 16).span)
        case 1:
            var buffer = [UInt8](repeating: 0, count: 256)
            var target = buffer.mutableSpan
            _ = try? here.stack.read(id, into: &target)
        case 2: try? here.stack.shutdown(id, at: now)
        case 3:
            try? here.stack.close(id, at: now)
            here.held.remove(at: place)
        default:
            try? here.stack.abort(id, at: now)
            here.held.remove(at: place)
        }
    }

    /// Answers one of the requests that there are.
    mutating func decide() {
        guard !here.asked.isEmpty else { return }
        let place = input.below(here.asked.count)
        let decision = RequestDecision.drawn(input.byte())
        let asked = here.asked[place]
        // It may be over, which has not been told yet.
        guard (try? here.stack.decide(asked.id, decision, at: now)) != nil else { return }
        check((try? here.stack.request(asked.id)) == nil, "a decision is final")
        here.asked.remove(at: place)
        if decision != .ignore, let peer = asked.peer { here.decided.insert(peer) }
    }

    /// New keys for one machine, of a few that there are.
    mutating func changeKeys() {
        let byte = input.byte()
        here.current = SipKey(UInt64(byte & 3), 1)
        here.previous = byte & 4 == 0 ? nil : SipKey(UInt64(byte >> 3 & 3), 1)
        here.stack.setCookieKeys(current: here.current, previous: here.previous)
    }

    mutating func changeCodec() {
        let byte = input.byte()
        let family = Int(byte >> 7)
        guard let listener = here.doors[family].id else { return }
        here.doors[family].codec = byte & 1 == 0 ? .classic : .fleet
        try? here.stack.setCookieCodec(here.doors[family].codec, of: listener)
    }

    mutating func changeBacklog() {
        let byte = input.byte()
        let (family, backlog) = (Int(byte >> 7), Int(byte & 7))
        guard let listener = here.doors[family].id else { return }
        here.doors[family].largestBacklog = max(here.doors[family].largestBacklog, backlog)
        try? here.stack.setBacklog(backlog, of: listener)
    }
}
