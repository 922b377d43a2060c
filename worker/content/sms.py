"""From a text template to an SMS that fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from worker.content.language import environment, fold_to_gsm
from worker.errors import TemplateError
from worker.rules.messages import Words
from worker.rules.sms import measure_as_if_plain, use_gsm_look_alikes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from jinja2 import Template

    from worker.content.context import ClinicWords

#: No message of ours is longer, but for letters of a name that are outside the GSM alphabet.
MOST_SEGMENTS = 2
#: So few letters fit into them, whichever they are of the GSM alphabet: nothing to count.
_SURELY_FIT = 150

_env = environment(html=False, gsm=True)


@dataclass(frozen=True, slots=True)
class SmsTemplate:
    """A compiled SMS template."""

    text: Template

    def render(self, context: Mapping[str, Any]) -> Words:
        """The SMS for one patient; see ``context.py`` for what a template may say.

        A first name is written as its owner writes it. Letters outside the GSM alphabet ("María",
        "Łukasz") make the text dearer, and that is the clinic's to pay. Only a name so *long* that
        the text would need a third segment in any alphabet is left out. The clinic's own name is
        written plainly ("Clinica Sol"): its accent would double the price of every text.

        Raises:
            TemplateError: When nothing is left to say.
        """
        context = {**context, "clinic": _plainly(context["clinic"])}
        text = self._text(context)
        if context["first_name"] and _too_long(text):
            nameless = self._text({**context, "first_name": ""})
            text = text if _too_long(nameless) else nameless
        if not text:
            message = "the text is empty; an empty message is never sent"
            raise TemplateError(message)
        return Words(text=text)

    def _text(self, context: Mapping[str, Any]) -> str:
        return use_gsm_look_alikes(self.text.render(context)).strip()


@lru_cache(maxsize=256)
def _plainly(clinic: ClinicWords) -> ClinicWords:
    return replace(clinic, name=fold_to_gsm(clinic.name))


def _too_long(text: str) -> bool:
    return len(text) > _SURELY_FIT and measure_as_if_plain(text).segments > MOST_SEGMENTS


def compile_sms(source: str) -> SmsTemplate:
    """Compile a template.

    Raises:
        jinja2.TemplateSyntaxError: When Jinja cannot read it.
    """
    return SmsTemplate(_env.from_string(source))
