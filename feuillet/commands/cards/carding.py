"""What the commands of `feuillet card` print, and their exit codes."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from card_auth import errors
from card_auth.certificates import Certificate
from card_auth.readers import Beneficiary, CpsCard, Slot, kind_in, list_readers, read_cps, watch
from card_auth.readers.slots import slot_named
from card_auth.readers.vitale import vitale_reader
from feuillet.commands.cards.signing import Signed
from feuillet.commands.exits import ExitCode
from feuillet.commands.exits import explained as operator_errors


@contextmanager
def explained() -> Iterator[None]:
    """Turn a card's error into its message and what to do about it: exit code 4 without service or reader, else 1."""
    try:
        with operator_errors():
            yield
    except errors.CardError as error:
        typer.echo(f"feuillet: {error}\n  {error.remedy}", err=True)
        absent = isinstance(error, errors.ServiceUnavailable | errors.NoReader | errors.SupportMissing)
        raise typer.Exit(ExitCode.UNAVAILABLE if absent else ExitCode.FAILED) from None


def show_readers(*, as_json: bool) -> None:
    """Print every slot and its card. Raises ServiceUnavailable, NoReader."""
    readers = list_readers()
    if as_json:
        content = [{"reader": reader.name, "slots": [_slot(slot) for slot in reader.slots]} for reader in readers]
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    if not readers:
        raise errors.NoReader
    for reader in readers:
        typer.echo(reader.name)
        for slot in reader.slots:
            held = ", held by another program" if slot.held else ""
            typer.echo(f"  slot {slot.number}  {_slot(slot)['card'] or slot.presence}{held}")


def show_events(*, seconds: float | None, as_json: bool) -> None:
    """Print each event as it comes, until the time is over or Ctrl-C."""
    try:
        for event in watch(seconds=seconds):
            slot = event.slot
            try:
                kind = kind_in(slot) if slot and event.kind == "card inserted" else None
            except errors.ServiceUnavailable:
                kind = None
            if as_json:
                at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
                line = {"at": at, "event": event.kind, "slot": slot.name if slot else None, "card": kind}
                typer.echo(json.dumps(line, ensure_ascii=False))
            else:
                typer.echo(f"{event.kind:20} {slot.name if slot else ''} {kind or ''}".rstrip())
    except KeyboardInterrupt:
        return


def show_cps(module: Path | None, token: str | None, *, as_json: bool) -> None:
    """Print a CPS card. Raises the errors of `read_cps`; typer.Exit when it cannot be used now."""
    card = read_cps(module, token_label=token)
    now = datetime.datetime.now(datetime.UTC)
    if as_json:
        typer.echo(json.dumps(_cps(card, now), indent=2, ensure_ascii=False))
    else:
        _print_cps(card, now)
    if card.tries_left == 0:
        raise errors.PinBlocked
    card.check_validity(now)


def show_vitale(reader: str | None, *, full: bool, ins: bool, as_json: bool) -> None:
    """Print the persons on a Vitale card. Raises the errors of `VitaleReader`."""
    card = vitale_reader().read(slot_named(reader) if reader else None)
    persons = [_person(person, full=full, ins=ins) for person in card.beneficiaries]
    if as_json:
        content = {
            "serial": card.serial if full else None,
            "valid_from": card.valid_from.isoformat() if card.valid_from else None,
            "regime": card.regime,
            "beneficiaries": persons,
        }
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for one in persons:
        role = "holder     " if one["holder"] else "beneficiary"
        typer.echo(f"{role}  {one['family_name']} {one['given_name']}, born {one['birth_date']}")
        typer.echo(f"  NIR    {one['nir'] or 'none of their own on this card'}")
        if ins:
            typer.echo(f"  INS-C  {one['ins_c'] or one['ins_c_problem']}")


def show_signed(signed: Signed, *, as_json: bool) -> None:
    """Print what was signed."""
    if as_json:
        typer.echo(json.dumps({**asdict(signed), "output": str(signed.output)}, ensure_ascii=False))
    else:
        typer.echo(f"{signed.output}: {signed.form}, by {signed.signer}")


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "name": slot.name,
        "slot": slot.number,
        "presence": slot.presence,
        "card": kind_in(slot),
        "atr": slot.atr.hex().upper() if slot.atr else None,
        "held": slot.held,
    }


def _cps(card: CpsCard, now: datetime.datetime) -> dict[str, Any]:
    holder = card.holder
    return {
        "kind": card.kind,
        "token": card.token.label,
        "serial": card.token.serial,
        "tries_left": card.tries_left,
        "name": holder.name,
        "national_id": holder.national_id,
        "profession": holder.profession,
        "profession_label": holder.profession_label,
        "speciality": card.speciality,
        "certificates": [
            {
                "use": use,
                "serial": f"{one.serial_number:x}",
                "expires": one.not_after.isoformat(),
                "valid": _ok(one, now),
            }
            for use, one in (("authentication", card.authentication), ("signature", card.signature))
            if one is not None
        ],
        "situations": [asdict(situation) for situation in card.situations],
    }


def _print_cps(card: CpsCard, now: datetime.datetime) -> None:
    holder = card.holder
    typer.echo(f"{card.kind}  {holder.name}  {holder.national_id or ''}".rstrip())
    typer.echo(f"  profession   {holder.profession or '-'} {holder.profession_label or ''}".rstrip())
    typer.echo(f"  speciality   {card.speciality or '-'}")
    left = card.tries_left
    typer.echo(f"  PIN          {'blocked' if left == 0 else 'no try spent' if left is None else f'{left} tries left'}")
    for use, one in (("authentication", card.authentication), ("signature", card.signature)):
        if one is not None:
            typer.echo(f"  {use:14} until {one.not_after:%Y-%m-%d}{'' if _ok(one, now) else ', NOT VALID NOW'}")
    for situation in card.situations:
        words = (situation.structure_name, situation.structure_id, situation.sector)
        typer.echo(f"  situation {situation.number:2}  {', '.join(filter(None, words))}")


def _ok(certificate: Certificate, now: datetime.datetime) -> bool:
    return certificate.not_before <= now <= certificate.not_after


def _person(person: Beneficiary, *, full: bool, ins: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "holder": person.is_holder,
        "family_name": person.family_name,
        "given_name": person.given_name,
        "birth_date": person.birth_date,
        "rank": person.rank,
        "nir": None if person.nir is None else str(person.nir) if full else person.nir.masked,
    }
    if ins:
        try:
            computed = str(person.ins_c())
            shown |= {"ins_c": computed if full else f"{computed[:4]}{'*' * 18}", "ins_c_problem": None}
        except errors.CardUnreadable as error:
            shown |= {"ins_c": None, "ins_c_problem": str(error)}
    return shown
