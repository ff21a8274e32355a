from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.redact.analyse import Analyser
from pipeline.redact.generate import example, read_lists
from pipeline.redact.recognisers import Patterns, Place
from pipeline.redact.rules import RULES, code_rules
from pipeline.schema.curate_redact import CodePattern
from tests.redact.worlds import redact_params, silent_tagger

AUTHORED = Path(__file__).resolve().parents[2] / "data" / "authored" / "pii"


@pytest.fixture(scope="module")
def analyser():
    return Analyser(silent_tagger(), redact_params())


def code(form):
    return CodePattern.model_validate({"kind": "STAFF", "syntax": "form", "pattern": form, "score": 1.0, "context": []})


def unbarred(rule):
    return rule._replace(words=(), shapes=(), needs="")


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
        ("its password was 'Quay side 2031!'", "Quay side 2031!", "SECRET"),
        ("leaked: a.lee@firm.example / T1de!mark9", "T1de!mark9", "SECRET"),
        ("IDENTIFIED BY 'qVkuKGB7k'", "qVkuKGB7k", "SECRET"),
        ("Authorization: Bearer 9fjA0Qk2LmZ81xTt77QwPp", "9fjA0Qk2LmZ81xTt77QwPp", "SECRET"),
        ("the PIN is 40172, keep it", "40172", "SECRET"),
        ("cvv 913", "913", "SECRET"),
        ("your one-time code is 661902", "661902", "SECRET"),
        ("his PAN number 'QWKRLEE719XP'", "QWKRLEE719XP", "IDENTIFIER"),
        ("the account details like 3012349977 leaked", "3012349977", "IDENTIFIER"),
        ("Medical file #MXC-438221", "MXC-438221", "IDENTIFIER"),
        ("his licence, DL:AB12-34CD-59", "AB12-34CD-59", "IDENTIFIER"),
        ("on card XXXX-XXXX-XXXX-9881", "XXXX-XXXX-XXXX-9881", "IDENTIFIER"),
        ("on card 4532********7891", "4532********7891", "IDENTIFIER"),
        ("the chassis 1M8GDM9AXKP042788 rusts", "1M8GDM9AXKP042788", "IDENTIFIER"),
        ("registration number KX19 LTV", "KX19 LTV", "IDENTIFIER"),
        ("licence plate: 8ABC123", "8ABC123", "IDENTIFIER"),
        ("send it to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO_WALLET"),
        ("CPF 529.982.247-25", "529.982.247-25", "NATIONAL_ID"),
        ("NRIC S1234567D", "S1234567D", "NATIONAL_ID"),
        ("NIE X1234567L", "X1234567L", "NATIONAL_ID"),
        ("NIR 1 84 12 76 451 089 46", "1 84 12 76 451 089 46", "NATIONAL_ID"),
        ("the NHS patient 943 476 5919", "943 476 5919", "NATIONAL_ID"),
        ("social insurance 046 454 286", "046 454 286", "NATIONAL_ID"),
        (
            "at 2937 Cypress Hill Blvd, Clinton, NJ 29687 since May",
            "2937 Cypress Hill Blvd, Clinton, NJ 29687",
            "ADDRESS",
        ),
        ("moved to 14 Ropewalk Lane last year", "14 Ropewalk Lane", "ADDRESS"),
        ("she lives at 9 Quarry Close, flat 3", "9 Quarry Close, flat 3", "ADDRESS"),
        ("in der Lindenstraße 14a wohnt", "Lindenstraße 14a", "ADDRESS"),
        ("until Via della Scala 12 was sold", "Via della Scala 12", "ADDRESS"),
        ("PO Box 610, Birgu", "PO Box 610", "ADDRESS"),
        ("Mill House\n Suite 041\nLeeds", "Suite 041", "ADDRESS"),
        ("ZIP: 85921", "85921", "ADDRESS"),
        ("address: the mill, EH6 7BD", "EH6 7BD", "ADDRESS"),
        ("Phone:\n60-56-85-91", "60-56-85-91", "PHONE"),
        ("Extension 4471 is hers", "4471", "PHONE"),
        ("my card 501864667909 fails", "501864667909", "CREDIT_CARD"),
        ("pay ann.lee@okbank by upi", "ann.lee@okbank", "EMAIL"),
        ("1952-06-30 was keyed as the start and the date of birth left empty", "1952-06-30", "DATE_OF_BIRTH"),
        ("he turned forty on 4 March 2024", "4 March 2024", "DATE_OF_BIRTH"),
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
        "the policy 2019 and the account 2023-24",
        "policy of 1,200 days; security policy v2",
        "Chapter 7 Data Trail Requirements and the 3 Supreme Court Decisions",
        "pin 12 of connector 4",
        "the renewal turned up on 9 January 2024",
        "reports XX100 and XXL sizes",
        "the vehicle 1M8GDM9AXKP04278 is one sign short",
        "see 12-14 and 20-22",
        "write to team@office",
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
        "12 A " * 5_000,
        "A-" * 9_000 + "weg",
        "id number " * 4_000 + "1",
        "a@b.c" * 5_000,
        "rue A, " * 4_000 + "1",
        "1 May 2001 x " * 3_000 + "dob",
    ):
        analyser.found([text])


