from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.site.folder import MANIFEST, SiteFolder


def site(path: Path, *names: str) -> SiteFolder:
    """A finished site with these files."""
    with SiteFolder.claim(path, names) as folder:
        for name in names:
            folder.write(name, name)
        folder.keep_only(names)
    return folder


def files(path: Path) -> set[str]:
    return {one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file()}


def test_a_new_folder_is_created(tmp_path: Path) -> None:
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
    with pytest.raises(UsageError, match=r"about\.html was not built by harness"):
        SiteFolder.claim(tmp_path, ["index.html", "about.html"])
    assert (tmp_path / "about.html").read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(UsageError, match="not a folder"):
        SiteFolder.claim(tmp_path / "site", ["index.html"])


def test_an_interrupted_build_does_not_block_the_next(tmp_path: Path) -> None:
    interrupted = SiteFolder.claim(tmp_path, ["index.html", "cells/a.html"])
    interrupted.write("cells/a.html", "half a site")
    site(tmp_path, "index.html")
    assert {"index.html", MANIFEST} == files(tmp_path)


def test_readers_see_the_old_site_until_the_new_one_is_complete(tmp_path: Path) -> None:
    site(tmp_path, "index.html")
    before = (tmp_path / "index.html").read_text()
    building = SiteFolder.claim(tmp_path, ["index.html", "about.html"])
    building.write("index.html", "new")
    building.write("about.html", "new")
    assert (tmp_path / "index.html").read_text() == before
    assert not (tmp_path / "about.html").exists()
    building.keep_only(["index.html", "about.html"])
    assert (tmp_path / "index.html").read_text() == "new"
    assert {"index.html", "about.html", MANIFEST} == files(tmp_path)


def test_the_leftovers_of_a_killed_build_are_deleted(tmp_path: Path) -> None:
    """Even if it was the folder's first build. A build that is still running is left alone."""
    with subprocess.Popen(["true"]) as dead:
        pass
    for pid in (dead.pid, os.getppid()):
        (tmp_path / f".harness-site.{pid}.part").mkdir()
    site(tmp_path, "index.html")
    assert {f".harness-site.{os.getppid()}.part", "index.html", MANIFEST} == {
        one.name for one in tmp_path.iterdir()
    }


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_a_full_disk_leaves_the_old_site_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Whichever write fails: those of the two pages, or the two of the manifest."""
    site(tmp_path, "index.html", "cells/a.html")
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    written = Path.write_text
    count = 0

    def write_text(path: Path, *arguments: Any, **options: Any) -> int:
        nonlocal count
        count += 1
        if count == failing:
            written(path, "hal")
            raise OSError(28, "No space left on device")
        return written(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(UsageError, match=f"cannot be written to {tmp_path}: No space left"):
        site(tmp_path, "index.html", "about.html")
    assert count == failing
    assert before == {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"cannot be written to .*file/site: Not a directory"):
        SiteFolder.claim(tmp_path / "file" / "site", ["index.html"])


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
