"""Runs between white space, against `str.split`."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.runs import UNKNOWN, RunNumbers, runs_of

TEXT = st.text(alphabet=st.characters() | st.sampled_from(" \t\n\u00a0\u2003\x1c\u3000ab"), max_size=40)


@given(TEXT)
def test_runs_are_what_split_finds(text):
    runs = runs_of(text)
    found = [text[start:end] for start, end in zip(runs.starts, runs.ends, strict=True)]
    assert found == text.split()
    assert runs.points.tolist() == [ord(letter) for letter in "".join(found)]


@given(TEXT)
def test_equal_runs_and_only_they_have_equal_hashes(text):
    assert len(set(runs_of(text).hashes.tolist())) == len(set(text.split()))


def test_numbers_stay_while_the_table_grows():
    numbers = RunNumbers()
    hashes = runs_of(" ".join(f"word{number}" for number in range(1000))).hashes
    for first in range(0, 1000, 100):
        assert (numbers.of(hashes[first:first + 100]) == UNKNOWN).all()
        numbers.add(hashes[first:first + 100])
        assert numbers.of(hashes[:first + 100]).tolist() == list(range(first + 100))
    assert len(numbers) == 1000