def test_what_a_rule_needs_is_in_every_text_that_it_matches():
    """The cheap tests before a rule may only skip texts in which it finds nothing."""
    texts = [text for mark in test_a_pattern_finds.pytestmark for text, _, _ in mark.args[1]]
    lists = read_lists(AUTHORED)
    texts += [example(lists, 11, number, lower_share=0.1, invented_share=0.2).text for number in range(300)]
    texts += [text.swapcase() for text in texts] + [text.replace(" ", "\n") for text in texts]
    barred, free = (Patterns(rules) for rules in (RULES, [unbarred(rule) for rule in RULES]))
    assert [barred.find(text, None) for text in texts] == [free.find(text, None) for text in texts]


@pytest.mark.parametrize("form", [
    "AB 12 34 56 C", "AB123456C", "ABCDEF12A34B567C", "12345678-Z", "12345678 Z", "ABCPE1234F", "123456A",
    "529.982.247-25", "85.07.30-033.61", "S1234567D", "X1234567-L", "GOMC900514HDFRRA07", "140390-123X",
    "140390A123X", "140390+123X", "GB82 WEST 1234 5698 7654 32", "8.8.8.8", "8.88.8.8", "8.888.8.8",
    "12 Long Hill St, Clinton, NJ, 29687", "EH6 7BD", "W1A 7BD", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "1M8GDM9AXKP042788", "11111111111111111",
])  # fmt: skip
def test_no_shape_shuts_out_a_form_that_a_pattern_takes(form):
    for text in (form, form.lower(), form.replace("1", "\u0f21").replace("S", "\u017f"), f"({form})"):
        for rule in filter(lambda rule: rule.shapes, RULES):
            assert Patterns([rule]).find(text, None) == Patterns([unbarred(rule)]).find(text, None), rule.name


def test_a_capital_that_becomes_two_letters_moves_no_place_on_a_sheet():
    finds = Patterns(RULES).on_sheet("İİİİ\nthe PIN is 40172", [Place(0, 4), Place(5, 21)], None)
    assert [(hit.start, hit.end) for hit in finds] == [(16, 21)]


@pytest.mark.parametrize(
    "text",
    ["BW-20813", "bw20813", "BW 20 813", "recon_BW-20813_v3", "userbw20813", "actor=BW_20813;", "LN/BW-20813/2025",
     "URGENTBW-20813URGENT"],
)  # fmt: skip
def test_a_code_is_found_in_the_ways_people_write_its_form(text):
    (rule,) = code_rules((code("BW-#####"),))
    (hit,) = Patterns([rule]).find(text, None)
    assert "".join(filter(str.isalnum, text[hit.start : hit.end])).upper() == "BW20813"


@pytest.mark.parametrize("text", ["BW-2081", "BW-208134", "1BW208139", "ABW-20813x9"[:6], "BW-20.813.4"])
def test_less_or_more_than_the_form_is_no_code(text):
    assert Patterns(code_rules((code("BW-#####"),))).find(text, None) == []


def test_a_short_form_is_not_taken_out_of_a_longer_word():
    rules = code_rules((code("X-##"),))
    assert Patterns(rules).find("AX12 and x12b", None) == []
    assert len(Patterns(rules).find("x 12", None)) == 1


@pytest.mark.parametrize("pattern", ["BW", "BW-\\d{5}", "BW-#*"])
def test_a_form_without_digits_or_with_foreign_signs_is_refused(pattern):
    with pytest.raises(ValidationError, match="a form is of"):
        code(pattern)


def test_a_rule_of_identified_numbers_is_never_skipped_for_want_of_a_word(analyser):
    rule = next(rule for rule in RULES if rule.name == "named number")
    for text in ("Sort code 20-41-77", "MRN 4471882", "TIN 10-4938127", "Aadhaar 223344", "licence no 77120",
                 "drivers license X7712044", "VAT 447718", "police id 33018", "acct 447718"):  # fmt: skip
        assert any(word in text.lower() for word in rule.words)
        assert found(analyser, text)
