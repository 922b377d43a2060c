"""What the text messages cost: their segments, and what a name does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.content.samples import NAMES, samples
from worker.errors import TemplateError
from worker.rules.contacts import is_language
from worker.rules.messages import Channel
from worker.rules.sms import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.content.library import Library
    from worker.rules.sms import Measure

#: Of :data:`~worker.content.samples.NAMES`: one that costs nothing, and one that does.
_PLAIN_NAME = NAMES[0]
_DEAR_NAME = "Łukasz"


def describe_cost(found: Measure) -> str:
    """``2 segments, 195 of GSM-7``: how a text is billed."""
    segments = "1 segment" if found.segments == 1 else f"{found.segments} segments"
    return f"{segments} ({found.units} characters, {found.encoding})"


def text_costs(library: Library) -> str:
    """How many segments the texts have, in a sentence; empty when there are none."""
    plain = sorted(_segments(library, _PLAIN_NAME))
    dear = sorted(_segments(library, _DEAR_NAME))
    if not plain or not dear:
        return ""
    return (
        f"A text has {_range(plain)}; {_range(dear)} for a first name with letters outside the "
        f'GSM alphabet, such as "{_DEAR_NAME}", which is kept as its owner writes it.'
    )


def _range(segments: list[int]) -> str:
    low, high = segments[0], segments[-1]
    if low == high == 1:
        return "1 segment"
    return f"{high} segments" if low == high else f"{low} to {high} segments"


def _segments(library: Library, name: str) -> Iterator[int]:
    """The segments of each treatment's texts in each language, for the usual situation."""
    for treatment, protocol in library.protocols.items():
        for language in filter(is_language, library.languages(treatment)):
            called = [each for each in samples(treatment, language) if each.first_name == name]
            for milestone in protocol.milestones:
                if Channel.SMS not in milestone.channels or not called:
                    continue
                fitting = [each for each in called if each.fits(milestone)] or called
                try:
                    template = library.find(
                        treatment, milestone.name, Channel.SMS, wanted=language, fallback=language
                    )
                    context = fitting[0].context(milestone.name, language, library.protocols)
                    yield measure(template.render(context).text).segments
                except TemplateError:
                    continue  # the lint tells why it cannot be filled in
