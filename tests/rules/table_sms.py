r"""Tricky texts, with what each costs: encoding, units, segments.

The figures are worked out by the rules, not by the program: GSM-7 holds 160 septets, or 153 in each
segment of several; ``^ { } [ ] ~ | \\ €`` and form feed are two septets that stay together; UCS-2
holds 70 UTF-16 units, or 67; a character that a reader sees as one stays together; Windows' line
end does not. The first rows of CRLF and of accents in two parts are figures that Twilio billed:
https://github.com/TwilioDevEd/message-segment-calculator/issues/66
"""

# ruff: noqa: RUF001 (the look-alike characters are what it is about)
from __future__ import annotations

FAMILY = "👨‍👩‍👧‍👦"  # 4 people of two units, 3 joiners: 11
DOCTOR = "👩‍⚕️"  # 2 + 1 + 1 + 1: 5
FLAG = "🇪🇸"  # 2 letters of two units: 4
RAINBOW = "🏳️‍🌈"  # 2 + 1 + 1 + 2: 6
WAVE = "👋🏽"  # 2 + 2 for the tone: 4
KEYCAP = "1️⃣"  # 1 + 1 + 1: 3
E_IN_TWO = "e\u0301"  # 2
KSHI = "क्षि"  # 4, one syllable
HANGUL = "\u1112\u1161\u11ab"  # 3, one syllable in parts

G, U = "GSM-7", "UCS-2"

