"""Says in words if a model is not better than a plain answer."""

from __future__ import annotations

from typing import Any


def comparison_sentences(baselines: dict[str, Any]) -> list[str]:
    """Returns a sentence for each plain answer that the model is not better than.

    Args:
      baselines: what `ModelComparison.results` returns.
    """
    constant, threshold = baselines["constant"], baselines["threshold"]
    sentences = []
    if constant and not constant["model_is_better"]:
        sentences.append(
            f"The answer '{constant['class']}' for every pixel has a PQ of "
            f"{_scores(constant['pq'], constant['model_pq'])}: the model has learned nothing of "
            "use yet"
        )
    if threshold and not threshold["model_is_better"]:
        pictures = f"{threshold['num_pictures']} picture{'s' * (threshold['num_pictures'] != 1)}"
        sentences.append(
            f"A threshold on brightness, with connected {threshold['things_are']} parts as things, "
            f"has {_worse_groups(threshold)} on {pictures}: the model is not better than this "
            "plain filter"
        )
    return sentences


def _worse_groups(threshold: dict[str, Any]) -> str:
    names = {"pq_things": "a PQ of things of", "pq": "a PQ of all classes of"}
    return " and ".join(
        f"{text} {_scores(threshold[name], threshold[f'model_{name}'])}"
        for name, text in names.items()
        if 0 < threshold[name] >= threshold[f"model_{name}"]
    )


def _scores(plain: float, model: float) -> str:
    """Returns both scores, with enough digits to tell them apart."""
    if plain == model:
        return f"{plain:.1f}, the model the same"
    digits = next((n for n in range(1, 17) if f"{plain:.{n}f}" != f"{model:.{n}f}"), 17)
    return f"{plain:.{digits}f}, the model {model:.{digits}f}"
