"""Where a turn's time went: model calls, tools, and the chain that had to be waited for.

The critical path, in the sense of scheduling theory, is the longest chain of model and tool calls
of which each had to wait for the one before: calls made in one model turn stand side by side, a
called agent's calls come between its caller's, a transfer's target goes on where its source
stopped, and a workflow's node where the nodes that had ended before it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adk_flow.record import Record


@dataclass(slots=True)
class _Frame:
    """How far the chain of calls has come in one frame, in microseconds."""

    path: int
    base: int
    """Length at the end of the latest model call, from which its tool calls start."""
    asked: int = -1
    """Time of the request that is with the model; -1 if none is."""
    call: str = ""
    """The call in whose course it runs."""
    group: tuple[int, int, str] = (0, 0, "")
    """The run, and the frame and name of whose node it is."""


@dataclass(slots=True)
class Timing:
    """Adds up a turn's times, record by record; all in microseconds."""

    llm: int = 0
    """Sum over model calls, parallel ones too."""
    tools: int = 0
    """Sum over plain functions."""
    critical_path: int = 0
    _frames: dict[int, _Frame] = field(default_factory=dict)
    _began: dict[str, int] = field(default_factory=dict)
    """When each tool call began."""
    _inside: dict[str, int] = field(default_factory=dict)
    """Longest chain of what ran in the course of each call."""
    _ended: dict[tuple[int, int, str], int] = field(default_factory=dict)
    """Longest chain of ended nodes, by the run, frame and name of whose nodes they are."""

    def read(self, record: Record) -> None:
        """Reads the next record of the turn."""
        match record.hook:
            case "before_agent":
                self._begin(record)
            case "before_model":
                self._frame(record.frame).asked = record.time
            case "after_model" | "model_error":
                if not record.partial:
                    self._answered(record)
            case "before_tool":
                self._began[record.call] = record.time
            case "after_tool" | "tool_error":
                self._come_back(record)
            case "after_agent" | "agent_error":
                self._end_node(self._frame(record.frame))

    def _begin(self, record: Record) -> None:
        if record.frame in self._frames:
            return
        source = self._frame(record.caller)
        start = source.path if record.why == "transfer" else source.base
        group = (record.run, record.caller, record.parent)
        if record.why == "node":
            start = max(start, self._ended.get(group, 0))
        call = source.call if record.why == "transfer" else record.call
        self._frames[record.frame] = _Frame(start, start, call=call, group=group)
        self._note(self._frames[record.frame])

    def _answered(self, record: Record) -> None:
        frame = self._frame(record.frame)
        if frame.asked < 0:
            return
        took = max(0, record.time - frame.asked)
        frame.asked = -1
        self.llm += took
        frame.path += took
        frame.base = frame.path
        self._note(frame)

    def _come_back(self, record: Record) -> None:
        began = self._began.pop(record.call, record.time)
        frame = self._frame(record.frame)
        end = self._inside.pop(record.call, frame.base)
        if record.kind == "function":
            took = max(0, record.time - began)
            self.tools += took
            end = max(end, frame.base + took)
        frame.path = max(frame.path, end)
        self._note(frame)

    def _end_node(self, frame: _Frame) -> None:
        self._ended[frame.group] = max(self._ended.get(frame.group, 0), frame.path)

    def _note(self, frame: _Frame) -> None:
        """Takes a frame's chain into the turn's, and into that of the call it runs in."""
        self.critical_path = max(self.critical_path, frame.path)
        if frame.call:
            self._inside[frame.call] = max(self._inside.get(frame.call, 0), frame.path)

    def _frame(self, number: int) -> _Frame:
        return self._frames.setdefault(number, _Frame(0, 0))
