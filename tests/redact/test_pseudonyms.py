import stat

import pytest

from pipeline.redact.analyse import Found
from pipeline.redact.pseudonyms import PUBLIC_KEY, Replacer, fingerprint, keyed, pseudonym_key
from pipeline.schema.errors import BadInput
from tests.redact.worlds import redact_params


@pytest.mark.parametrize("other", ["ann lee", "Ann  Lee", "ANN\nLEE", "Аnn Lee", "Ann\u200b Lee"])
def test_spellings_of_one_value_get_one_pseudonym(other):
    assert keyed(b"k", 10, "PERSON", other) == keyed(b"k", 10, "PERSON", "Ann Lee")


@pytest.mark.parametrize(("kind", "one", "other"), [
    ("PHONE", "+44 20 7946 0958", "0044-20-7946-0958"), ("PHONE", "+44 (0)20 7946 0958", "+442079460958"),
    ("IBAN", "GB29 NWBK 6016 1331 9268 19", "gb29nwbk60161331926819"),
    ("CREDIT_CARD", "4111-1111 11111111", "4111111111111111"),
    ("EMPLOYEE_CODE", "BW-51022", "bw 51_022"), ("PERSON", "Okonkwo, Margaret", "Margaret Okonkwo"),
])
def test_the_layout_of_a_number_and_the_order_of_a_name_do_not_count(kind, one, other):
    assert keyed(b"k", 10, kind, one) == keyed(b"k", 10, kind, other)


@pytest.mark.parametrize(("kind", "one", "other"), [
    ("EMAIL", "j.doe@a.example", "jdoe@a.example"), ("IP_ADDRESS", "1.21.1.1", "12.1.1.1"),
    ("PHONE", "+44 20", "44 20"),
    ("PERSON", "Margaret Okonkwo", "Okonkwo Margaret"), ("USERNAME", "a_b", "ab"), ("IDENTIFIER", "--", "-")])
def test_where_a_sign_can_make_another_value_it_counts(kind, one, other):
    assert keyed(b"k", 10, kind, one) != keyed(b"k", 10, kind, other)


def test_another_value_type_or_key_gets_another_pseudonym():
    tokens = {
        keyed(b"k", 10, "PERSON", "Ann"),
        keyed(b"k", 10, "PERSON", "Bo"),
        keyed(b"k", 10, "EMAIL", "Ann"),
        keyed(b"l", 10, "PERSON", "Ann"),
    }
    assert len(tokens) == 4


def test_the_worked_example():
    # printf 'PERSON\0ann lee' | openssl dgst -sha256 -hmac k
    assert keyed(b"k", 10, "PERSON", "Ann Lee") == "<PERSON_7a50224fa1>"


def test_each_find_is_replaced_and_the_rest_stays():
    replacer = Replacer(redact_params(pseudonym="type"), b"k")
    finds = [Found(0, 3, "PERSON", "x", 1.0), Found(4, 7, "PERSON", "x", 1.0), Found(11, 13, "ADDRESS", "x", 1.0)]
    assert replacer.replaced("Ann Bob at X1.", finds) == "<PERSON> <PERSON> at <ADDRESS>."


def test_the_local_key_is_made_once_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(_folder(tmp_path / "repository"))
    key = pseudonym_key("local")
    assert pseudonym_key("local") == key != PUBLIC_KEY
    path = tmp_path / "keys" / "pseudonyms.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.hex() not in fingerprint(key)
    path.chmod(0o644)
    with pytest.raises(BadInput, match="others may read"):
        pseudonym_key("local")


def test_a_key_inside_the_repository_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="inside the repository"):
        pseudonym_key("local")


def _folder(path):
    path.mkdir()
    return path
