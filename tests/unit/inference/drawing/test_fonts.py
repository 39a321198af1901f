"""Which texts a machine can write, and with which font."""

from PIL import ImageFont

from maskconver_tf.inference.drawing import fonts


def test_what_has_no_letters_on_this_machine_cannot_be_written(monkeypatch):
    monkeypatch.setattr(fonts, "_font_files", list)
    texts = ["dog?", "Ärmel é", "мяч", "고양이", "中文"]
    assert [fonts.can_write(text) for text in texts] == [True, True, False, False, False]


def test_a_font_that_lacks_a_letter_is_not_used(monkeypatch, tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    font = tmp_path / "b.TTF"
    font.write_bytes(ImageFont.load_default(size=16).font_bytes)  # It has Latin letters alone.
    monkeypatch.setattr(fonts, "_FONT_FOLDERS", (str(tmp_path), str(tmp_path / "none")))
    monkeypatch.setattr(fonts, "_font_files", fonts._font_files.__wrapped__)
    assert [fonts._font_file(text) for text in ("a b", "고양이", "a중")] == [
        str(font),
        None,
        None,
    ]
