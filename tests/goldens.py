"""Golden files: small expected outputs, compared as text and rewritten by `--golden`."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str, *, rewrite: bool) -> None:
    """Compare `text` with the golden file, or make it the golden file."""
    path = FOLDER / name
    if rewrite:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no golden file {name}; run make golden"
    assert text == path.read_text(encoding="utf-8"), f"{name} differs; run make golden and read it"
