"""Logos: what becomes of files that staff upload, also of hostile ones, and how they are served and shown."""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.translation import override
from PIL import Image

from rates import feed, logos, store
from rates.fanout.hub import get_hub
from rates.logos import read_logo
from rates.models import Coin, Logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{}</svg>'
CIRCLE = '<circle r="5" fill="#f7931a"/>'


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """The language of the test before may still be active."""
    with override("en"):
        yield


def png(width: int = 300, height: int = 300, mode: str = "RGBA") -> bytes:
    written = BytesIO()
    Image.new(mode, (width, height), 7).save(written, "PNG")
    return written.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says how large it is."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return logos.PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "P", "L", "1", "I;16"])
def test_a_png_is_drawn_again_small_in_its_shape(mode: str) -> None:
    logo = read_logo(png(600, 300, mode))
    assert logo.name.endswith(".png")
    with Image.open(BytesIO(logo.data)) as picture:
        assert (picture.size, picture.mode) == ((128, 64), "RGBA")


def test_nothing_but_pixels_is_kept_of_a_png() -> None:
    assert b"secret" not in read_logo(png() + b"secret").data


@pytest.mark.parametrize(
    ("upload", "words"),
    [
        (b"", "neither"),
        (b"GIF89a", "neither"),
        (b"<html><body>x</body></html>", "neither"),
        (SVG.format("<g>").encode(), "neither"),
        (b'<svg viewBox="0 0 1 1"><circle r="1"/></svg>', "neither"),
        (
            b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + SVG.format("<text>&b;</text>").encode(),
            "neither",
        ),
        (b'<?xml version="1.0" encoding="no-such"?>' + SVG.format(CIRCLE).encode(), "neither"),
        (SVG.format("").encode(), "Nothing is drawn"),
        (SVG.format(50 * "<g>" + CIRCLE + 50 * "</g>").encode(), "more than 32 deep"),
        (SVG.format(3000 * CIRCLE).encode(), "up to 64 KB"),
        (logos.PNG + b"garbage", "cannot be read"),
        (png()[:-40], "cannot be read"),
        (bomb(2049, 2048), "2049 × 2048"),
        (bomb(9_000, 9_000), "9000 × 9000"),
        (bomb(60_000, 60_000), "cannot be read"),
        (bomb(40, 40), "cannot be read"),
        (png() + bytes(logos.MOST_BYTES), "up to 256 are allowed"),
    ],
)
def test_what_is_no_logo_is_refused_in_one_line_of_either_language(upload: bytes, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        read_logo(upload)
    with override("de"), pytest.raises(ValidationError) as abgelehnt:
        read_logo(upload)
    [english], [german] = refused.value.messages, abgelehnt.value.messages
    assert english != german
    assert "\n" not in english + german


HOSTILE = """
    <script>alert(1)</script><circle r="5" onload="alert(1)" fill="url(#g)"/><a href="javascript:alert(1)">x</a>
    <foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><iframe src="https://evil.example"/></body></foreignObject>
    <image href="https://evil.example/x.png"/><use href="https://evil.example/x.svg#a"/>
    <style>@import url(https://evil.example/x.css); circle { fill: url(https://evil.example/y) }</style>
    <set attributeName="href" to="javascript:alert(1)"/><image href="data:image/svg+xml,&lt;svg/&gt;"/>
"""


def test_an_svg_keeps_what_draws_and_nothing_that_runs_or_loads() -> None:
    logo = read_logo(SVG.format(HOSTILE).encode())
    text = bytes(logo.data).decode().lower()
    assert '<circle fill="url(#g)" r="5"/>' in text
    for word in (
        "<script",
        "onload",
        "attributename",
        "foreign",
        "iframe",
        "(https",
        "@import",
        "data:image/svg",
    ):
        assert word not in text, word


@pytest.mark.parametrize("head", ["\ufeff", '<?xml version="1.0"?>\n<!-- Drawn by hand -->\n'])
def test_svgs_of_drawing_programs_are_taken(head: str) -> None:
    doctype = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    gradient = '<defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient></defs>'
    for each in (head, head.strip("\ufeff") + doctype):
        assert b'stop-color="red"' in read_logo((each + SVG.format(gradient + CIRCLE)).encode()).data


@pytest.fixture
def coin(transactional_db: None) -> Coin:
    return Coin.objects.create(symbol="BTC", name="Bitcoin", coingecko_id="bitcoin", kraken_verified=False)


@pytest.fixture
def edit(admin_client: Client, coin: Coin) -> Callable[..., None]:
    """Return a function that saves the coin in the admin with a file, or with the box that removes its logo."""

    def edit(upload: bytes | None = None, **more: str) -> None:
        facts = {"symbol": "BTC", "name": "Bitcoin", "coingecko_id": "bitcoin", "enabled": "on", "position": "0"}
        files = {"picture": SimpleUploadedFile("logo", upload)} if upload is not None else {}
        answer = admin_client.post(reverse("admin:rates_coin_change", args=[coin.pk]), {**facts, **files, **more})
        assert answer.status_code == 302, answer.content.decode()
        coin.refresh_from_db()

    return edit


def test_a_logo_is_served_for_ever_and_can_do_nothing(client: Client, edit: Callable[..., None], coin: Coin) -> None:
    edit(SVG.format(CIRCLE).encode())
    answer = client.get(f"/{coin.logo_path}")
    assert b'fill="#f7931a"' in answer.content
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "Set-Cookie" not in answer
    assert client.get("/logos/" + 32 * "0" + ".png").status_code == 404
    assert client.post(f"/{coin.logo_path}").status_code == 405


def test_a_new_logo_has_a_new_address_and_the_old_one_goes(edit: Callable[..., None], coin: Coin) -> None:
    edit(png())
    first = coin.logo_id
    edit()
    assert coin.logo_id == first
    edit(png(64, 64, "L"))
    assert coin.logo_id != first
    assert list(Logo.objects.values_list("name", flat=True)) == [coin.logo_id]
    edit(**{"picture-clear": "on"})
    assert (coin.logo_id, Logo.objects.count()) == (None, 0)


def test_two_coins_may_have_the_same_logo(edit: Callable[..., None], coin: Coin) -> None:
    edit(png())
    other = Coin.objects.create(symbol="WBTC", name="W", coingecko_id="wrapped-bitcoin", logo_id=coin.logo_id)
    edit(**{"picture-clear": "on"})
    assert Logo.objects.filter(name=other.logo_id).exists()


def test_a_bad_file_leaves_the_coin_as_it_was(admin_client: Client, edit: Callable[..., None], coin: Coin) -> None:
    edit(png())
    before = coin.logo_id
    facts = {"symbol": "BTC", "name": "Other", "coingecko_id": "bitcoin", "enabled": "on", "position": "0"}
    bad = SimpleUploadedFile("logo.png", b"GIF89a")
    page = admin_client.post(reverse("admin:rates_coin_change", args=[coin.pk]), {**facts, "picture": bad})
    assert "Choose a PNG or an SVG file" in page.content.decode()
    coin.refresh_from_db()
    assert (coin.logo_id, coin.name) == (before, "Bitcoin")


def published_logo() -> object:
    snapshot = store.load_snapshot()
    assert snapshot is not None
    return json.loads(snapshot.fragments["BTC"].json).get("logo")


def test_pages_sockets_and_lists_say_where_a_logo_is(
    client: Client, admin_client: Client, edit: Callable[..., None], coin: Coin
) -> None:
    get_hub.cache_clear()
    edit(png())
    feed.publish_coins()
    assert published_logo() == coin.logo_path
    for address in ("/", "/?wall=1", "/coins/btc/", "/embed/btc/"):
        assert f'<img src="/{coin.logo_path}" alt=""' in client.get(address).content.decode(), address
    assert f'src="/{coin.logo_path}"' in admin_client.get(reverse("admin:rates_coin_changelist")).content.decode()
    edit(**{"picture-clear": "on"})
    feed.publish_coins()
    assert published_logo() is None
