"""A form counts once, and again for what is said otherwise."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.http import QueryDict

from leads.once import new_token, once


def form(token: str, words: str = "Hello 😀") -> QueryDict:
    sent = QueryDict(mutable=True)
    sent.update({"token": token, "body": words, "csrfmiddlewaretoken": new_token()})
    return sent


def first(token: str, user_id: int = 1, words: str = "Hello 😀") -> bool:
    with once(user_id, form(token, words)) as is_first:
        return is_first


def test_a_token_is_first_once_for_each_person() -> None:
    token = new_token()
    assert [first(token), first(token), first(token, user_id=2)] == [True, False, True]


def test_l3_other_words_on_a_page_that_was_gone_back_to_count() -> None:
    token = new_token()
    assert [first(token), first(token, words="And more"), first(token, words="And more")] == [True, True, False]


def test_forms_without_a_token_always_count() -> None:
    assert [first(""), first("")] == [True, True]


def test_what_failed_may_be_sent_again() -> None:
    with pytest.raises(ValueError, match="lost"), once(1, form("abc")):
        raise ValueError("lost")
    assert first("abc")


def test_without_a_cache_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "add", lambda *args, **kwargs: False)
    monkeypatch.setattr(cache, "get", lambda *args, **kwargs: None)
    assert [first("abc"), first("abc")] == [True, True]
