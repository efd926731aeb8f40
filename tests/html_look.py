"""Looks at what natprobe --html wrote, and at what Chromium made of it.

html_look.py page PAGE JSON                     well-formed, readable aloud, whole, on its own
html_look.py pictures LIGHT DARK NARROW PDF     as bright as they should be, and not empty
html_look.py smaller FROM TO                    the same picture, as a smaller file

Ends with an error that names what is wrong.
"""

import json
import pathlib
import re
import struct
import sys
import xml.etree.ElementTree as tree
import zlib

PICTURE_BYTES_MAX = 200_000
PAGES_MAX = 16
CONTRAST_MIN = 4.5  # of WCAG 2, level AA


def check_names(root: tree.Element) -> None:
    """Pictures have words, tables have heads, and every name leads somewhere."""
    names = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(names) == len(set(names)), "a name is there twice"
    for element in root.iter():
        for name in (element.get("aria-labelledby") or "").split():
            assert name in names, f"{name} is missing"
        assert element.get("src") is None, "something is fetched"
        target = element.get("href")
        assert target is None or target[1:] in names, f"a link to {target}"
    for picture in root.iter("svg"):
        assert picture[0].tag == "title" and picture[0].text, "a picture without a title"
        assert picture[1].tag == "desc" and picture[1].text, "a picture without a description"
    for table in root.iter("table"):
        width = len(table.findall("thead/tr/th"))
        assert width > 1, "a table without a head"
        for row in table.findall("tbody/tr"):
            assert len(row) == width, "a row that does not fit its head"


def brightness(colour: str) -> float:
    """Relative luminance, as WCAG 2 has it."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def check_contrast(sheet: str) -> None:
    """Words stand out from whatever is behind them, in light and in dark."""
    light, dark = sheet.split("prefers-color-scheme:dark")
    for scheme in light, dark:
        colours = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", scheme.split("*{")[0]))
        for word in "ink", "soft", "accent", "good", "fair", "bad", "open", "plain":
            for behind in {"bg", "card", f"{word}-bg"} & colours.keys():
                lower, upper = sorted((brightness(colours[word]), brightness(colours[behind])))
                ratio = (upper + 0.05) / (lower + 0.05)
                assert ratio >= CONTRAST_MIN, f"{word} on {behind}: {ratio:.1f}"


def check_page(page: str, report: str) -> None:
    # Well-formed XML is well-formed HTML here: nothing is left out that HTML would put in.
    root = tree.fromstring(pathlib.Path(page).read_text(encoding="utf-8"))
    saved = json.loads(pathlib.Path(report).read_text(encoding="utf-8"))
    text = "".join(root.itertext())

    assert root.tag == "html" and root.get("lang") == "en"
    assert {e.tag for e in root.iter()}.isdisjoint({"script", "iframe", "img", "link", "object"})
    check_names(root)
    check_contrast(root.find("head/style").text)
    assert root.find("body/main/header/h1").text == saved["interfaces"][0]["headline"]
    assert len(root.findall("body/main/article")) == len(saved["interfaces"])
    pictures = {e.get("aria-labelledby").split("-")[0] for e in root.iter("svg")}
    assert pictures >= {"ports", "deltas", "rtt", "loss", "sequence"}, pictures
    assert json.loads(root.find(".//pre").text) == saved, "the JSON inside is another one"
    for name in saved["interfaces"][0]["properties"]:
        assert name in text, f"{name} is missing"


def read_png(path: str) -> tuple[int, int, int, bytes]:
    """Width, height, bytes of a pixel, and the lines as PNG filters them."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    at, lines, header = 8, b"", b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            lines += body
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    assert depth == 8 and colour in (2, 6), "colours of another kind"
    return width, height, 3 if colour == 2 else 4, zlib.decompress(lines)


def check_pictures(light: str, dark: str, narrow: str, paper: str) -> None:
    for path, least, most in (light, 200, 255), (dark, 0, 60), (narrow, 200, 255):
        _, _, _, lines = read_png(path)
        # Nothing is above or left of the first pixel, so that no filter changes it.
        assert least <= lines[1] <= most, f"{path} begins with {lines[1:4].hex()}"
        assert len(zlib.compress(lines)) > 20_000, f"{path} is nearly empty"
    data = pathlib.Path(paper).read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    assert data.startswith(b"%PDF-") and 2 <= pages <= PAGES_MAX, f"{pages} pages"


def nearest(left: int, above: int, corner: int) -> int:
    """The predictor of PNG's fourth filter."""
    guess = left + above - corner
    far = abs(guess - left), abs(guess - above), abs(guess - corner)
    if far[0] <= far[1] and far[0] <= far[2]:
        return left
    return above if far[1] <= far[2] else corner


def unfilter(width: int, height: int, size: int, lines: bytes) -> list[bytearray]:
    span = width * size
    above = bytearray(span)
    rows = []
    for y in range(height):
        kind = lines[y * (span + 1)]
        row = bytearray(lines[y * (span + 1) + 1:(y + 1) * (span + 1)])
        for x in range(span):
            left = row[x - size] if x >= size else 0
            corner = above[x - size] if x >= size else 0
            guess = (0, left, above[x], (left + above[x]) // 2,
                     nearest(left, above[x], corner) if kind == 4 else 0)[kind]
            row[x] = (row[x] + guess) & 255
        rows.append(row)
        above = row
    return rows


def make_smaller(source: str, target: str) -> None:
    """256 colours, and for others the nearest of these; of greys there are more than it needs."""
    width, height, size, lines = read_png(source)
    pixels = [[bytes(row[i:i + 3]) for i in range(0, len(row), size)]
              for row in unfilter(width, height, size, lines)]
    often: dict[bytes, int] = {}
    for row in pixels:
        for pixel in row:
            often[pixel] = often.get(pixel, 0) + 1
    palette = sorted(often, key=lambda c: -often[c] * (1 + max(c) - min(c)) ** 2)[:256]
    number = {colour: i for i, colour in enumerate(palette)}
    for colour in often:
        if colour not in number:
            number[colour] = number[min(palette, key=lambda p: sum(
                (a - b) ** 2 for a, b in zip(p, colour)))]
    body = b"".join(b"\0" + bytes(number[p] for p in row) for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))

    png = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)) + chunk(
        b"PLTE", b"".join(palette)) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")
    assert len(png) <= PICTURE_BYTES_MAX, f"{len(png)} bytes"
    pathlib.Path(target).write_bytes(png)


if __name__ == "__main__":
    tasks = {"page": check_page, "pictures": check_pictures, "smaller": make_smaller}
    if len(sys.argv) < 4 or sys.argv[1] not in tasks:
        raise SystemExit(__doc__)
    tasks[sys.argv[1]](*sys.argv[2:])
