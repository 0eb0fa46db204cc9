"""The style check of a short piece, and the cut to a length; both keep to plain rules."""

import re

LONGEST, SHORTEST = 90, 30
"""Words of a piece, the names of its sources not counted."""
LONGEST_SENTENCE = 45

_CITED = re.compile(r"\s*\((?:[^()]|\([^()]*\))+\)[\s.]*$")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_MARKUP = re.compile(r"^\s*(?:#|[-*•]\s|\d+[.)]\s)", re.M)


def style_faults(draft: str) -> list[str]:
    """Says what of a draft breaks the rules of the house; empty if nothing does."""
    faults, words = [], count_words(draft)
    if words > LONGEST:
        faults.append(f"It is too long: cut it to {LONGEST} words.")
    if words < SHORTEST:
        faults.append(f"It is too short: write at least {SHORTEST} words.")
    for sentence in (one for body, _ in _paragraphs(draft) for one in _SENTENCE_END.split(body)):
        if len(sentence.split()) > LONGEST_SENTENCE:
            begun = " ".join(sentence.split()[:4])
            faults.append(f"The sentence “{begun}…” is too long: make it two.")
    if "!" in draft:
        faults.append("It has an exclamation mark: take it out.")
    if _MARKUP.search(draft):
        faults.append("It has a heading or a list: write plain paragraphs.")
    return faults


def cut_to(draft: str, words: int) -> str:
    """Leaves out last sentences, the longest paragraph's first; each keeps one and its sources."""
    kept = [(_SENTENCE_END.split(body), cited) for body, cited in _paragraphs(draft)]
    while count_words(_joined(kept)) > words:
        longest = max(kept, key=lambda one: len(" ".join(one[0]).split()) * (len(one[0]) > 1))
        if len(longest[0]) == 1:
            break
        longest[0].pop()
    return _joined(kept)


def first_sentences(draft: str) -> list[str]:
    """Returns the sentence with which each paragraph begins."""
    return [_SENTENCE_END.split(body)[0] for body, _ in _paragraphs(draft)]


def sentences_of(paragraph: str) -> tuple[list[str], str]:
    """Takes a paragraph apart into its sentences and the sources that close it."""
    ((body, cited),) = _paragraphs(paragraph)
    return _SENTENCE_END.split(body), cited


def count_words(draft: str) -> int:
    """Counts the words of a draft without the sources that close its paragraphs."""
    return sum(len(body.split()) for body, _ in _paragraphs(draft))


def _paragraphs(draft: str) -> list[tuple[str, str]]:
    """Takes a draft apart into paragraphs: what is said, and the sources in closing brackets."""
    found = []
    for paragraph in filter(str.strip, re.split(r"\n\s*\n", draft.strip())):
        cited = _CITED.search(paragraph)
        body = paragraph[: cited.start()] if cited else paragraph
        found.append((body.strip(), cited[0].strip() if cited else ""))
    return found


def _joined(paragraphs: list[tuple[list[str], str]]) -> str:
    return "\n\n".join(" ".join([*sentences, cited]).strip() for sentences, cited in paragraphs)
