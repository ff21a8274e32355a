import pytest

from pipeline.redact.analyse import Analyser
from pipeline.redact.rules import RULES
from tests.redact.worlds import redact_params, silent_tagger


@pytest.fixture(scope="module")
def analyser():
    return Analyser(silent_tagger(), redact_params())


def found(analyser, text):
    return {(text[find.start : find.end], find.kind) for find in analyser.found([text])[0]}


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("write to m.oyelaran@firm.example.", "m.oyelaran@firm.example", "EMAIL"),
        ("write to m.оyelаran@firm.example", "m.оyelаran@firm.example", "EMAIL"),  # Cyrillic o and a
        ("write to ann＠firm．example now", "ann＠firm．example", "EMAIL"),
        ("write to a\u200bnn@firm.example", "a\u200bnn@firm.example", "EMAIL"),
        ("write to ann [at] firm [dot] example", "ann [at] firm [dot] example", "EMAIL"),
        ("paid to GB82 WEST 1234 5698 7654 32 was late", "GB82 WEST 1234 5698 7654 32", "IBAN"),
        ("paid to nl91abna0417164300", "nl91abna0417164300", "IBAN"),
        ("card 4111 1111 1111 1111", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("ring +44 131 496 0182 now", "+44 131 496 0182", "PHONE"),
        ("ring (555) 123-4567 x12", "(555) 123-4567 x12", "PHONE"),
        ("from 203.0.113.7 at noon", "203.0.113.7", "IP_ADDRESS"),
        ("from 2001:db8::1 at noon", "2001:db8::1", "IP_ADDRESS"),
        ("adapter 02:42:ac:11:00:02 up", "02:42:ac:11:00:02", "MAC_ADDRESS"),
        ("?sig=Zx81kQ77pp&x=1", "Zx81kQ77pp", "URL_CREDENTIALS"),
        ("the password is Tr0ub4dor&3", "Tr0ub4dor&3", "SECRET"),
        ("SSN 521-44-9382", "521-44-9382", "NATIONAL_ID"),
        ("dni 12345678Z", "12345678Z", "NATIONAL_ID"),
        ("passport number XG9382049 expired", "XG9382049", "IDENTIFIER"),
        ("born in Cork on 3 May 1981", "3 May 1981", "DATE_OF_BIRTH"),
        ("staff BW-48213 left", "BW-48213", "EMPLOYEE_CODE"),
        ("the suspect of FC-2231", "FC-2231", "CASE_CODE"),
        ("mail t . vermeulen @ firm . example now", "t . vermeulen @ firm . example", "EMAIL"),
        ("ring oh one three one, four nine six, oh double two seven", None, "SPOKEN_NUMBER"),
        ("ring 0131-four-nine-six-0183 after six", "0131-four-nine-six-0183", "SPOKEN_NUMBER"),
        ("ring O131 496 O2O6 please", "O131 496 O2O6", "PHONE"),
        ("fax (+353) 1 - 555 - 0 142 now", "+353) 1 - 555 - 0 142", "PHONE"),
        ("paid to GB82.WEST.1234.5698.7654.32 was late", "GB82.WEST.1234.5698.7654.32", "IBAN"),
        ('dbUser: "test_2341"', "test_2341", "USERNAME"),
        ("CREATE USER 'ops_6824'@'10.0.0.1'", "ops_6824", "USERNAME"),
        ("the password 'Finance24Gov#' was mailed", "Finance24Gov#", "SECRET"),
    ],
)
def test_a_pattern_finds(analyser, text, value, kind):
    assert (value or text.removeprefix("ring "), kind) in found(analyser, text)


@pytest.mark.parametrize(
    "text",
    [
        "version 10.2.3, section 4.1.2.9999",
        "from 2024-01-01 to 2024-02-03",
        "1,250,000 units at 14:05:33",
        "pages 12-14 and 120-140",
        "the case FC-2231 without a word beside it",
        "Tidemark is slow",
        "a@b",
        "the key idea is a token of good will",
        "999.1.1.1",
        "one or two of the seven, three at most",
        "User: the person who signs; login: required",
        "password policy and password length",
    ],
)
def test_look_alikes_are_left_alone(analyser, text):
    assert found(analyser, text) == set()


def test_a_hostile_text_takes_no_long_time(analyser):
    for text in (
        "@" * 20_000,
        "a." * 10_000 + "@",
        "1 " * 20_000,
        "+1 (" * 8_000,
        "password " * 4_000,
        ":" * 20_000,
        "GB82" + " A1" * 9_000,
    ):
        analyser.found([text])


def test_a_rule_of_identified_numbers_is_never_skipped_for_want_of_a_word(analyser):
    rule = next(rule for rule in RULES if rule.name == "named number")
    for text in ("Sort code 20-41-77", "MRN 4471882", "TIN 10-4938127", "Aadhaar 223344", "licence no 77120",
                 "drivers license X7712044", "VAT 447718", "police id 33018", "acct 447718"):  # fmt: skip
        assert any(word in text.lower() for word in rule.words)
        assert found(analyser, text)
