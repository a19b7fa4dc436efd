"""HTTP to the outside: one client for services, and one way to post to receivers others name."""

from ballast.adapters.http.client import HttpAnswer, HttpClient, HttpLimits, NoAnswerError
from ballast.adapters.http.receivers import Posted, ReceiverLimits, ReceiverPoster

__all__ = [
    "HttpAnswer",
    "HttpClient",
    "HttpLimits",
    "NoAnswerError",
    "Posted",
    "ReceiverLimits",
    "ReceiverPoster",
]
