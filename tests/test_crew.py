"""The threads that make a channel's calls."""

from __future__ import annotations

from threading import Barrier, Event, active_count

from worker.channels.crew import Crew


def test_everything_that_was_given_is_done_before_the_crew_goes() -> None:
    """``shutdown`` waits for what is under way and for what still waits in line."""
    done: list[int] = []
    crew = Crew(3, "test")
    for number in range(100):
        crew.submit(done.append, number)
    crew.shutdown()
    assert list(range(100)) == sorted(done)


def test_as_many_calls_are_under_way_at_once_as_there_may_be() -> None:
    """Eight calls that wait for one another all get a thread."""
    crew, together = Crew(8, "test"), Barrier(9)
    for _ in range(8):
        crew.submit(together.wait)
    together.wait(10)
    crew.shutdown()


def test_no_more_calls_are_under_way_than_there_may_be() -> None:
    """However many are given, as many threads and no more."""
    before, go_on = active_count(), Event()
    crew = Crew(2, "test")
    for _ in range(20):
        crew.submit(go_on.wait)
    assert active_count() == before + 2
    go_on.set()
    crew.shutdown()
    assert active_count() == before