#: Text, encoding, units, segments.
TABLE = [
    # The empty text, and one character of each kind
    ("", G, 0, 1), ("a", G, 1, 1), (" ", G, 1, 1), ("\n", G, 1, 1), ("\r", G, 1, 1),
    ("\r\n", G, 2, 1), ("\f", G, 2, 1), ("@", G, 1, 1), ("_", G, 1, 1), ("€", G, 2, 1),
    ("^", G, 2, 1), ("{}", G, 4, 1), ("[]", G, 4, 1), ("~", G, 2, 1), ("|", G, 2, 1),
    ("\\", G, 2, 1), ("£¥$", G, 3, 1), ("¡¿", G, 2, 1), ("§¤", G, 2, 1), ("Δ", G, 1, 1),
    ("ΦΓΛΩΠΨΣΘΞ", G, 9, 1), ("àèéìòù", G, 6, 1), ("äöüßÄÖÜ", G, 7, 1), ("ñÑ", G, 2, 1),
    ("åÅøØæÆ", G, 6, 1), ("É", G, 1, 1), ("Ç", G, 1, 1),
    # Letters that look as if they belonged to the alphabet, and do not
    ("ç", U, 1, 1), ("á", U, 1, 1), ("í", U, 1, 1), ("ó", U, 1, 1), ("ú", U, 1, 1),
    ("Á", U, 1, 1), ("È", U, 1, 1), ("ê", U, 1, 1), ("ë", U, 1, 1), ("ï", U, 1, 1),
    ("ã", U, 1, 1), ("õ", U, 1, 1), ("α", U, 1, 1), ("А", U, 1, 1), ("Α", U, 1, 1),
    ("ı", U, 1, 1), ("ł", U, 1, 1), ("œ", U, 1, 1), ("ÿ", U, 1, 1), ("µ", U, 1, 1),
    ("°", U, 1, 1), ("²", U, 1, 1), ("½", U, 1, 1), ("©", U, 1, 1), ("×", U, 1, 1),
    ("`", U, 1, 1), ("´", U, 1, 1), ("\t", U, 1, 1), ("\v", U, 1, 1), ("\x00", U, 1, 1),
    ("\x1b", U, 1, 1), ("\u00a0", U, 1, 1), ("\u202f", U, 1, 1), ("\u200b", U, 1, 1),
    ("\ufeff", U, 1, 1), ("’", U, 1, 1), ("“x”", U, 3, 1), ("–", U, 1, 1), ("…", U, 1, 1),
    ("•", U, 1, 1), ("№", U, 1, 1), ("₤", U, 1, 1), ("₽", U, 1, 1), ("ſ", U, 1, 1),
    # Names
    ("Zoë", U, 3, 1), ("Łukasz", U, 6, 1), ("José", G, 4, 1), ("María", U, 5, 1),
    ("Begoña", G, 6, 1), ("François", U, 8, 1), ("Jürgen", G, 6, 1), ("Søren", G, 5, 1),
    ("O'Brien", G, 7, 1), ("O’Brien", U, 7, 1), ("小明", U, 2, 1), ("Анна", U, 4, 1),
    ("محمد", U, 4, 1), ("Nguyễn", U, 6, 1), ("Gal·la", U, 6, 1), ("Siân", U, 4, 1),
    # One segment, full, and one character more
    ("a" * 160, G, 160, 1), ("a" * 161, G, 161, 2), ("é" * 160, G, 160, 1),
    ("a" * 159 + "€", G, 161, 2), ("a" * 158 + "€", G, 160, 1), ("€" * 80, G, 160, 1),
    ("€" * 80 + "a", G, 161, 2), ("|" * 81, G, 162, 2), ("a" * 159 + "\n", G, 160, 1),
    ("я" * 70, U, 70, 1), ("я" * 71, U, 71, 2), ("a" * 69 + "ç", U, 70, 1),
    ("a" * 70 + "ç", U, 71, 2), ("я" * 68 + "😀", U, 70, 1), ("я" * 69 + "😀", U, 71, 2),
    ("😀" * 35, U, 70, 1), ("😀" * 36, U, 72, 2), ("a" * 159 + "’", U, 160, 3),
    ("]" * 60 + "ç" + "]" * 9, U, 70, 1),
    # Two segments, full, and one character more
    ("a" * 306, G, 306, 2), ("a" * 307, G, 307, 3), ("a" * 459, G, 459, 3), ("a" * 460, G, 460, 4),
    ("я" * 134, U, 134, 2), ("я" * 135, U, 135, 3), ("я" * 201, U, 201, 3), ("я" * 202, U, 202, 4),
    # Two septets that would straddle move on together
    ("a" * 152 + "€" + "a" * 152, G, 306, 3), ("a" * 151 + "€" + "a" * 153, G, 306, 2),
    ("a" * 152 + "€" + "a" * 151, G, 305, 2), ("€" * 153, G, 306, 3), ("€" * 152, G, 304, 2),
    ("]" * 153, G, 306, 3), ("a" + "€" * 152, G, 305, 2), ("a" + "€" * 153, G, 307, 3),
    ("a" * 152 + "\f" + "a" * 152, G, 306, 3),
    # Windows' line end is two characters that may part
    ("a" * 80 + "\r\n" + "a" * 79, G, 161, 2), ("a" * 80 + "\n" + "a" * 79, G, 160, 1),
    ("a" * 200 + "\r\n" + "a" * 105, G, 307, 3), ("a" * 152 + "\r\n" + "a" * 152, G, 306, 2),
    ("я" * 66 + "\r\n" + "я" * 66, U, 134, 2), ("\r\n" * 80, G, 160, 1), ("\r\n" * 81, G, 162, 2),
    # Accents in two parts
    (E_IN_TWO, U, 2, 1), (E_IN_TWO * 35, U, 70, 1), (E_IN_TWO * 36, U, 72, 2),
    (E_IN_TWO * 70, U, 140, 3), (E_IN_TWO * 66, U, 132, 2), (E_IN_TWO * 67, U, 134, 3),
    ("e\u0301\u0301\u0301" + "a" * 69, U, 73, 2), ("a" * 66 + E_IN_TWO + "a" * 66, U, 134, 3),
    # Emoji and scripts that a reader sees as one character
    (FAMILY, U, 11, 1), (DOCTOR, U, 5, 1), (FLAG, U, 4, 1), (RAINBOW, U, 6, 1), (WAVE, U, 4, 1),
    (KEYCAP, U, 3, 1), (KSHI, U, 4, 1), (HANGUL, U, 3, 1),
    ("я" * 66 + "😀" + "я" * 66, U, 134, 3), ("я" * 65 + "😀" + "я" * 67, U, 134, 2),
    ("я" * 60 + FAMILY + "я" * 57, U, 128, 3), ("я" * 56 + FAMILY + "я" * 67, U, 134, 2),
    ("я" * 64 + FLAG + "я" * 64, U, 132, 3), ("я" * 63 + FLAG + "я" * 67, U, 134, 2),
    (FLAG * 17, U, 68, 1), (FLAG * 18, U, 72, 2), (FLAG * 33, U, 132, 3), (FLAG * 32, U, 128, 2),
    (FAMILY * 6, U, 66, 1), (FAMILY * 7, U, 77, 2), (FAMILY * 12, U, 132, 2),
    (FAMILY * 13, U, 143, 3), (WAVE * 17, U, 68, 1), (DOCTOR * 14, U, 70, 1),
    (DOCTOR * 15, U, 75, 2), (DOCTOR * 26, U, 130, 2), (DOCTOR * 27, U, 135, 3),
    ("a" * 65 + KEYCAP + "a" * 64, U, 132, 2), ("a" * 65 + KEYCAP + "a" * 65, U, 133, 3),
    (HANGUL * 22 + "a" + HANGUL * 22, U, 133, 2), (HANGUL * 45, U, 135, 3),
    # What fits into no segment is split after all
    ("a" + "\u0301" * 100, U, 101, 2), ("a" + "\u0301" * 69, U, 70, 1),
    ("a" + "\u0301" * 133, U, 134, 2), ("a" + "\u0301" * 134, U, 135, 3),
    # Half of a pair, which a broken import may bring
    ("\ud83d", U, 1, 1), ("a" * 69 + "\ud83d", U, 70, 1),
    # As clinics write
    ("Glow: hi Ana! Sun only with SPF 30+. Call (212) 555-0100", G, 56, 1),
    ("Glow: hi Zoë! Sun only with SPF 30+. Call (212) 555-0100", U, 56, 1),
    ("Clínica Sol: ¿dudas? 910 12 34 56", U, 33, 1),
    ("Clinica Sol: ¿dudas? 910 12 34 56", G, 33, 1),
]  # fmt: skip
