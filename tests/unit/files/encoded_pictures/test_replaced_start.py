"""A file that seems to start with other bytes."""

import io

from maskconver_tf.files.encoded_pictures.replaced_start import ReplacedStart


def test_only_the_first_bytes_are_replaced():
    file = ReplacedStart(io.BytesIO(b"0123456789"), b"abcd")
    assert file.read(2) == b"ab"
    assert file.tell() == 2
    assert file.read(4) == b"cd45"
    assert file.read() == b"6789"
    file.seek(-3, io.SEEK_END)
    assert file.read(2) == b"78"
    file.seek(0)
    assert file.read() == b"abcd456789"
    assert file.read(1) == b""
