"""Secrets of many kinds, wherever an app may put them."""

import re
import runpy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.adk.apps import App
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adk_flow.export.attributes import CAPTURE
from adk_flow.export.live import MovesOnSpans
from adk_flow.models.scripted import Scripted, call
from adk_flow.record import secrets
from adk_flow.record.plugin import FlowPlugin
from adk_flow.record.secrets import MASK, mask_secrets
from adk_flow.scenario.conversation import read_conversation
from tests.doubles.command import run_command
from tests.doubles.flow import agent
from tests.doubles.pages import ROOT

A = "abcdefghijklmnopqrstuvwxyz"
HEX = "0123456789abcdef" * 4
KINDS = {
    "named value": [
        "AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
        "GITHUB_TOKEN=«abcdefgh1»",
        "SECRET_KEY_BASE=«abc»",
        f"{'x' * 45}-secret=«hunter2»",
        "password_pin: «none»",
        "export DB_PASSWORD='«hunter2»'",
        '{"clientSecret": "«two words»"}',
        "x-api-key: «abc123»",
        "AccountKey=«abc/def==»",
        "the password is «hunter2»",
        "PIN: «4821»",
    ],
    "authorization": ["Authorization: Bearer «abc.def-123456»", "Basic «dXNlcjpwYXNz»"],
    "address with credentials": [
        "https://me:«pa:55»@example.org",
        "postgresql+asyncpg://me:«pa55»@db/x",
        "redis://:«pa55word»@cache:6379",
        "https://x.example/c?sv=1&sig=«abc%2Fdefghijk»",
    ],
    "key block": [
        f"«-----BEGIN OPENSSH PRIVATE KEY-----\n{A}\n-----END OPENSSH PRIVATE KEY-----»",
        f"«-----BEGIN PGP PRIVATE KEY BLOCK-----\n{A}\n-----END PGP PRIVATE KEY BLOCK-----»",
        f"«PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n{A}\nPrivate-MAC: {HEX}»",
    ],
    "model provider": [
        f"«sk-proj-{A}»",
        f"«sk-ant-api03-{A}»",
        f"«AIzaSy{A}1234567»",
        f"«gsk_{A}»",
        f"«hf_{A}»",
        f"«pplx-{A}»",
        f"«xai-{A}»",
        f"«r8_{A}»",
        f"«nvapi-{A}»",
    ],
    "cloud": [
        "«AKIAIOSFODNN7EXAMPLE»",
        f"«ABSK{A}{A}»",
        f"«ya29.{A}»",
        f"«GOCSPX-{A}»",
        f"«LTAI{A[:20]}»",
        f"«dop_v1_{HEX}»",
        f"«abc1Q~{A}{A[:6]}»",
        f"«dapi{HEX[:32]}»",
        f"«hvs.{A}»",
    ],
    "code and packages": [
        f"«ghp_{A}0123456789»",
        f"«github_pat_{A}»",
        f"«glpat-{A}»",
        f"«npm_{A}0123456789»",
        f"«pypi-{A}{A}»",
        f"«dckr_pat_{A}»",
        f"«rubygems_{HEX}»",
        f"«lin_api_{A}0123456789»",
    ],
    "services": [
        "GITHUB_LOGIN=x; DATADOG_APP_ID=«9nu1go7w5m8pl52jspbb1n0zqz44njbguxs1xz8o»",
        '{"heroku": "«a4d6fe35-de7e-4e7e-af21-906c8067ff4f»"}',
        "twilio.sid: 1; okta-org = «00nyswy7gg8rx94t6yasvmuhnu2cw57yf9»",
        '<add key="Password" value="«ttfc87np»"/>',
        'curl -X GET --user "ann:«pa55word»"',
        "«xoxb-12345678901-abcdefghij»",
        f"«SG.{A[:22]}.{A}»",
        f"«sk_live_{A}»",
        f"«whsec_{A}»",
        f"«shpat_{HEX[:32]}»",
        f"«12345678:AA{A}{A[:9]}»",
        f"«glsa_{A}{A}»",
        f"«NRAK-{A}»",
        f"«SK{HEX[:32]}»",
        f"«figd_{A}{A}»",
        f"«ntn_{A}{A}»",
    ],
    "JSON web token": [f"«eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{A}»"],
    "e-mail": ["«ann.lee+x@mail.example.co.uk»", "«123456@example.com»", "«_7bob@example.org»"],
    "card": [
        "«4111 1111 1111 1111»",
        "«4111-1111-1111-1111»",
        "«4111111111111111»",
        "«3782 822463 10005»",
        "«3530111333300000»",
        "«41111111 11111111»",
        "«4111.1111.1111.1111»",
        "«4111  1111  1111  1111»",
        "«41 11 11 11 11 11 11 11» 41 11 11 11 11 11 11 12",
        "«4111 - 1111 - 1111 - 1111»",
        "«4111\xa01111\xa01111\xa01111»",
        "«3782\u2009822463\u200910005»",
    ],
    "bank": [
        "«GB29 NWBK 6016 1331 9268 19»",
        "«GB29NWBK60161331926819»",
        "sort code «20-45-77»",
        "«20-45-77 12345678»",
        "account number «1234567»",
    ],
    "tax and health": [
        "«QQ 12 34 56 C»",
        "«AB123456C»",
        "«12345 67890»",
        "«1234567890»",
        "«GB 123 4567 89»",
        "«123/AB456»",
        "«943 476 5919»",
    ],
    "telephone": [
        "«07700 900123»",
        "«+44 7700 900123»",
        "«020 7946 0958»",
        "«(020) 7946 0958»",
        "«+1 (415) 555-2671»",
        "«00 44 7700 900123»",
    ],
}
GITLEAKS = {
    "adobe-client-secret": f"p8e-{HEX[:32]}",
    "artifactory-api-key": f"AKCp{HEX}{HEX[:5]}",
    "artifactory-reference-token": f"cmVmd{HEX[:59]}",
    "authress-service-client-access-key": f"sc_{A[:9]}.ab12.acc-{A[:12]}.{A}{A}",
    "azure-ad-client-secret": f"9hi7Q~{A}{A[:6]}",
    "clickhouse-cloud-api-secret-key": f"4b1d{HEX[:38]}",
    "defined-networking-api-token": f"dnkey-{A}-{A}{A}",
    "duffel-api-token": f"duffel_test_{A}{A[:17]}",
    "easypost-api-token": f"EZAK{A}{A}01",
    "flutterwave-secret-key": f"FLWSECK_TEST-{HEX[:32]}-X",
    "frameio-api-token": f"fio-u-{HEX}",
    "gitlab-feature-flag-client-token": f"glffct-{A[:20]}",
    "gitlab-incoming-mail-token": f"glimt-{A[:25]}",
    "gitlab-scim-token": f"glsoat-{A[:20]}",
    "grafana-api-key": f"eyJrIjoi{HEX}{HEX}",
    "harness-api-key": f"pat.{A[:22]}.{A[:24]}.{A[:20]}",
    "hashicorp-tf-api-token": f"04xn971vb7dyyj.atlasv1.{A}{A}{A}",
    "infracost-api-token": f"ico-{HEX[:32]}",
    "jwt-base64": f"ZXlK{HEX}",
    "maxmind-license-key": f"3HOBCv_{A}abc_mmk",
    "microsoft-teams-webhook": f"x.webhook.office.com/webhookb2/{HEX}@{A}/IncomingWebhook/{HEX}",
    "octopus-deploy-api-key": f"API-{A.upper()}",
    "readme-api-token": f"rdme_{HEX}abcdef",
    "scalingo-api-token": f"tk-us-{HEX[:48]}",
    "settlemint-application-access-token": f"sm_aat_{A[:16]}",
    "shippo-api-token": f"shippo_live_{HEX[:40]}",
    "slack-legacy-workspace-token": "xoxa-lbuvSoaG",
    "sourcegraph-access-token": f"sgp_{HEX[:40]}",
    "square-access-token": f"EAAA{A[:22]}",
    "stripe-access-token": f"sk_test_{A[:10]}",
    "telegram-bot-api-token": f"37176:A{A}{A[:8]}",
    "twitter-bearer-token": "A" * 22 + HEX + HEX[:16],
    "typeform-api-token": f"tfp_{HEX[:59]}",
    "yandex-api-key": f"AQVN{HEX[:36]}",
}
"""Rules of gitleaks 8 whose keys have a shape of their own, and stand in no kind above.

Of its 221 rules these are left out: `generic-api-key`, which takes any word of much entropy for a
key, and `kubernetes-secret-yaml`, which reads whole files; what either names is a named value.
"""
TEXTS = [(kind, text) for kind, texts in KINDS.items() for text in texts]
MARKED = re.compile("«(.*)»", re.DOTALL)


