"""PDFs of our own, written by hand."""

import base64
import zlib


def pdf(*pages: str, extra: bytes = b"") -> bytes:
    """A PDF with one page for each text ("" for a page without any)."""
    count = len(pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (count, b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(count))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index, text in enumerate(pages):
        lines = b" ".join(b"(%s) Tj 0 -14 Td" % line.encode("latin-1") for line in text.split("\n") if line)
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * index),
            stream(b"BT /F1 12 Tf 72 720 Td %s ET" % lines),
        ]
    return assembled([*objects, *([extra] if extra else [])])


def stream(data: bytes, *, packed: bool = False) -> bytes:
    content = zlib.compress(data, 9) if packed else data
    packing = b" /Filter /FlateDecode" if packed else b""
    return b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(content), packing, content)


def assembled(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def bomb(megabytes: int) -> bytes:
    """A small file whose one page unpacks to so many megabytes of instructions."""
    page = b"(x) Tj " * (megabytes * 1024 * 1024 // 7)
    return assembled([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        stream(b"BT /F1 12 Tf " + page + b"ET", packed=True),
    ])  # fmt: skip


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
