"""Reading YAML strictly: numbers as people write them, a key given twice is an error."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml


class YAMLError(ValueError):
    """The text is not the YAML that is wanted; one line, with the line number where known."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML reads it, with three of its traps removed (see below)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a dict; PyYAML would silently keep the last of two equal keys."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                raise YAMLError(f"line {key_node.start_mark.line + 1}: key {key!r} is given twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


# "1e-9" is a number (YAML 1.1 wants "1.0e-9"), and "on", "off", "1:30" are plain words.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float", "tag:yaml.org,2002:int")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str) -> Any:
    """Parse one YAML document.

    Raises:
        YAMLError: if the text is not valid, or a key stands twice in one block.
    """
    try:
        # a subclass of SafeLoader: builds plain Python values only
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YAMLError(f"{where}{error.problem or 'not valid YAML'}") from error
    except yaml.YAMLError as error:
        raise YAMLError(" ".join(str(error).split())) from error


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file that must hold one block of keys.

    Raises:
        YAMLError: if the file cannot be read, is not valid YAML, or is not a block of keys.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise YAMLError(f"cannot read {path}: {reason}") from error
    data = parse_yaml(text)
    if not isinstance(data, dict):
        raise YAMLError(f"{path} must hold a block of keys ('key: value' lines)")
    for key in data:
        if not isinstance(key, str):
            raise YAMLError(f"{path}: key {key!r} must be text")
    return data


class _Dumper(yaml.SafeDumper):
    """Writes floats so that :func:`parse_yaml` and any YAML 1.1 reader read them back exactly."""


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(float, _represent_float)


def dump_yaml(data: Any) -> str:
    """Write plain values as YAML, keys in the order given."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