@pytest.mark.parametrize(("kind", "text"), TEXTS)
@pytest.mark.parametrize("around", ["{}", "x {}, y", '("{}")', "a: {}\nb", "{}; 2026-11-28"])
def test_a_secret_is_masked_and_what_says_what_it_is_stays(kind, text, around):
    plain, masked = around.format(MARKED.sub(r"\1", text)), around.format(MARKED.sub(MASK, text))

    assert mask_secrets(plain) == masked


@pytest.mark.parametrize("rule", GITLEAKS)
def test_what_gitleaks_knows_by_its_shape_is_masked(rule):
    assert mask_secrets(f"see {GITLEAKS[rule]}, end") == f"see {MASK}, end"


@pytest.mark.parametrize("service", secrets.SERVICES.replace("?", "").split("|"))
def test_an_opaque_value_named_by_its_service_is_masked_and_words_and_dates_are_not(service):
    name = service.replace("[-_]", "_").upper()

    assert mask_secrets(f"{name}_CLIENT_ID='{A}0123'") == f"{name}_CLIENT_ID='{MASK}'"
    for value in (
        "everythingAsItWas",
        "2026-11-28T10:11:12",
        "£250,000",
        "12.5%",
        "https://x.y/z1",
    ):
        assert mask_secrets(f"{name}: {value}") == f"{name}: {value}"


