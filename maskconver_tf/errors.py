"""Errors that end a command with a message: a user's mistake, or a stop on request."""


class UserError(Exception):
    """A mistake that the user can correct; the message says how.

    The message names the file or argument, what was found, what was expected and the way out. It
    has no full stop at its end. The command line prints it without a traceback and exits with
    status 2.
    """

    # Keras adds text to errors from its layers, but not if this attribute is set.
    _keras_call_info_injected = True


class RunStopped(BaseException):
    """A run stopped early and lost nothing: the same command resumes it.

    Like `KeyboardInterrupt` this is not an `Exception`, so that code that catches all errors does
    not catch it.

    Attributes:
      status: exit status. 75 (EX_TEMPFAIL of sysexits.h) asks the caller to start the command
        again; 130 says that a person stopped it.
    """

    def __init__(self, message: str, status: int = 75):
        super().__init__(message)
        self.status = status


def check_whole_numbers(where: str, least: int, **counts: object) -> None:
    """Checks that the settings `counts` of `where` are whole numbers of at least `least`.

    Raises:
      UserError: a setting is not; the message names it.
    """
    for name, value in counts.items():
        if type(value) is not int or value < least:
            raise UserError(f"{where}.{name} = {value!r}: expected a whole number from {least}")
