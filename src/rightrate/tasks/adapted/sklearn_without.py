"""Why an estimator of scikit-learn has no learning rate to find."""

from typing import Any

__all__ = ["why_not"]

_SHRINKAGE = (
    "What boosting calls learning_rate is shrinkage: each tree's vote is multiplied by it. It is no step "
    "along a gradient; a smaller one needs more trees. Set it small, such as 0.05, and stop the trees early."
)
_TRAINED = "SGDClassifier, SGDRegressor, MLPClassifier and MLPRegressor have one."
_REASONS = {
    "LogisticRegression": "Its solvers choose their steps themselves; SGDClassifier(loss='log_loss') is the "
    "same model with a learning rate.",
    "LinearSVC": "Its solver chooses its steps itself; SGDClassifier is the same model with a learning rate.",
    "LinearRegression": "It is solved in closed form; SGDRegressor(penalty=None) has a rate.",
    "Ridge": "Its solvers choose their steps themselves; SGDRegressor is the same model with one.",
    "Perceptron": "Without a penalty its eta0 only scales the weights and changes no prediction.",
    "SGDOneClassSVM": "It has no targets to judge a rate by.",
}


def why_not(estimator: Any) -> str:
    """Return a sentence or two on what an estimator has in place of a learning rate."""
    name = type(estimator).__name__
    settings = estimator.get_params(deep=False)
    if settings.get("solver") == "lbfgs" and "learning_rate_init" in settings:
        return "Its solver 'lbfgs' chooses its steps by a line search; 'adam' and 'sgd' have a learning rate."
    if name in _REASONS:
        return _REASONS[name]
    if "learning_rate" in settings and ("n_estimators" in settings or "max_iter" in settings):
        return _SHRINKAGE
    return f"{name} is not trained by steps along a gradient. {_TRAINED}"