@pytest.mark.parametrize(
    "text",
    [
        "A £250,000 mortgage (£250 000) at 4.5% over 25 years costs £1,389.58 a month.",
        "16288.946267774414, 12345678.50, £10000000, 1 000 000 000, 1000000000, 1,234,567",
        "-1234567.5, 100000, reports/2026-11-28.txt, price@1234567",
        "2026-11-28, 28-11-2026, 28/11/2026, 2026-11-28T10:11:12.123456Z, 2026 2027 2028 2029",
        '{"max_output_tokens": 2000, "total_token_count": 12345, "primary_key": "id"}',
        "In 2026/27 the secret of saving is patience; the keys to the house are yours.",
        "1 2 3 4 5 6 7 8 9 10",
        "2026.2027.2028.2029, 1111.1111.1111.1111, 4111.1111.1111.1112",
        "My token of thanks. tokens: 1,560. The pin is on the map.",
        f"{'x' * 45}.key=a:b {'x' * 45}-session_id: none",
    ],
)
def test_amounts_dates_rates_and_plain_words_stay(text):
    assert mask_secrets(text) == text


async def record_everywhere(secret: str, folder: Path, **options: Any) -> FlowPlugin:
    """Holds a conversation that has a secret in every place that a log tells of."""

    def look(thing: str, tool_context: ToolContext) -> dict[str, Any]:
        tool_context.state[f"about {secret}"] = {"found": [secret]}
        return {"thing": thing, secret: secret}

    def fail(thing: str) -> str:
        raise LookupError(f"nothing at {thing}")

    script = {"Root": [[call("look", thing=secret)], [call("fail", thing=secret)], secret]}
    root = agent("Root", Scripted(script=script), tools=[look, fail], instruction=f"Know {secret}")
    plugin = FlowPlugin(directory=folder, **options)
    runner = Runner(
        app=App(name="app", root_agent=root, plugins=[plugin]),
        session_service=InMemorySessionService(),
    )
    for user, session in (("u", secret), (secret, "s")):
        made = await runner.session_service.create_session(
            app_name="app", user_id=user, session_id=session, state={"known": secret}
        )
        with suppress(LookupError):
            async for _ in runner.run_async(
                user_id=user, session_id=made.id, new_message=types.UserContent(secret)
            ):
                pass
    await runner.close()
    return plugin


