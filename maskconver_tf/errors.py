"""The one exception for things a user can put right."""


class UserError(Exception):
    """What was asked cannot be done as asked; the message is all a user needs.

    The message names the file or argument, what was found, what was expected and the way out. The
    command line prints it without a traceback and exits with status 2.
    """
