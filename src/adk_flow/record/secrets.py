"""Secrets in a text, found in one pass of an engine whose time is linear in the text.

Shapes of keys follow gitleaks' rules (github.com/gitleaks/gitleaks, gitleaks.toml, July 2026),
which are written for RE2. A repetition is bounded if it does not end a match or the match may be
refused, so that no search runs on to the text's end, and plain `re`, where google-re2 has no wheel,
is not quadratic either.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from heapq import heappop, heapreplace
from importlib import import_module
from importlib.util import find_spec
from string import ascii_uppercase
from typing import Any, NamedTuple

_PREFIXED = (
    # Prefix and what follows: models, clouds, code, packages, chat, payment, mail, secrets' stores.
    r"(?:sk|rk|pk)[-_][\w-]{16,}|AIza[\w-]{20,}|AQ\.Ab[\w-]{20,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|(?:gsk|hf|xai|r8|pplx|fw|nvapi|tgp_v1|api_org|jina|csk|voyage|pa|tvly|phx|rnd)[-_][\w-]{20,}"
    r"|(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}|ABSK[\w+/]{50,}={0,2}|LTAI[A-Za-z0-9]{16,}"
    r"|bedrock-api-key-[\w+/]{20,}|[\w~.]{3}\dQ~[\w~.-]{31,34}|do[opr]_v1_[a-f0-9]{40,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|dt|rt|cbt|ft|ffct|imt|oas|soat|ptt|agent)"
    r"-[\w.-]{16,}"
    r"|GR1348941[\w-]{20}|AT(?:ATT3|BB|CTT3)[\w=-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{50,}"
    r"|rubygems_[a-f0-9]{40,}|dckr_(?:pat|oat)_[\w-]{20,}|lin_api_\w{30,}|CLOJARS_\w{40,}"
    r"|xox[abeoprs][.-][\w-]{8,}|xapp-[\w-]{10,}|hooks\.slack\.com/\w+/[\w/]{20,}"
    r"|discord(?:app)?\.com/api/webhooks/[\w/-]{20,}|\d{8,10}:AA[\w-]{30,}"
    r"|[MNO][A-Za-z\d]{23,25}\.[\w-]{6}\.[\w-]{27,}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,}|SG\.[\w.=-]{66,}|xkeysib-[\w-]{40,}|key-[a-f0-9]{32}|[a-f0-9]{32}-us\d\d?",
    r"(?:SK|AC)[a-fA-F0-9]{32}|sq0[a-z]{3}-[\w-]{20,}|EAAA[\w-]{22,}|EAA[A-Z][A-Za-z0-9]{40,}"
    r"|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|whsec_[\w+/=-]{16,}|access-(?:sandbox|development|production)"
    r"-[a-f0-9-]{30,}|dapi[a-f0-9]{32}|hv[sbr]\.[\w-]{20,}|pscale_\w{2,5}_[\w.=-]{20,}|dp\.\w{2}\.\w{40,}"
    r"|dt0[a-z]\d\d\.\w{20,40}\.\w{40,}|gl(?:c|sa)_[\w+/=]{30,}|NR(?:AK|JS|II|RA)-[\w-]{18,}"
    r"|sntry[su]_[\w+/=]{40,}|sbp_[a-f0-9]{40}|sb_secret_\w{20,}|PMAK-[\w-]{50,}|figd_[\w-]{30,}"
    r"|secret_\w{40,}|ntn_\w{40,}|pat\w{14}\.[a-f0-9]{60,}|phc_\w{30,}|pul-[a-f0-9]{40}"
    r"|\w{14}\.atlasv1\.[\w=-]{60,}|HRKU-[\w-]{30,}|00D\w{12,15}![\w.]{40,}|ops_eyJ[\w+/]{100,}"
    r"|A3-[A-Z0-9]{6}-[A-Z0-9-]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}|lsv2_[a-z]{2}_\w{30,}"
    r"|v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}|sha256~[\w-]{40,}|fo1_[\w-]{40,}|fm[12][ar]?_[\w+/=]{60,}|tskey-[\w-]{16,}|pnu_\w{30,}"
    r"|(?:sk|rk)_(?:test|live|prod)_\w{10,}|AKCp\w{69}|cmVmd\w{59}|4b1d[A-Za-z0-9]{38}|\d{5,16}:A[\w-]{34,}"
    r"|(?:sc|ext|scauth|authress)_\w{5,30}\.\w{4,6}\.acc[_-][\w-]{10,32}\.[\w+/=-]{30,}"
    r"|dnkey-[\w=-]{70,}|duffel_(?:test|live)_[\w=-]{43}|EZ[AT]K\w{54}|FLW(?:SECK|PUBK)_TEST-\w{12,}(?:-X)?"
    r"|fio-u-[\w=-]{64}|(?:pat|sat)\.[\w-]{22}\.\w{24}\.\w{20}|ico-\w{32}|eyJrIjoi\w{70,}|ZXlK[\w/-]{40,}",
    r"\w{6}_\w{29}_mmk|API-[A-Z0-9]{26}"
    r"|rdme_\w{70}|tk-us-[\w-]{48}|sm_(?:aat|pat|sat)_\w{16}|shippo_(?:live|test)_\w{40}|sgp_\w{40,}"
    r"|tfp_[\w.=-]{59}|t1\.[\w-]{1,60}={0,2}\.[\w-]{86}|AQVN[\w-]{35,38}|YC[\w-]{38}|A{22}[\w%]{80,}"
    r"|sl\.[\w=-]{135,}|p8e-\w{32}",
    r"[\w-]{1,60}\.webhook\.office\.com/webhookb2/[\w@/-]{40,}",
)
"""Each looked for by itself in long texts: together they took 0.7 s of a megabyte of base64."""
_STRONG = (
    r"(?:api|access|account|private|secret|signing|encryption|master|client|service|storage|admin"
    r"|deploy|ssh|subscription|license|shared)[ _.-]?keys?(?:[_-]?id)?"
    r"|(?:access|auth|refresh|id|session|bearer|api|bot)[ _-]?token"
    r"|secrets?|pass(?:words?|wd|phrase|code)|credentials?|connection[ _-]?string"
)
_WEAK = r"tokens?|authorization"
_SHORT = r"pwd|auth|sas"
_LONG_DIGITAL, _SHORT_DIGITAL = r"session[_-]?(?:id|cookie)", r"otp|pin|cvv|cvc|key"
"""Whose values have a digit."""

_ENDING = r"(?:_(?:value|text|base|prod|dev|test|live|old|new|v?\d))?"
_BEFORE = r"[\w.-]{0,40}"
_DIGIT_NAME = rf"(?i:{_BEFORE}?{_LONG_DIGITAL}{_ENDING}|(?:{_BEFORE}[_.-])?(?:{_SHORT_DIGITAL}))"
_NAME = (
    rf"(?i:{_BEFORE}?(?:{_STRONG}|{_WEAK}){_ENDING}|(?:{_BEFORE}[_.-])?(?:{_SHORT})"
    rf"|{_BEFORE}?(?:{_STRONG}){_BEFORE}?(?:{_LONG_DIGITAL}{_ENDING}|[_.-](?:{_SHORT_DIGITAL})))"
)
_EQUALS = r"""\\?["']?\s{0,4}(?::=|=>|[:=])\s{0,4}(?:(?i:bearer|basic|digest|token)[ \t]{1,20})?"""
_VALUE = r"""(?:\\?"[^"\n]{2,100}|\\?'[^'\n]{2,100}|[^\s"'&\\][^\s"'&\\)}]{2,100})"""

SERVICES = (
    # Whose keys have no prefix: known by the name before them.
    "adafruit|adobe|airtable|algolia|alibaba|asana|atlassian|confluence|jira|beamer|bitbucket|bittrex"
    "|meraki|cloudflare|codecov|cohere|coinbase|confluent|contentful|contribsys|datadog|discord"
    "|droneci|dropbox|etsy|facebook|fastly|finicity|finnhub|flickr|freshbooks|gitlab|gitter"
    "|gocardless|heroku|hubspot|intercom|jfrog|artifactory|bintray|kraken|kucoin|launchdarkly"
    "|linear|linkedin|lob|looker|mailchimp|mailgun|mapbox|mattermost|messagebird|netlify"
    "|new[-_]?relic|nytimes|okta|plaid|private_?ai|rapidapi|scalingo|sendbird|sentry|snyk|sonar"
    "|squarespace|sumo|telegram|travis|twitch|twitter|typeform|yandex|zendesk"
)

_THREE, _FOUR, _UP_TO_SEVEN = r"\d{3}", r"\d{4}", r"\d{1,7}"
_SPACED = (
    r"(?:[ .\t_/-]{1,3}|\xc2\xa0|\xe2\x80[\x80-\xaf])"  # also UTF-8's wider and narrower spaces
)


class _Shape(NamedTuple):
    """What a secret looks like, after what of it stays."""

    head: str
    body: str


_SHAPES = {
    "block": _Shape(
        r"-----BEGIN [A-Z ]{0,40}(?:PRIVATE KEY|PGP MESSAGE)[A-Z ]{0,10}-----",
        r"(?s:.{0,100}?(?:-----END [A-Z ]{0,40}-----|$)|.{100})",
    ),
    "putty": _Shape(
        r"PuTTY-User-Key-File-\d:", r"(?s:.{0,100}?(?:Private-MAC: ?[a-f0-9]{1,100}|$)|.{100})"
    ),
    "scheme": _Shape(r"\b(?i:bearer|basic|digest|apikey)[ \t]+", r"[\w.~+/=-]{8,100}"),
    **{f"key {number}": _Shape("", rf"\b(?:{keys})") for number, keys in enumerate(_PREFIXED)},
    "jwt": _Shape("", r"\bey[\w-]{8,500}\.[\w-]{8,}(?:\.[\w-]*){0,3}"),
    "spoken": _Shape(r"\b(?i:(?:pass(?:word|code|phrase)|pin) (?:is|was) )", r"""[^\s"]{3,100}"""),
    "phrase": _Shape(r"\b(?i:passw(?:or)?d: )", r"""[^\n"]{3,100}"""),
    "named": _Shape(rf"\b{_NAME}{_EQUALS}", _VALUE),
    "digit_named": _Shape(rf"\b{_DIGIT_NAME}{_EQUALS}", _VALUE),
    "service": _Shape(
        rf"""(?i:{SERVICES})[\w.-]{{0,30}}\\?["']?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}\\?["']?""",
        r"[\w.:=+-]{14,100}",
    ),
    "entry": _Shape(r'\b(?:ClearText)?Password" {0,3}value="', r'[^"\n]{2,100}'),
    "curl": _Shape(
        r"\bcurl\b[^\n]{0,200}[ \t](?:-u|--user)[ =]?[\"\']?[^\s:\"\']{0,60}:", r"[^\s\"\']{3,100}"
    ),
    "url": _Shape(r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/@]{0,100}:", r"[^\s@/]{1,200}@"),
    "signed": _Shape(
        r"[?&](?i:sig|signature|key|token|code|x-amz-signature)=", r"[\w%+/.=-]{8,100}"
    ),
    "mail": _Shape("", r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "iban": _Shape("", r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?\b"),
    "national insurance": _Shape("", r"\b[A-Z]{2}(?: ?\d{2}){3} ?[A-D]\b"),
    "tax": _Shape("", r"\bGB ?\d{3} ?\d{4} ?\d{2}(?: ?\d{3})?\b|\b\d{3}/[A-Z]{1,2}\d{3,6}\b"),
    "account": _Shape(
        r"\b(?i:sort ?code|account (?:number|no\.?)|a/c)[^\d\n\[]{0,20}\[?", r"\d[\d -]{4,10}\d\b"
    ),
    "phone": _Shape(
        r"(?:^|[^\w.,£$€-])",
        r"(?:\+\d{1,3}[ .-]?(?:\(0\))?[ .-]?\(?\d{2,5}\)?|\(?0[1-9]\d{1,3}\)?|00 ?[1-9]\d{0,2})"
        r"[ .-]\d{2,4}(?:[ .-]?\d{2,4}){1,2}\b",
    ),
    "spaced card": _Shape(
        "",
        rf"\b[2-6]{_SPACED.join((_THREE, _FOUR, _FOUR, _UP_TO_SEVEN))}\b"
        rf"|\b3[47]\d\d{_SPACED}\d{{6}}{_SPACED}\d{{5}}\b",
    ),
    "digits": _Shape(r"(?:^|[^\d.,£$€])", r"\d(?:[ -]?\d){6,100}(?::AA[\w-]{30,})?"),
}
MASK = "[masked]"
_MASK = MASK.encode()


@cache
def _compile(text: str) -> Any:
    pattern = text.encode()
    if find_spec("re2") is None:
        return re.compile(pattern)
    re2: Any = import_module("re2")
    options = re2.Options()
    options.encoding, options.max_mem = re2.Options.Encoding.LATIN1, 1 << 26
    return re2.compile(pattern, options)


_SHAPE_PATTERNS = tuple(map("".join, _SHAPES.values()))
_DIGIT = re.compile(rb"[\d.,]")
_MAY_BE_VALUE = {
    [*_SHAPES].index("digit_named"): re.compile(
        # A pin begins with a digit; a key has one in eight letters or more.
        rb"(?is)[^:=]{0,90}(?:otp|pin|cvv|cvc)[^:=]{0,9}[:=][^\w]{0,9}"
        rb"(?:(?:bearer|basic|digest|token)\s{1,20})?[^\w]{0,3}\d"
        rb"|[^:=]{1,100}[:=](?=.{8}).*[\d.,]"
    ),
    [*_SHAPES].index("service"): re.compile(rb"(?s).*\d"),
}
"""What findings look like that `_replace` may mask; most of these shapes, at 8 µs each, do not."""
_TO_VALUE, _LONGEST_HEAD = re.compile(rb"[^:=]{1,100}[:=]"), 120
"""What leads from a name to its value, and bytes of the longest name with that."""
_SECRET = "|".join(_SHAPE_PATTERNS)
_LONG = 100
"""Bytes of a body that a search reads: one that is refused, or taken by another, costs no more."""
_SECRET_HERE = re.sub(r"(^|\|)\\b", r"\1", _SECRET).replace(f",{_LONG}}}", ",}")
_SECRET_HERE = re.sub(r"(\(\?:\^\|\[[^]]*\]\))", r"\1?", _SECRET_HERE)
"""A secret to its end, whatever stands before it: also right behind another one."""
_FEW_BYTES = 1024
"""Bytes of texts in which all shapes are looked for at once."""
_SECRET_WORD = rf"(?i:{_STRONG}|{_WEAK}|{_SHORT}|{_LONG_DIGITAL}|{_SHORT_DIGITAL})"
_HEADED = re.compile(
    "|".join(
        "(?P<{}>{})".format(name, _SHAPES[name].head.removeprefix(r"\b"))
        for name in (
            *("scheme", "spoken", "phrase", "named", "digit_named", "service"),
            *("entry", "curl", "url", "signed", "account"),
        )
    ).encode()
)
"""What stays of a secret, told from its first letters."""
_NAMED = re.compile(rf"{_NAME}|{_DIGIT_NAME}".encode())
_STRONGLY_NAMED = re.compile(rf"(?i:.*(?:{_STRONG}))".encode())
_IBAN, _MAIL, _PHONE, _SPACED_CARD = (
    re.compile(_SHAPES[name].body.encode()) for name in ("iban", "mail", "phone", "spaced card")
)
_KEY = re.compile(rf"\b(?:{'|'.join(_PREFIXED)})".encode())
_OPAQUE = re.compile(rb"(?!\d{4}-\d\d-)(?=[^\d]{0,200}\d)(?=[^A-Za-z]{0,200}[A-Za-z])")
"""A key without a prefix: letters and digits, and no date."""
_DIGITS = re.compile(rb"[^\d]?[\d ().+-]+")
_UUID, _ID_LENGTH = re.compile(rb"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), 36
_CARD = re.compile(rb"[2-6]\d+(?:([ -])\d{2,}(?:\1\d{2,}){0,7})?")
_THOUSANDS = re.compile(rb"\d{1,3}(?: \d{3})+(?!\d)")
_GROUPED = re.compile(
    # NHS; a taxpayer's reference; a bank's sort code and account
    rb"(?:\d{3}[ -]\d{3}[ -]\d{4}|\d{5} \d{5}|\d{2}-\d{2}-\d{2}[ ,]{1,2}\d{7,8})(?!\d)"
)
_AS_NUMBERS = {ord(letter): str(int(letter, 36)) for letter in ascii_uppercase}
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))


def mask_secrets(text: str) -> str:
    """Masks every secret in a text, and leaves the words that say what it is."""
    data = text.encode("utf-8", "surrogatepass")
    find, parts, place, is_glued = _finder(data), [], 0, False
    while (span := (_here(data, place) if is_glued else None) or find(place)) is not None:
        start, end = span
        if end_of_id := _end_of_id(data, start, end):
            parts.append(data[place:end_of_id])
            place = end_of_id
            continue
        instead, covered = _replace(data[start:end], data[end : end + 2])
        is_masked = instead.endswith(_MASK)
        is_taken = end - start > _LONG and (is_masked or covered == end - start)
        if is_taken and (whole := _here(data, start)) and whole[1] > end:
            end = whole[1]
            instead, covered = _replace(data[start:end], data[end : end + 2])
            is_masked = instead.endswith(_MASK)
        parts += [data[place:start], instead]
        place = start + covered
        # A name right behind digits is seen as one only once they are masked.
        is_glued = is_masked and data[place : place + 1].isalnum()
    if not place:
        return text
    return b"".join([*parts, data[place:]]).decode("utf-8", "surrogatepass")


def _here(data: bytes, place: int) -> tuple[int, int] | None:
    match = _compile(_SECRET_HERE).match(data, place)
    return match and match.span()


def _finder(data: bytes) -> Callable[[int], tuple[int, int] | None]:
    """Gives what finds the first secret from a place on; places do not go back."""
    if len(data) > _FEW_BYTES:
        return _Findings(data).find
    search = _compile(_SECRET).search
    return lambda place: (match := search(data, place)) and match.span()


class _Findings:
    """The next finding of each shape, each looked for by itself.

    One pattern of all has a state for each way in which they overlap: RE2 makes these as a text
    shows them, for 6 s in a megabyte of random base64.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next = [(-1, shape, -1) for shape in range(len(_SHAPE_PATTERNS))]
        """A heap of start, shape and end."""
        self._searches = [_compile(pattern).search for pattern in _SHAPE_PATTERNS]

    def find(self, place: int) -> tuple[int, int] | None:
        """Gives the first finding from a place on; of those that begin there the first shape's."""
        findings = self._next
        while findings and findings[0][0] < place:
            shape = findings[0][1]
            match = self._search(shape, place)
            if match is None:
                heappop(findings)
            else:
                start, end = match.span()
                heapreplace(findings, (start, shape, end))
        if not findings:
            return None
        start, _, end = findings[0]
        return start, end

    def _search(self, shape: int, place: int) -> Any:
        """Finds a shape, and passes over names whose values are no secret's: that has a digit."""
        search, may_be_value = self._searches[shape], _MAY_BE_VALUE.get(shape)
        match = search(self._data, place)
        while match and may_be_value and not may_be_value.match(self._data, *match.span()):
            name = _TO_VALUE.match(self._data, match.start())
            end_of_name = name.end() if name else match.end()
            digit = _DIGIT.search(self._data, end_of_name)
            if digit is None:
                return None
            match = search(self._data, max(end_of_name, digit.start() - _LONG - _LONGEST_HEAD))
        return match


def _end_of_id(data: bytes, start: int, end: int) -> int:
    """Finds where a UUID ends whose digits were found, as in ADK's ids of calls; 0 if none."""
    if not _DIGITS.fullmatch(data, start, end):
        return 0
    ids = _UUID.finditer(data, max(0, start - _ID_LENGTH), end + _ID_LENGTH)
    return next((one.end() for one in ids if one.start() - 1 <= start < one.end()), 0)


def may_name_secret(text: str) -> bool:
    """Tells whether a text has a word that secrets are named by."""
    return _compile(_SECRET_WORD).search(text.encode("utf-8", "surrogatepass")) is not None


def is_secret_name(name: str, value: str) -> bool:
    """Tells whether a value so named is a secret."""
    named = _NAMED.fullmatch(name.encode("utf-8", "surrogatepass"))
    return named is not None and _is_value(named[0], value.encode("utf-8", "surrogatepass"))


def _replace(found: bytes, following: bytes) -> tuple[bytes, int]:
    """Gives what stands in place of a finding, and how much of it that covers."""
    if _MAIL.fullmatch(found):
        return _MASK, len(found)
    if _IBAN.fullmatch(found) and not _is_valid_iban(found) and not _KEY.match(found):
        return found[:2], 2
    if _SPACED_CARD.fullmatch(found):
        is_card = _is_card(re.sub(rb"\D", b"", found))
        return (_MASK, len(found)) if is_card else (found[:1], 1)
    if found[:1].isalpha() or not _DIGITS.fullmatch(found):
        if head := _HEADED.match(found):
            return _replace_headed(found, head)
        is_text = found[:1].isalpha() or found[:2] == b"--" or b"/" in found or b"@" in found
        if is_text or _KEY.fullmatch(found):
            return _MASK, len(found)
    kept = b"" if found[:1].isdigit() or found[:1] in b"+(" else found[:1]
    number = found[len(kept) :]
    if _PHONE.fullmatch(number) or b":" in number:
        return kept + _MASK, len(found)
    return kept + _mask_numbers(number, following), len(found)


def _replace_headed(found: bytes, head: re.Match[bytes]) -> tuple[bytes, int]:
    kept = head[0]
    if head.lastgroup in ("named", "digit_named"):
        value = found[len(kept) :]
        if not _is_value(kept, value.strip(b"\\\"'")):
            return kept, len(kept)
        quote = re.match(rb"""\\?["']""", value)
        kept += quote[0] if quote else b""
    if head.lastgroup == "service" and not _OPAQUE.match(found, len(kept)):
        return kept[:-1], len(kept) - 1
    return kept + _MASK, max(len(kept) + 1, len(found.rstrip(b"@\\,;.")))


def _mask_numbers(text: bytes, following: bytes) -> bytes:
    """Masks what in a row of digits is of somebody: a card, an account; no amount, date or year."""
    groups = [*re.finditer(rb"\d+", text)]
    parts, place, number, is_amount = [], 0, 0, _THOUSANDS.match(text) is not None
    while number < len(groups):
        end = _end_of_secret(text, groups, number, following, is_amount)
        if end:
            parts += [text[place : groups[number].start()], _MASK]
            place = end
        number += 1
        while number < len(groups) and groups[number].start() < place:
            number += 1
    return b"".join([*parts, text[place:]])


def _end_of_secret(
    text: bytes, groups: list[re.Match[bytes]], number: int, following: bytes, is_amount: bool
) -> int:
    """Finds where a secret ends that begins with a group of digits; 0 if none does."""
    group = groups[number]
    if len(group[0]) == 1:
        return 0
    if end := _end_of_card(text, group.start()):
        return end
    if len(group[0]) >= 8:
        has_pence = group.end() == len(text) and following[:1] == b"." and following[1:].isdigit()
        is_round = group[0].endswith(b"00000")  # a bound, as tools' schemas have them
        return 0 if has_pence or is_round else group.end()
    if match := _GROUPED.match(text, group.start()):
        return match.end()
    is_phone = not is_amount and group[0].startswith(b"0")
    match = _PHONE.match(text, group.start()) if is_phone else None
    return match.end() if match else 0


def _end_of_card(text: bytes, place: int) -> int:
    """Finds a card's end: 13 to 19 digits in groups set apart alike, 16 in twos (ISO/IEC 7812)."""
    row = _CARD.match(text, place)
    if row is None:
        return 0
    groups = row[0].split(row[1]) if row[1] else [row[0]]
    shortest, longest = (16, 16) if len(groups[0]) == 2 else (13, 19)
    digits, end = b"", place - 1
    for group in groups:
        digits += group
        end += 1 + len(group)
        if shortest <= len(digits) <= longest and _is_card(digits):
            return end
    return 0


def _is_card(digits: bytes) -> bool:
    """Checks a card's number by Luhn's formula."""
    plain = digits[-1::-2]
    return (sum(plain) - 48 * len(plain) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def _is_value(name: bytes, value: bytes) -> bool:
    """Whether what is named like a secret looks like one: `max_tokens: 2000` does not."""
    if _STRONGLY_NAMED.match(name):
        return True
    name = name.lower().rstrip(b" \t\r\n\f\v\\\"':=>_.-0123456789")
    if name.endswith((b"pin", b"otp", b"cvv", b"cvc")):
        return value[:3].isdigit()
    if name.endswith((b"pwd", b"auth", b"authorization", b"sas")):
        return len(value) > 3
    digits = len(value) - len(value.translate(None, b"0123456789.,"))
    return len(value) >= 8 and digits < len(value) and (digits > 0 or name.endswith(b"token"))


def _is_valid_iban(text: bytes) -> bool:
    """Checks an IBAN by ISO 7064, MOD 97-10."""
    compact = text.decode().replace(" ", "").replace("-", "")
    return int((compact[4:] + compact[:4]).translate(_AS_NUMBERS)) % 97 == 1
