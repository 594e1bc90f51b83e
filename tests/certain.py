"""Models whose confidence is given, where a test is not about how certain an answer is."""

import math

from ragqa.answering.confidence import Model


def certain_to(confidence):
    """Models that give each question this confidence."""
    logit = math.log(confidence / (1 - confidence))
    model = Model(("coverage",), (0.0,), (1.0,), (0.0,), logit, threshold=0.1)
    return {"all": model, "terms": model}