def words(value: Any) -> Iterator[str]:
    """Gives every text in JSON, also of JSON inside a text."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for part in value:
            yield from words(part)
    elif isinstance(value, str):
        yield value
        if value.startswith("{"):
            yield from words(msgspec.json.decode(value))


PAGE = (ROOT / "docs" / "log.md").read_text()

PLACES = {
    "message": {"user_message.text"},
    "instruction": {"before_model.texts"},
    "answer": {"after_model.text", "event.text"},
    "arguments": {"after_model.calls", "event.calls", "before_tool.text"},
    "result": {"after_tool.text"},
    "state": {"user_message.values", "event.values", "event.state"},
    "error": {"tool_error.error", "event.error", "agent_error.error", "run_error.error"},
    "ids": {"header.session", "header.user"},
}
"""What of a log's lines holds what, as the page lists it."""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_secret_is_masked_wherever_it_stands_as_the_page_lists_it(kind, tmp_path):
    text = KINDS[kind][0]
    secret = MARKED.search(text)[1]  # pyright: ignore[reportOptionalSubscript]

    plugin = await record_everywhere(MARKED.sub(r"\1", text), tmp_path)

    assert not plugin.faults, plugin.first_fault
    masked: set[str] = set()
    for log in tmp_path.rglob("*.jsonl"):
        assert secret not in log.name
        for line in map(msgspec.json.decode, log.read_bytes().splitlines()):
            for field, value in line.items():
                written = [*words(value)]
                assert [words for words in written if secret in words] == []
                if any(MASK in words for words in written):
                    masked.add(f"{line.get('hook', 'header')}.{field}")
    cells = ["masked" if places <= masked else "not" for places in PLACES.values()]
    assert f"| {' | '.join((kind, *cells))} |" in PAGE.splitlines()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_secret_is_masked_in_what_is_made_of_logs(kind, tmp_path, monkeypatch):
    pq = pytest.importorskip("pyarrow.parquet")
    # The messages of OTLP come with an extra, which the lowest versions are tried without.
    from tests.doubles.collector import collecting

    monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    text = KINDS[kind][0]
    secret = MARKED.search(text)[1]  # pyright: ignore[reportOptionalSubscript]
    with provider.get_tracer("test").start_as_current_span("app"):
        listener = MovesOnSpans()
        await record_everywhere(MARKED.sub(r"\1", text), tmp_path / "logs", listener=listener)
    made = [str(span.events) for span in exporter.get_finished_spans()]
    with collecting() as (endpoint, taken):
        for log in (tmp_path / "logs").rglob("*.jsonl"):
            run_command("export", log, "--otlp", endpoint, folder=tmp_path, **{CAPTURE: "1"})
            for form in ("csv", "json", "parquet"):
                out = tmp_path / form
                done = run_command("export", log, "--format", form, "--out", out, folder=tmp_path)
                assert done.returncode == 0, done.stderr
                made += [table.read_text() for table in out.iterdir() if form != "parquet"]
    made += [str(pq.read_table(table).to_pylist()) for table in (tmp_path / "parquet").iterdir()]
    made += [str(request) for _, _, request in taken]

    assert [text for text in made if secret in text] == []
    assert sum(MASK in text for text in made) >= 5


@given(st.uuids())
def test_an_id_of_adks_stays_whole(one):
    assert mask_secrets(f"pending: ['adk-{one}']") == f"pending: ['adk-{one}']"


@pytest.mark.parametrize(("kind", "text"), TEXTS)
def test_what_stands_behind_a_mask_is_not_masked_the_second_time(kind, text):
    masked = f"{MARKED.sub(MASK, text)}; 2026-11-28"

    assert mask_secrets(masked) == masked


@given(st.text(), st.sampled_from([text for _, text in TEXTS]), st.text())
def test_masking_twice_changes_nothing_more_in_any_text(before, text, after):
    masked = mask_secrets(before + MARKED.sub(r"\1", text) + after)

    assert mask_secrets(masked) == masked


