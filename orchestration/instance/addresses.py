"""Sending a note: to a webhook as JSON, to chat systems and mail by apprise. Says how it went in words without the address; never raises.

An address must be https, or lie on this machine, and is followed nowhere else.
"""

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

TIMEOUT_SECONDS = 10.0


def webhook_problem(address: str) -> str | None:
    """Say why an address cannot be a webhook, without repeating it; None where it can."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "ALUMINA_ALERT_WEBHOOK is not an address"
    if parts.scheme == "https" and host:
        return None
    if parts.scheme == "http" and _is_loopback(host):
        return None
    return "ALUMINA_ALERT_WEBHOOK must begin with https:// (http:// only on this machine)"


def send_webhook(webhook: SecretStr | None, note: Mapping[str, str]) -> str:
    """Post a note; gives how it went."""
    if webhook is None:
        return "none"
    address = webhook.get_secret_value()
    if problem := webhook_problem(address):
        return f"refused: {problem}"
    try:
        # No redirects and no proxy of the environment: the note goes to this address or nowhere.
        answer = httpx.post(address, json=dict(note), timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return f"not reached: {type(error).__name__}"
    return "sent" if answer.is_success else f"answered with status {answer.status_code}"


def send_chat(urls: SecretStr | None, routes: Sequence[str], severity: str, title: str, text: str) -> str:
    """Send a note to the addresses of some routes; gives how it went for each, empty where there is none."""
    said = []
    for number, (route, address) in enumerate(_addresses(urls), start=1):
        if route in routes:
            said.append(f"{route} {number}: {_send(address, severity, title, text)}")
    return "; ".join(said)


def chat_problems(urls: SecretStr | None) -> list[str]:
    """Say which of the addresses cannot be used and why, by their number and without repeating them."""
    return [
        f"address {number} of ALUMINA_ALERT_URLS {problem}"
        for number, (_, address) in enumerate(_addresses(urls), start=1)
        if (problem := _opened(address)[1])
    ]


def _addresses(urls: SecretStr | None) -> list[tuple[str, str]]:
    """Split the setting into routes and addresses; a route stands before the first = if that comes before the scheme."""
    found = []
    for word in urls.get_secret_value().split() if urls else ():
        before, mark, after = word.partition("=")
        found.append((before, after) if mark and "://" not in before else ("all", word))
    return found


def _send(address: str, severity: str, title: str, text: str) -> str:
    service, problem = _opened(address)
    if service is None:
        return f"refused: {problem}"
    kinds = {"info": "info", "warning": "warning", "error": "failure"}
    try:
        from apprise import Apprise, NotifyFormat

        # Asked through it, a service that takes HTML (mail does) gets the text escaped; asked alone, it gets it as it is.
        done = Apprise(service).notify(body=text, title=title, notify_type=kinds[severity], body_format=NotifyFormat.TEXT)
    except Exception as error:  # a chat plugin may raise any error, and the error may contain the address
        return f"not reached: {type(error).__name__}"
    return "sent" if done else "not taken"


def _opened(address: str) -> tuple[Any, str]:
    """Give the service of an address, or None and why it cannot be used."""
    import apprise  # half a second of import, needed only where an address is set

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its messages name addresses
    service = apprise.Apprise.instantiate(address, asset=apprise.AppriseAsset(http_redirects=False), suppress_exceptions=True)
    if service is None:
        return None, "is no address that apprise knows"
    parts = urlsplit(address)
    secure = service.secure_protocol or ()
    if parts.scheme.lower() not in ((secure,) if isinstance(secure, str) else secure) and not _is_loopback(parts.hostname or ""):
        return None, "must be a secure one (jsons://, mailtos:// …); others only on this machine"
    return service, ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
