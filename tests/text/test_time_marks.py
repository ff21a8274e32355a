"""Years in texts, and the date that gives itself away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.time_marks import WORD, first_date, mentions, own_date, without_date, words_of


def years(text):
    return [mention.year for mention in mentions(text)]


@pytest.mark.parametrize("text", ["GBP 2000 a day", "2,015 clients", "$2015", "12015", "20156", "2015 EUR",
                                  "2015%", "2015.50"])
def test_an_amount_is_no_year(text):
    assert years(text) == []


def test_years_are_found_in_dates_ranges_and_prose():
    assert years("In 2019, the audit of 12.03.2021 (FY2022), filed 2023-04-05, covered 2017-2018.") == [
        2019, 2021, 2022, 2023, 2017, 2018]


def test_a_mention_knows_where_it_stands():
    dated, stamp, ahead, plain = mentions("On 5 May 2021.\nEffective 2022\nNext review: 2024\nThe 2020 plan")
    assert (dated.dated, stamp.dated, ahead.dated, plain.dated) == (True, False, False, False)
    assert (dated.stamp, stamp.stamp, ahead.stamp, plain.stamp) == (False, True, False, False)
    assert (dated.ahead, stamp.ahead, ahead.ahead, plain.ahead) == (False, False, True, False)


def test_only_the_start_is_the_head():
    assert [mention.head for mention in mentions("2020 " + "x " * 1000 + "2021")] == [True, False]


@pytest.mark.parametrize("written", ["2023-04-05", "2023/4/5", "05.04.2023", "5 April 2023", "5th of April 2023",
                                     "April 5, 2023", "Apr 05 2023", "5-Apr-2023", "04/05/2023"])
def test_the_documents_own_date_goes_however_it_is_written(written):
    assert years(without_date(f"Signed {written} by the board. Since 2019.", "2023-04-05")) == [2019]


def test_other_dates_stay():
    text = "15 April 2023, 2023-04-15 and April 2023"
    assert without_date(text, "2023-04-05") == text


@pytest.mark.parametrize(("text", "date"), [
    ("until 30 NOVEMBER 2027.", "2027-11-30"), ("until 2027-11-30", "2027-11-30"),
    ("until Nov. 3rd, 2027", "2027-11-03"), ("until May 2027", None), ("until 2027-13-30", None), ("", None)])
def test_the_first_full_date_is_read(text, date):
    assert first_date(text) == date


@pytest.mark.parametrize(("text", "date"), [
    ("Issued 12 May 2029. The board met.", "2029-05-12"), ("Updated: 2027-06-14\nThe desk.", "2027-06-14"),
    ("Approved by the Board on May 12, 2027", "2027-05-12"), ("as of October 2026, open", "2026-10-01"),
    ("Created: 13-Jul-2027", "2027-07-01"),
    ("signed 12/05/2028 in Leith", "2028-12-05"),
    ("Approved: 31.10.2026", "2026-10-31"), ("Last reviewed 2026-11", "2026-11-01"),
    ("Approved 10/31/2026", "2026-10-31"),
    ("Updated: Q4 2026", "2026-10-01"), ("Publication date: 3 November 2026", "2026-11-03"),
    ("Date of issue: 3 November 2027", "2027-11-03"), ("Last modified: 2027-11-03", "2027-11-03"),
    ("As at 31 December 2026 the desk held", "2026-12-31"),
    ("As of 1 January 2027, branches report quarterly.", None), ("As of 2027-01-01, branches report", None),
    ("Certificates issued after 31 December 2030 must use SHA-384.", None),
    ("Loans created on or after January 1, 2027", None), ("approved budget for June 2028", None),
    ("Rule issued: comment by June 1, 2027", None), ("Notes issued in 2021 (redeemable 15 June 2028)", None),
    ("reviewed by June 2027", None), ("© 2027 Brackwater", "2027-01-01"),
    ("(c) 2019-2027 B", "2027-01-01"),
    ("Issued 2027, updated 3 June 2028", "2028-06-03"),
    ("Issued 2 May 2027, last updated 3 June 2028, reviewed 1 May 2027", "2028-06-03"),
    ("Issued 12 May 2025", None), ("Next review due 12 May 2029", None), ("will be published on 12 May 2029", None),
    ("gets published in October 2029", None), ("Effective 2029-01-01", None), ("The plan of May 2029", None),
    ("Approved until 12 May 2029", None), ("The notes reviewed 2029 rooms", None), ("", None)])
def test_the_date_that_a_text_bears_is_one_of_its_making(text, date):
    assert own_date(text, 2026) == date


def test_words_are_lower_case_and_without_figures():
    assert words_of("The 2021 Plan, plan B-12 of an X1") == {"the", "plan"}


PIECES = st.text() | st.text("aZéΣıſK²_'9\u00a0\u2019 ") | st.text("abCD", min_size=20, max_size=60)


@given(st.lists(PIECES).map(" ".join))
def test_words_are_those_that_the_pattern_finds_in_the_whole_text(text):
    assert words_of(text) == frozenset(WORD.findall(text.lower()))


def test_a_mark_is_read_in_any_case():
    assert [mention.dated for mention in mentions("MARCH 2019, March 2020, march 2021, q1 2022, Q1 2023")] == [True] * 5
    assert [(m.stamp, m.ahead) for m in mentions("EFFECTIVE 2019\nDue 2020")] == [(True, False), (False, True)]
