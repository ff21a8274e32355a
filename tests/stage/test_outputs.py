"""An output is whole or it is not there."""

import os

import pytest

from pipeline.stage.outputs import json_bytes, output_dir, output_file, write_json


def test_a_finished_folder_appears_whole(tmp_path):
    with output_dir(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out/a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_folder_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), output_dir(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_replaces_the_old_one(tmp_path):
    for name in ("old", "new"):
        with output_dir(tmp_path / "out") as folder:
            (folder / name).touch()
    assert os.listdir(tmp_path / "out") == ["new"]


def test_a_failed_file_keeps_the_old_one(tmp_path):
    write_json(tmp_path / "x.json", 1)
    with pytest.raises(RuntimeError), output_file(tmp_path / "x.json") as scratch:
        scratch.write_text("2")
        raise RuntimeError
    assert (tmp_path / "x.json").read_text() == "1\n"
    assert len(list(tmp_path.iterdir())) == 1


def test_json_has_one_form_and_refuses_not_a_number():
    assert json_bytes({"b": 1, "a": "ü"}) == '{\n  "a": "ü",\n  "b": 1\n}\n'.encode()
    with pytest.raises(ValueError, match="Out of range"):
        json_bytes(float("nan"))
