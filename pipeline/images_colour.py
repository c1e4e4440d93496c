"""Colour: any decoded picture to 8-bit sRGB (or grey) on white, as a browser will show it.

Owns pixel modes, ICC profiles, the colour tags of HEIF and AVIF (CICP), and the tone curve that
brings HDR stills down to an ordinary screen. Refuses to open or scale anything. Works best on
pictures already scaled to their largest output. Read `images_open` for how they got here.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Callable
from io import BytesIO
from math import exp
from typing import cast

from PIL import Image, ImageCms

from pipeline.images_open import Opened

# Colorants adapted to D50 (Bradford), as ICC matrix profiles store them: red, green, blue columns.
# Sources: the Display P3 and Adobe RGB (1998) profiles; ITU-R BT.2020 by CSS Color 4's matrices.
_COLORANTS = {
    "p3": ((0.51512, 0.24119, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    "bt2020": (
        (0.67346, 0.27903, -0.00193),
        (0.16566, 0.67534, 0.02998),
        (0.12509, 0.04563, 0.79712),
    ),
    "adobe": (
        (0.60974, 0.31111, 0.01947),
        (0.20528, 0.62567, 0.06087),
        (0.14919, 0.06322, 0.74457),
    ),
    "srgb": (
        (0.43607, 0.22249, 0.01392),
        (0.38515, 0.71687, 0.09708),
        (0.14307, 0.06061, 0.71410),
    ),
}
# ITU-T H.273 (CICP) code points: colour primaries and transfer characteristics.
_PRIMARIES = {1: "srgb", 9: "bt2020", 12: "p3"}
_PQ, _HLG = 16, 18
_NCLX = re.compile(rb"(?s)\x00\x00\x00\x13colrnclx(.{2})(.{2})")
# ITU-R BT.2408: diffuse white of HDR programmes, in nits; HLG's nominal peak.
_DIFFUSE_WHITE, _HLG_PEAK = 203.0, 1000.0
# Below the knee light is kept as it is; above, a shoulder takes in the highlights.
_KNEE = 0.6
_CURVE_POINTS = 4096
_EXIF_COLOUR, _INTEROP, _EXIF_IFD = 0xA001, 0xA005, 0x8769
_UNCALIBRATED = 0xFFFF
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
# Black point compensation keeps shadows open when the source's black is deeper or paler.
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


def profile_name(still: Opened) -> str:
    """The ICC profile's own description, shortened, or "" where the file has none."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(still.image.info["icc_profile"]))
        return " ".join(ImageCms.getProfileDescription(profile).split())[:80]
    except (KeyError, OSError, ImageCms.PyCMSError):
        return ""


def source_profile(still: Opened) -> bytes:
    """The ICC profile that explains the decoded numbers; b"" when they are sRGB already.

    Order: the file's own profile; HEIF/AVIF colour tags; the Adobe RGB mark cameras leave in
    EXIF (DCF 2.0 "R03"); else sRGB, as browsers assume.
    """
    own = still.image.info.get("icc_profile")
    if own:
        return b"" if profile_name(still).startswith("sRGB") else bytes(own)
    primaries, transfer = _code_points(still)
    if primaries or transfer in (_PQ, _HLG):
        return _made_profile(_PRIMARIES.get(primaries, "srgb"), transfer)
    return _made_profile("adobe", 0) if _says_adobe_rgb(still) else b""


def is_hdr(still: Opened) -> bool:
    """True for PQ and HLG pictures, whose highlights must be rolled off."""
    return not still.image.info.get("icc_profile") and _code_points(still)[1] in (_PQ, _HLG)


