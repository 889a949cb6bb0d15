import pytest

from hubbatch.jobs.titles import title_of


PAIR = "associations.tickets.contacts"


@pytest.mark.parametrize(
    ("verb", "object_type", "words"),
    [
        ("update", "tickets", "update tickets"),
        ("list", "tickets", "read all tickets"),
        ("read", PAIR, "read associations of tickets with contacts"),
        ("create", PAIR, "associate tickets and contacts"),
        ("create_default", PAIR, "associate tickets and contacts"),
        ("archive", PAIR, "separate tickets and contacts"),
        ("archive_labels", PAIR, "separate tickets and contacts"),
        ("add", "lists.581", "add to list 581"),
        ("remove", "lists.581", "remove from list 581"),
    ],
)
def test_what_a_job_does_in_words(verb: str, object_type: str, words: str) -> None:
    assert title_of(verb, object_type) == words
