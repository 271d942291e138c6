"""
Coins' logos: what becomes of a picture that staff upload, and how it is served.

    PNG     drawn again, at most `SIDE` pixels wide and high; pictures with more than `MOST_PIXELS` are not unpacked
    SVG     only what draws is kept, by the list of svg-hush; nothing in it runs, and nothing is loaded

Every machine sees the same ones, because they are rows of the database. The name of a logo is the hash of its content:
whoever has one never asks for it again.
"""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rates.models import Logo

# Bytes of an upload, and of a logo as it is kept.
MOST_BYTES = 256 * 1024
MOST_KEPT = 64 * 1024
MOST_PIXELS = 2048 * 2048
# Pixels: twice what a card has for it; on a wall of one coin it is larger.
SIDE = 128
PNG = b"\x89PNG\r\n\x1a\n"
# Elements within elements: no logo needs more, and svg-hush never sees them.
MOST_DEPTH = 32
SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
# What an SVG may have within itself as `data:`.
EMBEDDED = {"image": ["png", "jpeg"]}
KINDS = {"png": "image/png", "svg": "image/svg+xml"}
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    # Also for whoever opens the address of an SVG by itself.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def read_logo(upload: bytes) -> Logo:
    """
    Return the logo, not saved yet, that is made of the file *upload*.

    Raises:
        ValidationError: saying what is wrong with the file, and what is allowed.
    """
    if len(upload) > MOST_BYTES:
        raise ValidationError(_("The file has %(size)d KB; up to %(most)d are allowed.") % _sizes(upload, MOST_BYTES))
    kind, data = ("png", _shrink(upload)) if upload.startswith(PNG) else ("svg", _clean(upload))
    if len(data) > MOST_KEPT:
        raise ValidationError(_("An SVG may have up to %(most)d KB; this has %(size)d.") % _sizes(data, MOST_KEPT))
    return Logo(f"{hashlib.sha256(data).hexdigest()[:32]}.{kind}", data)


def _sizes(data: bytes, most: int) -> dict[str, int]:
    return {"size": -(-len(data) // 1024), "most": most // 1024}


def _shrink(upload: bytes) -> bytes:
    from PIL import Image  # noqa: PLC0415 - with its libraries 1 MB, for the few pictures that staff upload

    try:
        with Image.open(BytesIO(upload), formats=["PNG"]) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                text = _("The picture has %(width)d × %(height)d pixels; up to 2048 × 2048 are allowed.")
                raise ValidationError(text % {"width": width, "height": height})
            drawn = picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(_("This PNG cannot be read; save it again in a drawing program.")) from error
    drawn.thumbnail((SIDE, SIDE))
    written = BytesIO()
    drawn.save(written, "PNG", optimize=True)
    return written.getvalue()


def _clean(upload: bytes) -> bytes:
    from py_svg_hush import filter_svg  # noqa: PLC0415 - as in `_shrink`

    try:
        if max(_depths(upload)) > MOST_DEPTH:
            raise ValidationError(
                _("This SVG has elements within elements more than %d deep; simplify it in a drawing program.")
                % MOST_DEPTH
            )
        cleaned: bytes = filter_svg(upload, EMBEDDED)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ValidationError(_("Choose a PNG or an SVG file; this is neither, or it is damaged.")) from error
    if b"</svg>" not in cleaned:
        raise ValidationError(_("Nothing is drawn in this SVG."))
    return cleaned


def _depths(upload: bytes) -> Iterator[int]:
    """
    Yield how deep each element is, beginning with 1 for the root.

    Raises:
        ValueError: when it is no SVG, or declares entities.
    """
    depth = 0
    for event, element in iterparse(BytesIO(upload), events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "end":
            element.clear()
        elif depth == 1 and element.tag != SVG_ROOT:
            raise ValueError(element.tag)
        yield depth


@login_not_required
@require_safe
def show_logo(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a logo; pages, cards on other sites and programs show it."""
    data = Logo.objects.filter(name=name).values_list("data", flat=True).first()
    if data is None:
        raise Http404(name)
    return HttpResponse(bytes(data), content_type=KINDS[name.rpartition(".")[2]], headers=HEADERS)
