"""Sends packets of garbage into a TUN device: garbage.py DEVICE IPV4 IPV6 PORT. The seed is fixed and printed."""

import random
import socket
import struct
import sys
import time

device, ipv4, ipv6, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
seed = 9293
dice = random.Random(seed)
to4, to6 = socket.inet_aton(ipv4), socket.inet_pton(socket.AF_INET6, ipv6)
from4, from6 = to4[:3] + b"\x01", to6[:15] + b"\x01"
links = {}
for kind in (0x0800, 0x86DD):
    links[kind] = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind))
    links[kind].bind((device, kind))


def total(data):
    data += b"\0" * (len(data) % 2)
    value = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return ~value & 0xFFFF


def segment(family, length):
    """A TCP segment to the port with random fields and options, and a checksum that is right."""
    offset = dice.choice((5, 5, 6, 8, 10, 15, 0, 4))
    head = struct.pack("!HHIIBBHHH", dice.randrange(1, 65536), port, dice.getrandbits(32), dice.getrandbits(32),
                       offset << 4, dice.choice((0x02, 0x10, 0x12, 0x14, 0x04, 0x18, 0x11, 0x00, 0xFF)),
                       dice.getrandbits(16), 0, dice.getrandbits(16))
    options = bytearray()
    while len(options) < max(0, offset - 5) * 4:
        options += dice.choice((b"\x01", b"\x00", b"\x02\x04\x00\x00", b"\x03\x03\xff", b"\x08\x0a" + dice.randbytes(8),
                                b"\x05" + dice.randbytes(3), b"\x04\x02", dice.randbytes(2), b"\x02\x00", b"\x03\x01"))
    whole = head + bytes(options[:max(0, offset - 5) * 4]) + dice.randbytes(length)
    pseudo = (from4 + to4 + struct.pack("!BBH", 0, 6, len(whole)) if family == 4
              else from6 + to6 + struct.pack("!II", len(whole), 6))
    return whole[:16] + struct.pack("!H", total(pseudo + whole)) + whole[18:]


def packet4(body, protocol=6, fragment=0, length=None):
    head = struct.pack("!BBHHHBBH", 0x45, 0, (20 + len(body) if length is None else length) & 0xFFFF,
                       dice.getrandbits(16), fragment, dice.choice((1, 64, 255)), protocol, 0) + from4 + to4
    return head[:10] + struct.pack("!H", total(head)) + head[12:] + body


def packet6(body, following=6, length=None):
    return struct.pack("!IHBB", 0x60000000, (len(body) if length is None else length) & 0xFFFF, following,
                       dice.choice((1, 64, 255))) + from6 + to6 + body


def one():
    """A packet and the kind that the link calls it."""
    length = dice.choice((0, 1, 7, 20, 100, 1400))
    sort = dice.randrange(10)
    if sort == 0:
        return 0x0800, dice.randbytes(dice.randrange(1, 1500))
    if sort == 1:
        return 0x86DD, dice.randbytes(dice.randrange(1, 1500))
    if sort == 2:
        return 0x0800, packet4(segment(4, length))
    if sort == 3:
        return 0x86DD, packet6(segment(6, length))
    if sort == 4:
        return 0x0800, packet4(segment(4, length), fragment=dice.choice((0x2000, 0x2001, 0x1FFF, 0x0001)))
    if sort == 5:
        return 0x86DD, packet6(dice.choice((0, 6, 43, 44, 60)).to_bytes(1, "big") + dice.randbytes(7 + length),
                               following=dice.choice((0, 43, 44, 60, 51)))
    if sort == 6:
        return 0x0800, packet4(dice.randbytes(8 + length), protocol=dice.choice((1, 2, 6, 17, 47, 58, 255)))
    if sort == 7:
        return 0x86DD, packet6(dice.randbytes(8 + length), following=dice.choice((58, 17, 59, 6, 255)))
    # A good packet that was cut, or with a few bytes turned.
    kind, whole = dice.choice(((0x0800, packet4(segment(4, length))), (0x86DD, packet6(segment(6, length)))))
    if sort == 8:
        return kind, whole[:dice.randrange(1, len(whole))]
    turned = bytearray(whole)
    for _ in range(dice.randrange(1, 5)):
        turned[dice.randrange(len(turned))] = dice.randrange(256)
    return kind, bytes(turned)


sent = refused = size = 0
for number in range(20000):
    kind, packet = one()
    if number % 50 == 0:
        time.sleep(0.001)  # The device's queue holds 500 packets.
    if number % 500 == 0:
        # As large as a packet can say that it is.
        kind, packet = dice.choice(((0x0800, packet4(segment(4, 65475))), (0x86DD, packet6(segment(6, 65400)))))
    try:
        links[kind].sendto(packet, (device, kind))
        sent, size = sent + 1, size + len(packet)
    except OSError:
        refused += 1
print("seed %d: %d packets of garbage, %d bytes; the kernel refused %d" % (seed, sent, size, refused))
sys.exit(0 if size > 65536 else 1)
