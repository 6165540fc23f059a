"""`[alerts]`: what is accepted, and that only safe ways are."""

from __future__ import annotations

import pytest

from feuillet.alerts.opening import open_channels
from feuillet.configuration import ConfigurationRefused, load
from tests.feuillet.conftest import Write

PORTAL = '[alerts]\nportal = "https://dmp.example/"\n'
SMTP = PORTAL + '[alerts.smtp]\naddress = "mail.example:587"\nsender = "a@dmp.example"\n'


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('[alerts]\nportal = "http://dmp.example/"', "alerts.portal: expected a loopback address"),
        ('[alerts]\nportal = "javascript:alert(1)"', "alerts.portal: expected a URL"),
        ('[alerts]\nportal = "https://user@dmp.example/"', "alerts.portal: expected a URL"),
        (SMTP + 'security = "none"', "alerts.smtp: expected a loopback address"),
        (SMTP + 'user = "feuillet"', "alerts.smtp: expected user and password together"),
        (SMTP.replace("a@dmp.example", "a@dmp.example, b"), "alerts.smtp.sender: expected an e-mail address"),
        (PORTAL + '[alerts.sms]\nurl = "http://sms.example/"\ntoken = "t"', "alerts.sms.url: expected a loopback"),
        (
            PORTAL + '[alerts.notifications]\naddress = "https://a.example/subscriptions"\nconsumers = []',
            "alerts.notifications.consumers",
        ),
    ],
)
def test_an_unsafe_way_is_refused(write: Write, lines: str, problem: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        load(write(more=lines))
    assert any(line.startswith(problem) for line in refused.value.problems), refused.value.problems


def test_the_server_on_this_machine_may_do_without_tls(write: Write) -> None:
    lines = SMTP.replace("mail.example:587", "localhost:25") + 'security = "none"'
    settings = load(write(more=lines))
    assert settings.alerts is not None
    assert list(open_channels(settings.alerts)) == ["mail"]


def test_secrets_do_not_show(write: Write) -> None:
    lines = SMTP + 'user = "u"\npassword = "pass-word"\n[alerts.sms]\nurl = "https://sms.example/"\ntoken = "to-ken"\n'
    settings = load(write(more=lines))
    shown = str(settings.shown()) + repr(settings)
    assert "pass-word" not in shown
    assert "to-ken" not in shown


def test_without_the_section_nothing_is_announced(write: Write) -> None:
    assert load(write()).alerts is None
