"""Training of the pair model without hand labels: gazetteers' own addresses, written wrongly, whose truth is known.

`train(gazetteers)` enriches each gazetteer with what is rare in it and hard everywhere (`gazetteers.py`), writes its
addresses as people do (`errors.py`), takes the truth of some away, and fits scikit-learn's boosting to the candidate
pairs that the cascade would ask about (`fit.py`). Some gazetteers are held out: on them, never on those it
was fitted to, the model is calibrated and its thresholds are chosen.
"""

from pipelines.link.training.fit import Trained, gazetteers_of, save, train

__all__ = ["Trained", "gazetteers_of", "save", "train"]
