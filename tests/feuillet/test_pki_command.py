"""`feuillet pki demo` makes what a server can be told to trust, and adds to it without undoing it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from card_auth.certificates import Certificate
from card_auth.trust import load_profile
from feuillet.command import app


def test_it_makes_a_profile_and_adds_holders_to_it(tmp_path: Path) -> None:
    place = tmp_path / "trust" / "demo"
    made = json.loads(CliRunner().invoke(app, ["pki", "demo", str(place), "--json"]).stdout)
    assert load_profile(place).test
    (first, *_) = Certificate.from_pem((Path(made["doctor"]) / "signature.pem").read_bytes())
    done = CliRunner().invoke(app, ["pki", "demo", str(place), "--doctor", "899700218897"])
    assert done.exit_code == 0
    assert str(place / "cards" / "899700218897") in done.stdout
    (again, *_) = Certificate.from_pem((Path(made["doctor"]) / "signature.pem").read_bytes())
    assert first == again


def test_what_is_no_test_igc_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text("")
    done = CliRunner().invoke(app, ["pki", "demo", str(tmp_path)])
    assert done.exit_code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["profile.toml"]
