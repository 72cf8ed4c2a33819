# SPDX-License-Identifier: Apache-2.0
"""Makes a spool as large as one likes out of a real one: its newest segment is copied many times, each copy with its own counter,
sequences and checksums (relayd/spool/spool_format.h), and made as long as a segment is with a hole that takes no room on the disk.
To a reader it is an ordinary spool: `relayctl spool verify` finds nothing wrong with it, and everything in it can be delivered."""
import ctypes
import os
import struct

SEGMENT_HEADER_BYTES = BLOCK_HEADER_BYTES = 128
RECORDS, CHECKPOINT, END = 1, 3, 4
SECTION_TOTALS = 2

library = ctypes.CDLL("libxxhash.so.0")
library.XXH3_64bits.restype = library.XXH3_64bits_withSeed.restype = ctypes.c_uint64


def checksum(octets, seed=None):
    if seed is None:
        return library.XXH3_64bits(bytes(octets), ctypes.c_size_t(len(octets)))
    return library.XXH3_64bits_withSeed(bytes(octets), ctypes.c_size_t(len(octets)), ctypes.c_uint64(seed))


def get(octets, at):
    return struct.unpack_from("<Q", octets, at)[0]


def add(octets, at, number):
    struct.pack_into("<Q", octets, at, get(octets, at) + number)


class Block:
    def __init__(self, octets):
        self.kind = octets[8]
        self.input, = struct.unpack_from("<H", octets, 12)
        self.length, = struct.unpack_from("<I", octets, 16)
        self.count, = struct.unpack_from("<I", octets, 24)
        span = BLOCK_HEADER_BYTES + (self.length + 63) // 64 * 64
        self.octets = octets[:span]


class Segment:
    """A segment that was closed in order."""

    def __init__(self, path):
        octets = path.read_bytes()
        self.header, self.blocks, at = octets[:SEGMENT_HEADER_BYTES], [], SEGMENT_HEADER_BYTES
        self.salt, self.counter, self.first = get(octets, 32), get(octets, 8), get(octets, 40)
        while not self.blocks or self.blocks[-1].kind != END:
            assert octets[at:at + 4] == b"RLBK", f"{path} has no end block"
            self.blocks.append(Block(octets[at:]))
            at += len(self.blocks[-1].octets)
        self.count = sum(block.count for block in self.blocks)
        self.by_input = {}
        for block in self.blocks:
            if block.kind == RECORDS:
                self.by_input[block.input] = self.by_input.get(block.input, 0) + block.count

    def _shifted_header(self, number):
        header = bytearray(self.header)
        add(header, 8, number)
        add(header, 40, number * self.count)
        add(header, 48, number * self.count)
        struct.pack_into("<Q", header, 120, checksum(header[:120]))
        return header

    def _shifted_totals(self, payload, number):
        """A checkpoint's totals: what was stored by each input before this segment."""
        at = 0
        while at < len(payload):
            kind, _, length = struct.unpack_from("<HHI", payload, at)
            at += 8
            entry, end = at, at + length
            while kind == SECTION_TOTALS and entry < end:
                index, reasons = struct.unpack_from("<HH", payload, entry)
                add(payload, entry + 4, number * self.by_input.get(index, 0))
                entry += 12 + 8 * reasons
            at = end

    def _shifted_block(self, block, number):
        octets = bytearray(block.octets)
        for at in (32, 40, 48):  # first, last, synced
            add(octets, at, number * self.count)
        if block.kind == CHECKPOINT:
            payload = octets[BLOCK_HEADER_BYTES:BLOCK_HEADER_BYTES + block.length]
            self._shifted_totals(payload, number)
            octets[BLOCK_HEADER_BYTES:BLOCK_HEADER_BYTES + block.length] = payload
            struct.pack_into("<Q", octets, 112, checksum(payload))
        struct.pack_into("<Q", octets, 120, checksum(octets[:120], self.salt))
        return octets

    def write_copy(self, folder, number, size, closed):
        """The segment `number` places behind this one, `size` octets long. Without its end block (not `closed`), it is one whose
        writer was killed."""
        name = f"segment-{self.counter + number:016x}-{self.first + number * self.count:016x}"
        blocks = self.blocks if closed else self.blocks[:-1]
        octets = self._shifted_header(number) + b"".join(self._shifted_block(block, number) for block in blocks)
        with open(folder / name, "wb") as file:
            file.write(octets)
            file.truncate(size)


def grow(folder, octets, segment_size, closed=True):
    """Adds copies of the newest segment of the stopped spool in the folder until there are so many octets. Returns how many times its
    messages are there now."""
    template = Segment(max(folder.glob("segment-*")))
    copies = octets // segment_size - 1
    for path in folder.glob("segment-*"):
        os.truncate(path, segment_size)
    for number in range(1, copies + 1):
        template.write_copy(folder, number, segment_size, closed or number < copies)
    return copies + 1
