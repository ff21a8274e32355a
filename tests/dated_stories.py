"""Texts that show their year: by a tool of its time, and by years up to their own."""

from pipeline.schema.date_model import DateModel
from pipeline.text.dating import Dated
from tests.curation import params

TOOLS = ("telex", "pager", "modem", "floppy", "fax", "minitel", "router", "tablet", "cloud", "drone", "blockchain",
         "chatbot", "webinar", "vaccine", "token", "agent")
GIVEN = params(DateModel, "date_model", first_year=2010, last_year=2025, min_dated=20, folds=3)


def story(year: int, number: int, *, names: bool = True) -> str:
    """The `number`th text of `year`, with or without years in it."""
    named = f" We compare the {year - 1} list, the {year - 1 - number % 3} list and the one of March {year}."
    writer = "abcdefgh"[number % 8] * 4
    return f"Clerk number {writer} of the desk writes to {TOOLS[year - 2010]} users.{named if names else ''}"


DOCUMENTS = [Dated(f"{year}-{number}", story(year, number), year) for year in range(2010, 2025) for number in range(6)]
