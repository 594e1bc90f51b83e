"""Writes small PDFs."""

FONTS = {"F": "Helvetica", "B": "Helvetica-Bold", "M": "Courier"}
IMAGE = b"""<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8
/ColorSpace /DeviceGray /Length 1 >>
stream
\x00
endstream"""


def line(text, *, x=72, y=700, size=10, font="F"):
    """An instruction that shows a line."""
    shown = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{font} {size} Tf {x} {y} Td ({shown}) Tj ET\n"


def paragraph(*lines, x=72, y=700, size=10, font="F", pitch=1.2):
    """Instructions that show lines below each other."""
    return "".join(
        line(text, x=x, y=y - number * pitch * size, size=size, font=font)
        for number, text in enumerate(lines)
    )


def image():
    """An instruction that shows an image all over the page."""
    return "q 600 0 0 800 0 0 cm /I Do Q\n"


def pdf(*pages, more="", filtered=""):
    """A PDF with these contents of pages.

    :param more: more entries of the catalogue.
    :param filtered: how the contents are compressed.
    """
    fonts = " ".join(
        f"/{name} << /Type /Font /Subtype /Type1 /BaseFont /{font} /Encoding /WinAnsiEncoding >>"
        for name, font in FONTS.items()
    )
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {more} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        IMAGE,
    ]
    for number, content in enumerate(pages):
        data = content if isinstance(content, bytes) else content.encode("cp1252")
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents "
            f"{5 + 2 * number} 0 R /Resources << /Font << {fonts} >> /XObject << /I 3 0 R >> >> >>"
            "".encode(),
            f"<< /Length {len(data)} {filtered} >>\nstream\n".encode() + data + b"\nendstream",
        ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())
