"""Reading the configuration; a wrong one stops the start with every key that is wrong and what would be accepted."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from feuillet.settings import Sections

#: Every environment variable of Feuillet begins so; `__` leads from a section to its key.
PREFIX: Final = "FEUILLET_"
_DELIMITER: Final = "__"
_SQLITE: Final = "sqlite:///"
#: Variables that are not keys of the configuration.
_OTHERS: Final = (
    "FEUILLET_CONFIG",
    "FEUILLET_CRASH_AT",
    "FEUILLET_DEMO_DATA",
    "FEUILLET_DEMO_DOCUMENTS",
    "FEUILLET_PIN",
    "FEUILLET_PKCS11_MODULE",
)


class ConfigurationRefused(Exception):
    """The configuration cannot be used. `problems` name a key each, and what would be accepted there."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(BaseSettings, Sections):
    """The configuration: what the environment says, else what the file says, else the default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=_DELIMITER,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose content comes as arguments."""
        del settings_cls
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101 - what pydantic hands over
        return env_settings, init_settings


def load(path: Path | None) -> Settings:
    """The configuration of a TOML file (or of the environment alone). Raises `ConfigurationRefused`.

    Relative paths in the file are relative to the file's directory.
    """
    values = {} if path is None else _file(path)
    unknown = list(_unknown_variables(os.environ))
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigurationRefused([*unknown, *(_problem(detail) for detail in error.errors())]) from None
    except SettingsError as error:
        raise ConfigurationRefused([*unknown, f"environment: {error}"]) from None
    if unknown:
        raise ConfigurationRefused(unknown)
    return settings


def opened(settings: Settings) -> Settings:
    """The settings for `--insecure-demo`. Raises `ConfigurationRefused` when another machine can reach the server."""
    try:
        return settings.as_insecure_demo()
    except ValueError as error:
        raise ConfigurationRefused([f"--insecure-demo: {error}"]) from None


def _file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationRefused([f"{path}: expected a readable file ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise ConfigurationRefused([f"{path}: expected text in UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationRefused([f"{path}: expected valid TOML ({error})"]) from None
    _anchor(values, path.absolute().parent, Sections)
    return values


def _anchor(values: dict[str, Any], directory: Path, section: type[BaseModel]) -> None:
    """Make relative paths absolute: a service has another working directory than its operator."""
    for name, field in section.model_fields.items():
        value = values.get(name)
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        nested = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        if isinstance(value, dict) and nested is not None:
            _anchor(value, directory, nested)
        elif isinstance(value, str) and value:
            values[name] = _anchored(name, value, directory, field.annotation)


def _anchored(name: str, value: str, directory: Path, annotation: Any) -> str:
    if _takes_path(annotation) or (name == "affinity_domain" and value.endswith(".toml")):
        return str(directory / value)
    if name == "url" and value.startswith(_SQLITE):
        return _SQLITE + str(directory / value.removeprefix(_SQLITE))
    return value


def _takes_path(annotation: Any) -> bool:
    return annotation is Path or any(_takes_path(argument) for argument in get_args(annotation))


def _unknown_variables(environment: Mapping[str, str]) -> Iterable[str]:
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in _OTHERS:
            keys = [key.lower() for key in name.removeprefix(PREFIX).split(_DELIMITER)]
            section: type[BaseModel] | None = Sections
            for key in keys:
                if section is None or key not in section.model_fields:
                    accepted = "nothing below" if section is None else ", ".join(section.model_fields)
                    yield f"environment variable {name}: unknown key {key!r}; accepted: {accepted}"
                    break
                section = _section(section, key)


def _problem(detail: Mapping[str, Any]) -> str:
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location) or "configuration"
    if detail["type"] == "extra_forbidden":
        section = _section_at(location[:-1])
        accepted = ", ".join(section.model_fields) if section is not None else "nothing below"
        return f"{key}: unknown key; accepted: {accepted}"
    if detail["type"] == "missing":
        return f"{key}: missing, and it has no default"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{key}: {message[:1].lower()}{message[1:]}"


def _section_at(location: Iterable[str]) -> type[BaseModel] | None:
    section: type[BaseModel] | None = Sections
    for key in location:
        if section is None:
            return None
        section = _section(section, key)
    return section


def _section(section: type[BaseModel], key: str) -> type[BaseModel] | None:
    field = section.model_fields.get(key)
    if field is None:
        return None
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
