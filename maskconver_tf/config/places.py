"""Finds where the configuration sets what an error message is about."""

from __future__ import annotations

import re
from collections.abc import Mapping

import gin

from maskconver_tf.config.bindings import Key, macro_key, macros_in


def place_of_setting(message: str, all_places: Mapping[Key, str]) -> str:
    """Returns "FILE:LINE: " for a message about a bound setting, such as "Saving.keep = 0: ..."."""
    setting = re.match(r"(\w+)\.(\w+)\b", message)
    if not setting:
        return ""
    name, parameter = setting.groups()
    keys = [k for k in all_places if k[1].endswith(f".{name}") and k[2] == parameter]
    keys = [macro_behind(key, all_places) or key for key in keys]
    places = {all_places[key] for key in keys}
    is_shown = any(re.search(rf"\b{setting[0]} *=", place) for place in places)
    return "" if len(places) != 1 or is_shown else f"{places.pop()}: "


def macro_behind(key: Key, all_places: Mapping[Key, str]) -> Key | None:
    """Returns the key of the macro that supplies a binding; None if a value supplies it."""
    bound = gin.query_parameter("/".join(filter(None, [key[0], f"{key[1]}.{key[2]}"])))
    macros = [macro_key(name) for name in macros_in(bound)]
    is_macro = isinstance(bound, gin.config.ConfigurableReference) and len(macros) == 1
    return macros[0] if is_macro and macros[0] in all_places else None
