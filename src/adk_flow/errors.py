"""What a user can mend."""


class AdkFlowError(Exception):
    """An error whose text is one line that names the file, line or field and what was expected."""
