import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.rights import glob_regex, load_rights, sources_of
from pipeline.schema.errors import BadInput
from pipeline.schema.rights import LakeRights, SourceRights


def rights(**patterns):
    entry = {"licence": "CC0-1.0", "rights_basis": "own", "cleared_for_training": True, "reviewed_by": "me",
             "reviewed_on": "2026-01-01", "published": None}
    return LakeRights(sources={name: SourceRights(paths=paths, **entry) for name, paths in patterns.items()})


@pytest.mark.parametrize(("glob", "path", "matches"), [
    ("a/*", "a/b.md", True), ("a/*", "a/b/c.md", False), ("a/**", "a/b/c.md", True), ("**/c.md", "c.md", True),
    ("**/c.md", "a/b/c.md", True), ("a/?.md", "a/b.md", True), ("a.md", "aXmd", False), ("a/[b].md", "a/[b].md", True),
])
def test_globs(glob, path, matches):
    assert (glob_regex(glob).fullmatch(path) is not None) == matches


@given(st.text(alphabet="ab/.*[]() +", min_size=1, max_size=12).filter(lambda path: "*" not in path))
def test_a_path_without_wildcards_matches_itself_and_nothing_longer(path):
    assert glob_regex(path).fullmatch(path)
    assert not glob_regex(path).fullmatch(path + "x")


def test_the_first_entry_that_matches_counts():
    assert sources_of(["a/x", "b/y"], rights(first=["a/**"], rest=["**"]), "lake") == ["first", "rest"]


def test_files_without_rights_are_listed_ten_at_a_time_with_their_number():
    with pytest.raises(BadInput, match=r"12 file\(s\) without a rights entry.*p9 and 2 more"):
        sources_of([f"p{number}" for number in range(12)], rights(only=["q"]), "lake")


def test_a_rights_file_with_faults_names_all_of_them(tmp_path):
    path = tmp_path / "lake.yaml"
    path.write_text("sources:\n  a: {paths: [../x], licence: 'no licence!', rights_basis: own, "
                    "cleared_for_training: yes, reviewed_by: me, published: null}\n")
    with pytest.raises(BadInput) as caught:
        load_rights(path)
    for field in ("sources.a.paths", "sources.a.licence", "sources.a.reviewed_on", "cleared_for_training"):
        assert field in str(caught.value)
