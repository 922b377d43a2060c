"""Markdown as plain text that reads well: the text part of an e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token


def plain_text(tokens: Sequence[Token]) -> str:
    """Blocks with a blank line between them; list items with a dash or their number."""
    blocks: list[tuple[str, bool]] = []
    items: list[int | None] = []
    marker = ""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                items.append(None)
            case "ordered_list_open":
                items.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                items.pop()
            case "list_item_open":
                marker = _marker(items)
            case "inline":
                line = _indent(items) + marker + _inline(token.children or [])
                blocks.append((line, bool(marker)))
                marker = ""
            case "hr":
                blocks.append(("---", False))
            case "code_block" | "fence":
                blocks.append((token.content.rstrip(), False))
    return _join(blocks)


def _marker(items: list[int | None]) -> str:
    number = items[-1]
    if number is None:
        return "- "
    items[-1] = number + 1
    return f"{number}. "


def _indent(items: list[int | None]) -> str:
    return "  " * max(len(items) - 1, 0)


def _inline(children: Sequence[Token]) -> str:
    words: list[str] = []
    link = ""
    start = 0
    for child in children:
        match child.type:
            case "link_open":
                link, start = str(child.attrs["href"]), len(words)
            case "link_close":
                label = "".join(words[start:])
                shown = link.removeprefix("mailto:").removeprefix("tel:")
                words += [f" ({shown})"] if shown != label and not link.startswith("tel:") else []
            case "softbreak" | "hardbreak":
                words.append("\n")
            case _:
                words.append(child.content)
    return "".join(words)


def _join(blocks: Sequence[tuple[str, bool]]) -> str:
    """Items of a list stand together, everything else apart."""
    text, after_item = "", False
    for block, is_item in blocks:
        gap = "\n" if is_item and after_item else "\n\n"
        text += gap + block if text else block
        after_item = is_item
    return text