def plain_mode(image: Image.Image) -> Image.Image:
    """The picture as L, RGB, RGBA or CMYK of 8 bits, ready to scale; 16 bits are scaled down."""
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image.convert("RGBA") if image.has_transparency_data else image
    if image.mode == "F":
        low, high = cast("tuple[float, float]", image.getextrema())
        return image.point(lambda v: v * (255 / (high - low or 1)) - low).convert("L")
    if image.mode.startswith("I"):
        return image.point(lambda v: v * (1 / 257)).convert("L")
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """The picture in sRGB (RGB) or plain grey (L) on white, and a note or "".

    A profile that does not fit the picture is ignored and said. CMYK without a profile is
    converted by formula: no press is assumed.
    """
    opaque, alpha = _without_alpha(image)
    note = ""
    if profile:
        try:
            opaque = _converted(opaque, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            note = "The colour profile is damaged and was ignored: check the colours."
    elif opaque.mode == "CMYK":
        note = "CMYK without a colour profile: the colours are approximate."
    if opaque.mode not in ("L", "RGB"):
        opaque = opaque.convert("RGB")
    return _on_white(opaque, alpha), note


def _without_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode != "RGBA":
        return image, None
    alpha = image.getchannel("A")
    solid = alpha.getextrema() == (255, 255)
    return image.convert("RGB"), None if solid else alpha


def _on_white(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    if alpha is None:
        return image
    page = Image.new(image.mode, image.size, "white")
    page.paste(image, mask=alpha)
    return page


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space == "GRAY" and image.mode == "RGB":
        image = image.getchannel(0)  # Pillow opens 16-bit grey with alpha as three equal bands
    if space == "RGB" and image.mode == "L":
        image = image.convert("RGB")
    transform = _transform(profile, image.mode)
    done = ImageCms.applyTransform(image, transform)
    return cast("Image.Image", done)


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        _INTENT,
        _FLAGS,
    )


def _code_points(still: Opened) -> tuple[int, int]:
    """(primaries, transfer) of an AVIF or HEIF picture; (0, 0) where sRGB may be assumed."""
    tags = still.image.info.get("nclx_profile")
    if tags:
        found = int(tags["color_primaries"]), int(tags["transfer_characteristics"])
    elif still.image.format == "AVIF" and (match := _NCLX.search(still.head)):
        found = int.from_bytes(match[1]), int.from_bytes(match[2])
    else:
        return 0, 0
    primaries, transfer = found
    return (primaries if primaries in (9, 12) else 0), transfer


def _says_adobe_rgb(still: Opened) -> bool:
    if still.tags.get_ifd(_EXIF_IFD).get(_EXIF_COLOUR) != _UNCALIBRATED:
        return False
    return str(still.tags.get_ifd(_INTEROP).get(1, "")).startswith("R03")


# --- profiles made here ------------------------------------------------------------------------


@functools.cache
def _made_profile(primaries: str, transfer: int) -> bytes:
    """A minimal ICC v4 matrix profile: header, three colorants, white, one shared tone curve."""
    red, green, blue = (_xyz(colorant) for colorant in _COLORANTS[primaries])
    curve = _tone_curve(primaries, transfer)
    white = _xyz((0.9642, 1.0, 0.8249))
    tags = ((b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue), (b"wtpt", white))
    offset = 128 + 4 + 12 * (len(tags) + 3)
    table, body = b"", b""
    for name, data in tags:
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        table += name + struct.pack(">II", offset + len(body), len(curve))
    body += curve
    size = offset + len(body)
    return _header(size) + struct.pack(">I", len(tags) + 3) + table + body


def _header(size: int) -> bytes:
    """ICC.1:2010 section 7.2: display device, RGB to XYZ, D50 illuminant."""
    start = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    return start + struct.pack(">6H4s24x", 2020, 1, 1, 0, 0, 0, b"acsp") + _d50() + b"\0" * 48


def _d50() -> bytes:
    return struct.pack(">4xiii", 0xF6D6, 0x10000, 0xD32D)


def _xyz(value: tuple[float, float, float]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(v * 65536) for v in value))


def _tone_curve(primaries: str, transfer: int) -> bytes:
    if transfer == _PQ:
        return _sampled(lambda v: _shoulder(_pq_nits(v) / _DIFFUSE_WHITE))
    if transfer == _HLG:
        return _sampled(lambda v: _shoulder(_hlg_nits(v) / _DIFFUSE_WHITE))
    if primaries == "adobe":
        return struct.pack(">4s4xIH2x", b"curv", 1, 563)  # gamma 2.19921875 as u8Fixed8
    s15 = [round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)]
    return struct.pack(">4s4xH2x5i", b"para", 3, *s15)


def _sampled(curve: Callable[[float], float]) -> bytes:
    values = [round(65535 * curve(i / (_CURVE_POINTS - 1))) for i in range(_CURVE_POINTS)]
    return struct.pack(f">4s4xI{_CURVE_POINTS}H", b"curv", _CURVE_POINTS, *values)


def _shoulder(light: float) -> float:
    """Light relative to diffuse white into 0..1: straight to the knee, then ever gentler."""
    if light <= _KNEE:
        return light
    room = 1 - _KNEE
    return _KNEE + room * (1 - exp(-(light - _KNEE) / room))


def _pq_nits(signal: float) -> float:
    """SMPTE ST 2084 EOTF: 0..1 to nits."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    return float(10000 * (max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def _hlg_nits(signal: float) -> float:
    """ARIB STD-B67 inverse OETF with BT.2100's system gamma of 1.2, per channel, in nits."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = signal**2 / 3 if signal <= 1 / 2 else (exp((signal - c) / a) + b) / 12
    light: float = min(scene, 1.0) ** 1.2
    return _HLG_PEAK * light
