"""Screenshots made small: the picture of a page has few colours, so 256 of them show it in a third of the bytes."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
BYTES_A_PIXEL = 3


def with_palette(png: bytes) -> bytes:
    """The same picture as a PNG with a palette; a colour beyond the 256 most frequent becomes the nearest of them.

    Reads what Chromium writes: eight bits each of red, green and blue, not interlaced.
    """
    chunks = list(_chunks(png))
    width, height, depth, kind, _method, _filters, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if (depth, kind, interlaced) != (8, 2, 0):
        raise ValueError("not a screenshot of Chromium")
    data = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    pixels = [row[at : at + 3] for row in _rows(data, width) for at in range(0, width * BYTES_A_PIXEL, BYTES_A_PIXEL)]
    palette, place = _palette(pixels)
    indexed = bytes(map(place.__getitem__, pixels))
    lines = b"".join(b"\0" + indexed[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _rows(data: bytes, width: int) -> Iterator[bytes]:
    """Each row of the picture without its filter (PNG specification, chapter 9)."""
    length = width * BYTES_A_PIXEL
    above = bytearray(length)
    for at in range(0, len(data), length + 1):
        filtered, row = data[at], bytearray(data[at + 1 : at + 1 + length])
        if filtered == 2:
            row = bytearray((here + up) & 255 for here, up in zip(row, above, strict=True))
        elif filtered:
            for i in range(length):
                left = row[i - BYTES_A_PIXEL] if i >= BYTES_A_PIXEL else 0
                corner = above[i - BYTES_A_PIXEL] if i >= BYTES_A_PIXEL else 0
                row[i] = (row[i] + _predicted(filtered, left, above[i], corner)) & 255
        yield bytes(row)
        above = row


def _predicted(filtered: int, left: int, up: int, corner: int) -> int:
    if filtered == 1:
        return left
    if filtered == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))


def _palette(pixels: list[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    """The most frequent colours, and for every colour the place of the nearest of them."""
    counted = [colour for colour, _number in Counter(pixels).most_common()]
    palette = counted[:COLOURS]
    place = {colour: number for number, colour in enumerate(palette)}
    for colour in counted[COLOURS:]:
        place[colour] = min(range(COLOURS), key=lambda number: _distance(palette[number], colour))
    return palette, place


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
