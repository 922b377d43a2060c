"""The shipped lists."""

from __future__ import annotations

from worker.content.phrases import load_phrasebooks
from worker.resources import TEMPLATES

BOOKS = load_phrasebooks(TEMPLATES)
