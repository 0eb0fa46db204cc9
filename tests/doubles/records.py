"""Logs that no recorder wrote: records of any kind, in any order, by hypothesis."""

from hypothesis import strategies as st

from adk_flow.log.reader import Log
from adk_flow.log.schema import (
    AGENT_CALLS,
    Cause,
    FunctionCall,
    Header,
    Part,
    Record,
    Request,
    Usage,
)

HEADER = Header(flow_log=2, adk="2", adk_flow="0", app="app", session="s", time=0)
NUMBERS = st.integers(-1, 4)
NAMES = st.sampled_from(["", "Root", "Loans", "Funds", "user", "transfer_to_agent"])
IDS = st.sampled_from(["", "c1", "c2", "c3"])
KEYS = st.sampled_from(["k", "temp:k", "_adk", ""])
TEXTS = st.sampled_from(
    [
        *("", "yes", "It costs 5% a year.", "a longer utterance", "{", "[1]", "…", "½ ١٢ 9" * 99),
        *('{"agent_name": "Nobody"}', '{"a": "yes"}', "Root {}", "[Root] said: yes"),
        *("[Loans] said: It costs 5% a year.", "[Nobody] said: no"),
    ]
)
HOOKS = st.sampled_from(
    [
        *("user_message", "before_run", "before_agent", "after_agent", "agent_error", "event"),
        *("before_model", "after_model", "model_error", "before_tool", "after_tool"),
        *("tool_error", "after_run", "run_error", "of_next_year"),
    ]
)
KINDS = st.sampled_from(["", *sorted(AGENT_CALLS), "transfer", "function", "node_tool", "odd"])
PARTS = st.builds(
    Part,
    role=st.sampled_from(["user", "model"]),
    kind=st.sampled_from(["text", "call", "response", "data"]),
    text=NUMBERS,
)
REQUESTS = st.builds(
    Request,
    system=NUMBERS,
    parts=st.lists(PARTS, max_size=3).map(tuple),
    tools=st.lists(NAMES, max_size=2).map(tuple),
    targets=st.lists(NAMES, max_size=2).map(tuple),
)
CALLS = st.builds(FunctionCall, name=NAMES, kind=KINDS, id=IDS, text=TEXTS)
RECORDS = st.builds(
    Record,
    hook=HOOKS,
    time=st.integers(-5, 5) | st.just(10**25),
    run=NUMBERS,
    activation=NUMBERS,
    agent=NAMES,
    parent=NUMBERS,
    call=IDS,
    cause=st.sampled_from(["", *Cause.__args__, "odd"]),
    parent_name=NAMES,
    tool=NAMES,
    kind=KINDS,
    text=TEXTS,
    size=NUMBERS,
    request=st.none() | REQUESTS,
    calls=st.lists(CALLS, max_size=3).map(tuple),
    responses=st.lists(IDS, max_size=2).map(tuple),
    usage=st.none() | st.builds(Usage, input=NUMBERS, output=NUMBERS),
    transfer=NAMES,
    final=st.booleans(),
    partial=st.booleans(),
    pending=st.lists(IDS, max_size=1).map(tuple),
    state=st.lists(KEYS, max_size=2).map(tuple),
    artifacts=st.lists(KEYS, max_size=1).map(tuple),
    error=TEXTS,
    active_agent=NAMES,
    texts=st.dictionaries(NUMBERS, TEXTS, max_size=2),
)


def log_of(records: list[Record]) -> Log:
    """Makes a log of records, and of their texts."""
    texts = {number: text for record in records for number, text in record.texts.items()}
    return Log("log.jsonl", HEADER, records, texts, [])
