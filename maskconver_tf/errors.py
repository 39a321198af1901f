"""What ends a command with a message: a mistake a user can put right, or a stop on request."""


class UserError(Exception):
    """What was asked cannot be done as asked; the message is all a user needs.

    The message names the file or argument, what was found, what was expected and the way out. The
    command line prints it without a traceback and exits with status 2.
    """

    # Keras, through whose layers it may come, then leaves the message as it is.
    _keras_call_info_injected = True


class RunStopped(BaseException):
    """A run ended early with nothing lost: the same command goes on.

    Like `KeyboardInterrupt` no `Exception`: it passes code that takes all errors for its own.

    Attributes:
      status: to exit with; 75 (EX_TEMPFAIL of sysexits.h) asks whoever started it to do so again,
        130 says that a person ended it.
    """

    def __init__(self, message: str, status: int = 75):
        super().__init__(message)
        self.status = status


def check_whole_numbers(where: str, least: int, **counts: object) -> None:
    """Refuses settings of `where` that are no whole number from `least`.

    Raises:
      UserError: one is not; the message names it.
    """
    for name, value in counts.items():
        if type(value) is not int or value < least:
            raise UserError(f"{where}.{name} = {value!r}: expected a whole number from {least}")
