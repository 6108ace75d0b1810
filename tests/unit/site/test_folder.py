from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.site.folder import MANIFEST, SiteFolder


def site(path: Path, *names: str) -> SiteFolder:
    """A finished site of these files."""
    folder = SiteFolder.claim(path, names)
    for name in names:
        folder.write(name, name)
    folder.keep_only(names)
    return folder


def files(path: Path) -> set[str]:
    return {one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file()}


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    site(tmp_path / "deep" / "site", "index.html", "cells/a.html")
    assert {"index.html", "cells/a.html", MANIFEST} == files(tmp_path / "deep" / "site")


def test_stale_pages_of_an_earlier_build_are_removed(tmp_path: Path) -> None:
    site(tmp_path, "index.html", "cells/a.html")
    site(tmp_path, "index.html")
    assert {"index.html", MANIFEST} == files(tmp_path)
    assert not (tmp_path / "cells").exists()


def test_a_users_file_beside_the_site_is_never_deleted(tmp_path: Path) -> None:
    site(tmp_path, "index.html", "cells/a.html")
    (tmp_path / "cells" / "notes.txt").write_text("mine")
    site(tmp_path, "index.html")
    assert "cells/notes.txt" in files(tmp_path)


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="no earlier site"):
        SiteFolder.claim(tmp_path, ["index.html"])
    assert {"thesis.tex"} == files(tmp_path)


def test_a_users_file_where_a_page_should_go_is_refused(tmp_path: Path) -> None:
    site(tmp_path, "index.html")
    (tmp_path / "about.html").write_text("mine")
    with pytest.raises(UsageError, match=r"about\.html is not the site's"):
        SiteFolder.claim(tmp_path, ["index.html", "about.html"])
    assert (tmp_path / "about.html").read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(UsageError, match="not a folder"):
        SiteFolder.claim(tmp_path / "site", ["index.html"])


def test_a_build_cut_short_does_not_block_the_next(tmp_path: Path) -> None:
    cut_short = SiteFolder.claim(tmp_path, ["index.html", "cells/a.html"])
    cut_short.write("cells/a.html", "half a site")
    site(tmp_path, "index.html")
    assert {"index.html", MANIFEST} == files(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"files": 3}', '{"files": [3]}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(UsageError, match="damaged"):
        SiteFolder.claim(tmp_path, ["index.html"])


@pytest.mark.parametrize("name", ["../thesis.tex", "/etc/hostname", ""])
def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"files": [name]}))
    with pytest.raises(UsageError, match="outside"):
        SiteFolder.claim(tmp_path, ["index.html"])
