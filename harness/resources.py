"""Files that ship with the code: page templates and example specs."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError

_PACKAGE = Path(__file__).resolve().parent


def templates() -> Path:
    """The folder of page templates; HarnessError if the installation lacks it."""
    return shipped("templates")


def specs() -> Path:
    """The folder of example specs; HarnessError if the installation lacks it."""
    return shipped("specs")


def shipped(name: str, package: Path = _PACKAGE) -> Path:
    """A shipped folder: inside an installed wheel, else at the top of the checkout.

    The wheel's own copy comes first: in site-packages, any other package may have put a folder
    of that name beside this one.
    """
    places = (package / "_shipped" / name, package.parent / name)
    for place in places:
        if place.is_dir():
            return place
    looked = " and ".join(map(str, places))
    raise HarnessError(f"this installation lacks its {name!r} folder (looked in {looked})")
