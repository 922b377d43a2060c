"""What holds for every reply, whatever it says."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.replies import table_en, table_es
from tests.replies.books import BOOKS
from worker.rules.replies import Meaning, classify

COURTESY = [each for book in BOOKS for each in book.courtesy if "/" not in each]
STOP_WORDS = ["stop", "unsubscribe", "end", "quit", "cancel", "opt out", "alto", "basta", "baja"]
ALL_REPLIES = [
    reply
    for table in (table_en.TABLE, table_es.TABLE)
    for group in table
    for reply in group.replies
]
DENIALS = ["no {}", "without {}", "there is no {}", "I don't have any {}", "no signs of {}"]
NEGACIONES = ["no tengo {}", "sin {}", "no hay {}", "no he tenido {}", "nada de {}"]


def somehow_cased(text: str) -> st.SearchStrategy[str]:
    """The text with each letter in either case."""
    upper = st.lists(st.booleans(), min_size=len(text), max_size=len(text))
    return upper.map(
        lambda ups: "".join(
            char.upper() if up else char for char, up in zip(text, ups, strict=True)
        )
    )


def stretched(text: str) -> st.SearchStrategy[str]:
    """The text with one letter held down."""
    at = st.sampled_from([at for at, char in enumerate(text) if char.isalpha()])
    times = st.integers(min_value=3, max_value=12)
    return st.builds(lambda at, n: text[:at] + text[at] * n + text[at + 1 :], at, times)


between = st.text(st.sampled_from(" .!\n😡🙏❤️👍…"), min_size=1, max_size=6).map(
    lambda it: f" {it} "
)
courtesies = st.lists(st.sampled_from(COURTESY).flatmap(somehow_cased), max_size=3)


@settings(deadline=None, max_examples=400)
@given(st.text())
@example("\ud800")
@example("\x00\x1b[2J")
@example("*/..." * 50)
@example("no fever, " * 200)
def test_any_text_has_a_meaning(text: str) -> None:
    """Nothing that a phone can send raises."""
    assert classify(text, BOOKS).meaning in Meaning


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(STOP_WORDS).flatmap(lambda it: somehow_cased(it) | stretched(it)),
    courtesies,
    courtesies,
    between,
)
def test_a_stop_among_courtesies_stays_a_stop(
    stop: str, before: list[str], after: list[str], gap: str
) -> None:
    """Manners, capitals, punctuation, emoji and a finger held too long change nothing."""
    assert classify(gap.join([*before, stop, *after]), BOOKS).meaning is Meaning.STOP


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(ALL_REPLIES), st.sampled_from(["Stop.", "STOP!", "Basta."]))
def test_no_reply_hides_a_stop_in_a_sentence_of_its_own(reply: str, stop: str) -> None:
    """Before it or after it: messages end."""
    assert classify(f"{reply}\n{stop}", BOOKS).stops
    assert classify(f"{stop} {reply}", BOOKS).stops


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(ALL_REPLIES), st.sampled_from(["It is bleeding.", "Me sale pus.", "I fainted."])
)
def test_no_reply_hides_a_red_flag_in_a_sentence_of_its_own(reply: str, flag: str) -> None:
    """Before it or after it: staff are alerted."""
    assert classify(f"{reply}\n{flag}", BOOKS).meaning is Meaning.RED_FLAG
    assert classify(f"{flag} {reply}", BOOKS).meaning is Meaning.RED_FLAG


@settings(deadline=None)
@given(st.sampled_from(ALL_REPLIES) | st.text())
def test_the_order_of_the_languages_changes_nothing(text: str) -> None:
    """Patients answer in any language."""
    assert len({classify(text, order) for order in permutations(BOOKS)}) == 1


@pytest.mark.parametrize("denial", DENIALS)
@pytest.mark.parametrize(
    "symptom", ["fever", "pus", "bleeding", "blisters", "swelling", "rash", "trouble breathing"]
)
def test_a_symptom_denied_and_then_affirmed_stands(denial: str, symptom: str) -> None:
    """Denied it is for staff; denied "but there is another" it is a red flag."""
    assert classify(denial.format(symptom), BOOKS).meaning is Meaning.STAFF
    both = f"{denial.format(symptom)} but an infection"
    assert classify(both, BOOKS).meaning is Meaning.RED_FLAG


@pytest.mark.parametrize("negacion", NEGACIONES)
@pytest.mark.parametrize("symptom", ["fiebre", "pus", "ampollas", "sangrado", "hinchazón"])
def test_the_same_in_spanish(negacion: str, symptom: str) -> None:
    """Denied it is for staff; denied "pero hay otro" it is a red flag."""
    assert classify(negacion.format(symptom), BOOKS).meaning is Meaning.STAFF
    both = f"{negacion.format(symptom)} pero hay infección"
    assert classify(both, BOOKS).meaning is Meaning.RED_FLAG
