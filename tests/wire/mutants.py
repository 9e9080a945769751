"""Decoders that are broken on purpose, one line each.

A mutant is a substitution in a module's source that must match exactly once, so that the list cannot go stale unnoticed. Each stands
for a mistake that somebody made or could make; `tests/wire/test_mutants.py` demands that the bounded run finds every one.
"""

from dataclasses import dataclass

from fuzz.codec import INSTALLED, Codec, load


@dataclass(frozen=True)
class Mutant:
    name: str
    old: str
    new: str
    module: str = "eventstream"

    def load(self) -> Codec:
        text = INSTALLED.source(self.module)
        assert text.count(self.old) == 1, f"{self.name}: found {text.count(self.old)} times"
        return load({self.module: text.replace(self.old, self.new)})


MUTANTS = (
    # Checksums
    Mutant("prelude checksum is not checked", "if actual != expected:\n        raise Prelude", "if False:\n        raise Prelude"),
    Mutant("prelude checksum covers one length only", "crc32(data[pos : pos + 8])", "crc32(data[pos : pos + 4])"),
    Mutant("message checksum is not checked", "if actual != expected:\n            raise Message", "if False:\n            raise Message"),
    Mutant("...when one read brings one known frame", "layout.unpack(data)\n                    if crc32(payload, state) == checksum:", "layout.unpack(data)\n                    if True:"),
    Mutant("...of known frames in a row", "layout.unpack_from(data, pos)\n                    if crc32(payload, state) == checksum:", "layout.unpack_from(data, pos)\n                    if True:"),
    Mutant("message checksum leaves out the headers", "state = crc32(head)", "state = crc32(head[:PRELUDE_SIZE])"),
    Mutant("message checksum does not go on from the head", "actual = crc32(payload, state)", "actual = crc32(payload)"),
    # Lengths
    Mutant("a frame of 12 bytes is accepted", "if total < FRAME_MIN:", "if total < PRELUDE_SIZE:"),
    Mutant("a frame of 16 bytes is refused", "if total < FRAME_MIN:", "if total <= FRAME_MIN:"),
    Mutant("headers may take the checksum's place", "if headers_size > total - FRAME_MIN:", "if headers_size > total - PRELUDE_SIZE:"),
    Mutant("headers must leave room for a payload", "if headers_size > total - FRAME_MIN:", "if headers_size >= total - FRAME_MIN:"),
    Mutant("no limit", "if total > limit:", "if False:"),
    Mutant("limit is off by one", "if total > limit:", "if total >= limit:"),
    Mutant("limit is looked up in what others were allowed", "SHARED if max_message_size >= REMEMBERED_FRAME_MAX else Memory()", "SHARED"),
    Mutant("payload is cut a byte short", "head, payload = data[start:body], data[body:last]", "head, payload = data[start:body], data[body : last - 1]"),
    # Promptness, holding, ending
    Mutant("a prelude is judged a byte late", "while pos + PRELUDE_SIZE <= end:", "while pos + PRELUDE_SIZE < end:"),
    Mutant("twelve bytes are held unjudged", "if len(data) - pos < PRELUDE_SIZE:", "if len(data) - pos <= PRELUDE_SIZE:"),
    Mutant("a held frame is opened a byte late", "if missing > 0:", "if missing >= 0:"),
    Mutant("a frame at the end of a read is held", "if pos + total > end:\n", "if pos + total >= end:\n"),
    Mutant("a held prelude is not judged", "total, _ = _judge(held, 0, self._limit)", "(total,) = _CHECKSUM.unpack_from(held)"),
    Mutant("a held prelude has no limit", "total, _ = _judge(held, 0, self._limit)", "total, _ = _judge(held, 0, 1 << 32)"),
    Mutant("what follows a held frame is swallowed", "        if pos < len(data):\n            self._read", "        if pos + PRELUDE_SIZE < len(data):\n            self._read"),
    Mutant("what follows a held frame is read a byte off", "            self._read(data, pos)\n", "            self._read(data, pos + 1)\n"),
    Mutant("what is missing is counted from the prelude", "self._missing, self._need = pos - len(data), total", "self._missing, self._need = total - len(data), total"),
    Mutant("the end of a read is dropped", "        if pos < len(data):\n            self._held", "        if pos + PRELUDE_SIZE < len(data):\n            self._held"),
    Mutant("the end of a read loses a byte", "bytearray(memoryview(data)[pos:])", "bytearray(memoryview(data)[pos + 1 :])"),
    Mutant("a stream may end behind a prelude", "if self._held is not None:\n            self._break", "if self._held is not None and len(self._held) != 12:\n            self._break"),
    Mutant("a stream may end anywhere", "if self._held is not None:\n            self._break", "if False:\n            self._break"),
    # Faults
    Mutant("messages before a fault are lost", "        ready = iter(new)\n", "        ready = iter([] if broken else new)\n"),
    Mutant("a fault is raised first", "self._ready = Ending(self._ready, self._fault)", "self._ready = Ending(iter(()), self._fault)"),
    Mutant("a fault is forgotten by the next known frame", "self._known = NOTHING_KNOWN", "pass"),
    Mutant("a fault is forgotten by the next frame", "if self._fault is not None:\n            return\n", "if False:\n            return\n"),
    Mutant("a fault goes unnoticed at the end", "raise self._fault.with_traceback(None)", "return"),
    Mutant("a fault is swallowed", "            broken = fault\n", "            broken = None\n"),
    Mutant("a fault stays with what was held", "        self._held = None\n        self._known", "        self._known"),
    Mutant("the place is that of the read", "self._place = place  # if", "pass  # if"),
    # Memory
    Mutant("headers are found by the size of their block", "self.blocks.get(block)", "next((known for raw, known in self.blocks.items() if len(raw) == len(block)), None)", "memory"),
    Mutant("nothing is remembered of the headers but the first", "self.blocks[block] = headers", "self.blocks[block] = headers = next(iter(self.blocks.values()), headers)", "memory"),
    Mutant("a frame is found by its beginning", "known = recall(data[pos : pos + head])\n                if known", "known = recall(data[pos : pos + head]) or next((k for h, k in self._known.items() if h[:8] == data[pos : pos + 8]), None)\n                if known"),
    Mutant("the size of a known frame is taken for granted", "if total == size:", "if total <= size:"),
    Mutant("a known frame may end behind the data", "if known is not None and pos + known[0] <= end:", "if known is not None:"),
    Mutant("frames are remembered without bound", "if len(self.frames) >= REMEMBERED_FRAMES:", "if False:", "memory"),
    Mutant("header blocks are remembered without bound", "if len(self.blocks) >= REMEMBERED_BLOCKS:", "if False:", "memory"),
    Mutant("large frames are remembered", "if last + CHECKSUM_SIZE - start <= REMEMBERED_FRAME_MAX:", "if True:"),
    # Drivers
    Mutant("unread messages are lost", "for unread in self._ready:\n                            ready", "for unread in ():\n                            ready"),
    Mutant("unread messages are lost by a larger read", "for unread in self._ready:\n            ready", "for unread in ():\n            ready"),
    Mutant("a payload is a view", "return Message(headers, payload)", "return Message(headers, memoryview(payload))"),
    Mutant("a caller's buffer is not copied", "data = data if type(data) is bytes else _as_bytes(data)", "pass"),
    Mutant("the place is shared by all decoders", "self._place += step", "behind.place = self._place = getattr(behind, 'place', 0j) + step"),
    # Cost
    Mutant("the rest of a read is copied for each frame", "pos += total\n                        place += step", "data, end, pos = data[pos + total :], end - pos - total, 0\n                        place += step"),
    Mutant("what is held is copied by each read", "held += data\n                self._missing = missing", "self._held = held[:] + data\n                self._missing = missing"),
    # Headers
    Mutant("a value may reach beyond the block", "if stop > end:", "if stop > end + 1:", "headers"),
    Mutant("a name may reach to the end", "if type_at >= end:", "if type_at > end:", "headers"),
    Mutant("duplicates are accepted", "if name in headers:", "if False:", "headers"),
    Mutant("empty names are accepted", "if stop == start + 1:", "if False:", "headers"),
    Mutant("a name may be Latin-1", "block[start + 1 : stop].decode()", 'block[start + 1 : stop].decode("latin-1")', "headers"),
    Mutant("bad text is replaced", "bytes.decode, str.encode", 'lambda raw: raw.decode(errors="replace"), str.encode', "headers"),
    Mutant("integers are unsigned", 'python.from_bytes(raw, "big", signed=True)', 'python.from_bytes(raw, "big")', "headers"),
    Mutant("a type beyond the table leaks", "if (code := block[type_at]) >= len(HEADER_TYPES):", "if (code := block[type_at]) > len(HEADER_TYPES):", "headers"),
    Mutant("headers can be changed", "return MappingProxyType(headers)", "return headers", "headers"),
    Mutant("timestamps are plain integers", '"timestamp", Timestamp, 8', '"timestamp", Int64, 8', "headers"),
    # Server-sent events
    Mutant("LF after a cut CR is a line", "if self._split_crlf and raw[0] == _LF:", "if False:", "sse"),
    Mutant("a CR is never remembered as one", 'self._split_crlf = raw.endswith(b"\\r")', "self._split_crlf = True", "sse"),
    Mutant("the byte order mark is text", "if not self._offset:", "if False:", "sse"),
    Mutant("events have no limit", "if self._size + len(self._line) > self._limit:", "if False:", "sse"),
    Mutant("the limit of events is off by one", "if self._size + len(self._line) > self._limit:", "if self._size + len(self._line) >= self._limit:", "sse"),
    Mutant("a name lasts", 'self._name, self._data, self._size = "", [], 0', "self._data, self._size = [], 0", "sse"),
    Mutant("all leading spaces are cut", 'value.removeprefix(" ")', 'value.lstrip(" ")', "sse"),
    Mutant("an unfinished event is dropped", "if self._line or self._size:", "if self._line:", "sse"),
    Mutant("an unfinished line is dropped", "if self._line or self._size:", "if self._size:", "sse"),
    Mutant("unread events are lost", "self._ready = after(self._ready, new)\n", "self._ready = iter(new)\n", "sse"),
    Mutant("only LF ends a line", "if len(text) == len(piece):", 'if not piece.endswith(b"\\n"):', "sse"),
    Mutant("comments are fields", 'elif not line.startswith(b":"):', "else:", "sse"),
    Mutant("CR LF is two lines of data", 'raw.replace(b"\\r\\n", b"\\n")', "raw", "sse"),
)  # fmt: skip
