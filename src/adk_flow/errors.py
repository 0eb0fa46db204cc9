"""What a user can mend."""


class AdkFlowError(Exception):
    """An error whose text is one line that names the file, line or field and what was expected."""

    def __init__(self, reason: str, *, argument: str = "", value: object = "") -> None:
        """Takes the reason, and the parameter at fault with its value if it is one."""
        place = f"{argument} {value}".rstrip()
        super().__init__(f"{place}: {reason}" if place else reason)
        self.argument = argument
