"""Texts on disk."""

import numpy as np
import pytest

from pipeline.tables.texts import OrderedTexts, TextFile


def test_texts_come_back_in_any_order_while_others_are_still_added(tmp_path):
    with TextFile(tmp_path / "texts") as file:
        file.add(["one", "", "zwölf\n"])
        assert [file.text(place) for place in (2, 0, 1)] == ["zwölf\n", "one", ""]
        file.add(["four"])
        texts = OrderedTexts(file, np.array([3, 2, 0]))
        assert list(texts) == ["four", "zwölf\n", "one"]
        assert list(texts[1:]) == ["zwölf\n", "one"]
        assert (len(file), len(texts)) == (4, 3)
        with pytest.raises(IndexError):
            texts[3]


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "texts").write_text("of another run")
    with pytest.raises(FileExistsError):
        TextFile(tmp_path / "texts")