SAMPLES = [MARKED.sub(r"\1", text) for _, text in TEXTS]


@given(
    st.lists(
        st.sampled_from([*SAMPLES, "12 May", "£1,200.50", " ", "a", "7", "\n", ", ", "=", "@"])
    )
)
def test_a_long_text_is_masked_like_a_short_one(pieces):
    text, few = "".join(pieces), secrets._FEW_BYTES
    try:
        secrets._FEW_BYTES = 1 << 30
        at_once = mask_secrets(text)
        secrets._FEW_BYTES = 0
        assert mask_secrets(text) == at_once
    finally:
        secrets._FEW_BYTES = few


class Reading:
    """A pattern that counts the bytes of what it finds."""

    def __init__(self, pattern: Any) -> None:
        self.pattern, self.bytes = pattern, 0

    def _found(self, match: Any) -> Any:
        self.bytes += len(match[0]) if match else 0
        return match

    def match(self, *where: Any) -> Any:
        return self._found(self.pattern.match(*where))

    def search(self, *where: Any) -> Any:
        return self._found(self.pattern.search(*where))


UNITS = (
    "key=",
    "key=1aa ",
    "lob=",
    "datadog=a.",
    "password is passwd: ",
    "pin is PuTTY-User-Key-File-3:",
)


@pytest.mark.parametrize("unit", [*UNITS, "07700 900123 ", "012 345 678 "])
def test_what_is_read_of_any_text_grows_with_it_and_not_with_its_square(unit, monkeypatch):
    patterns = (*secrets._SHAPE_PATTERNS, secrets._SECRET_HERE)
    read = {text: Reading(secrets._compile(text)) for text in patterns}
    read["thousands"] = Reading(secrets._THOUSANDS)
    monkeypatch.setattr(secrets, "_THOUSANDS", read["thousands"])
    monkeypatch.setattr(secrets, "_compile", read.__getitem__)
    sums = []
    for times in (1000, 4000):
        mask_secrets(unit * times)
        sums.append(sum(each.bytes for each in read.values()))

    assert 0 < sums[0] < sums[1] < 6 * sums[0]  # the second has the first in it


@pytest.mark.parametrize("unit", ["key=", "lob=", "pin: bearer" + " " * 20])
def test_a_secret_behind_names_whose_values_are_none_is_found(unit):
    names = (unit * 300)[:3000]

    assert mask_secrets(f"{names}; {unit}a1B2c3D4e5F6g7H8") == f"{names}; {unit}{MASK}"


def test_secrets_behind_each_other_need_no_pass_each():
    assert mask_secrets("AKIA" * 5000) == MASK * 1000


@pytest.mark.parametrize("length", [49, 50, 51, 500])
@pytest.mark.parametrize(
    "text",
    [
        "password=«{}»&x",
        '{{"pwd": "«{}, b»", "x": 1}}',
        "okta: «{}»,",
        "«-----BEGIN PRIVATE KEY-----{}-----END PRIVATE KEY-----»\nx",
    ],
)
def test_a_secret_longer_than_what_a_search_reads_is_masked_to_its_end(text, length):
    text = text.format("a1" * length)

    assert mask_secrets(MARKED.sub(r"\1", text)) == MARKED.sub(MASK, text)


def test_plain_re_finds_the_same_where_google_re2_is_not_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    plain = runpy.run_path(secrets.__file__)

    assert isinstance(plain["_compile"]("a"), re.Pattern)
    for _, text in TEXTS:
        assert plain["mask_secrets"](MARKED.sub(r"\1", text)) == MARKED.sub(MASK, text)


def test_the_page_names_each_kind():
    rows = PAGE.partition("## What is masked")[2].partition("Amounts")[0]

    assert re.findall(r"^\| ([\w -]+) \|", rows, re.M)[1:] == list(KINDS)


def test_nothing_of_the_desks_conversations_is_masked():
    for file in (ROOT / "conversations").glob("*.yaml"):
        for turn in read_conversation(file).turns:
            assert mask_secrets(turn.say) == turn.say
            planned = msgspec.json.encode(turn.plan or []).decode()
            assert mask_secrets(planned) == planned
