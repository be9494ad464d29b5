"""The one HTML page of a report: everything inside, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from interphase.scripts.reporting.drawing import Picture
from interphase.scripts.reporting.folder import RunFolder
from interphase.scripts.reporting.numbers import KeyNumber, key_numbers
from interphase.scripts.reporting.sources import MARKS, ParameterRow, parameter_rows

STYLE_SHEET = """
:root { color-scheme: light; }
body { font: 15px/1.55 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1f2937;
  background: #fff; margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid #d1d5db;
  padding-bottom: .25rem; }
.sub { color: #4b5563; margin: 0 0 1.2rem; }
nav a { margin-right: 1rem; color: #0b5c92; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr));
  gap: .6rem; margin: 1.2rem 0; padding: 0; list-style: none; }
.numbers li { border: 1px solid #d1d5db; border-radius: 6px; padding: .5rem .7rem; }
.numbers b { display: block; font-size: 1.15rem; font-weight: 600; }
.numbers span { color: #4b5563; font-size: .85rem; }
.numbers .bad { border: 2px solid #b45309; }
figure { margin: 0; } figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #4b5563; font-size: .9rem; margin-top: .3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .82rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .28rem .55rem;
  border-bottom: 1px solid #e5e7eb; overflow-wrap: anywhere; }
th { background: #f3f4f6; position: sticky; top: 0; }
td.key, td.value { white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.assumed td { background: #fdf0dc; } tr.recalled td { background: #fbf8d9; }
tr.calibrated td { background: #eaf3fa; }
.mark { display: inline-block; border: 1px solid; border-radius: 4px; padding: 0 .35rem;
  font-size: .75rem; font-weight: 600; white-space: nowrap; }
.mark.assumed { color: #8a4b00; } .mark.recalled { color: #6b5f00; }
.mark.calibrated { color: #0b5c92; }
.warn { border-left: 4px solid #b45309; background: #fdf6ec; padding: .6rem .9rem; }
pre { background: #f6f7f9; padding: .8rem 1rem; overflow-x: auto; font-size: .8rem; }
details > summary { cursor: pointer; font-weight: 600; margin: .6rem 0; }
@media print { body { max-width: none; padding: 0; } figure { break-inside: avoid; } }
"""
"""Looks of every page."""

_MEANING = {
    "assumed": "no source; the note says why the value was taken",
    "recalled": "from memory, to be checked against the cited source",
    "calibrated": "chosen so that the film is plausible, not measured",
}


def build_page(run: RunFolder, pictures: Sequence[Picture]) -> str:
    """Return the page.

    Args:
        run: the folder.
        pictures: in the order in which they are shown; their captions are HTML.

    Raises:
        OutputError: if the provenance holds no parameters.
    """
    rows = parameter_rows(run.provenance)
    sections = [(_id(one.title), one.title, figure(one)) for one in pictures]
    sections.append(("parameters", "Parameters and their sources", _parameters(rows)))
    sections.append(("case", "Case", _case(run)))
    sections.append(("versions", "Versions and host", _versions(run.provenance)))
    body = "\n".join(
        f'<section id="{name}"><h2>{_text(title)}</h2>\n{content}\n</section>'
        for name, title, content in sections
    )
    links = "".join(f'<a href="#{name}">{_text(title)}</a>' for name, title, _ in sections)
    title = _text(run.title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE_SHEET}</style>\n</head>\n<body>\n"
        f'<h1>{title}</h1>\n<p class="sub">{_subtitle(run)}</p>\n<nav>{links}</nav>\n'
        f"{_warnings(run, rows)}{_numbers(key_numbers(run))}\n{body}\n</body>\n</html>\n"
    )


def _text(value: Any) -> str:
    return html.escape(str(value))


def _id(title: str) -> str:
    return title.lower().replace(" ", "-")


def _subtitle(run: RunFolder) -> str:
    versions = run.provenance.get("versions")
    version = versions.get("interphase") if isinstance(versions, Mapping) else None
    table = (run.case.get("model") or {}).get("table", "")
    parts = [f"interphase {version}" if version else "interphase", f"run folder {run.path.name}"]
    if table:
        parts.append(f"parameter table {table}")
    return _text(", ".join(parts))


def _warnings(run: RunFolder, rows: Sequence[ParameterRow]) -> str:
    lines = []
    if not run.summary:
        lines.append("The run has not finished: numbers are those of the last step.")
    elif not run.summary.get("finished", True):
        ending = ": ".join(
            str(run.summary[key]) for key in ("ending", "reason") if run.summary.get(key)
        )
        lines.append(f"The run did not reach its end ({_text(ending)}).")
    if not run.snapshots:
        lines.append("The run has no snapshots: there is no picture of the structure.")
    counts = Counter(row.mark for row in rows)
    doubts = [f"{counts[mark]} {mark}" for mark in MARKS if counts[mark]]
    if doubts:
        lines.append(
            f"Of {len(rows)} parameters: {', '.join(doubts)}. The results are no better than "
            'these; each is in <a href="#parameters">the list</a> with its source.'
        )
    return f'<p class="warn">{"<br>".join(lines)}</p>\n' if lines else ""


def _numbers(numbers: Sequence[KeyNumber]) -> str:
    items = [
        f"<li{' class=bad' if one.bad else ''}><b>{_text(one.value)}</b>"
        f"<span>{one.label}</span></li>"
        for one in numbers
    ]
    return f'<ul class="numbers">{"".join(items)}</ul>'


def figure(picture: Picture) -> str:
    """Return a picture as HTML, its file inside."""
    data = base64.b64encode(picture.png).decode("ascii")
    return (
        f'<figure><img alt="{_text(picture.title)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{picture.caption} ({_text(picture.name)}.png)</figcaption></figure>"
    )


def _parameters(rows: Sequence[ParameterRow]) -> str:
    legend = "<br>".join(
        f'<span class="mark {mark}">{mark}</span> {_MEANING[mark]}' for mark in MARKS
    )
    head = "".join(
        f"<th>{name}</th>"
        for name in ("parameter", "value", "uncertainty", "kind", "source", "how, and note")
    )
    body = "".join(_parameter(row) for row in rows)
    return (
        f"<p>{legend}</p>\n<div class=wide><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _parameter(row: ParameterRow) -> str:
    kind = f'<span class="mark {row.mark}">{row.mark}</span>' if row.mark else _text(row.kind)
    if row.mark == "calibrated":
        kind += f"<br>{_text(row.kind)}"
    return (
        f'<tr class="{row.mark}"><td class="key">{_text(row.key)}</td>'
        f'<td class="value">{_text(row.value)}</td><td>{_text(row.spread)}</td><td>{kind}</td>'
        f"<td>{_text(row.source)}</td><td>{_text(row.note)}</td></tr>"
    )


def _case(run: RunFolder) -> str:
    text = _folded("case.yaml (every default filled in)", run.case_text)
    if run.summary:
        text += _folded("summary.json", json.dumps(run.summary, indent=2))
    return text


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary><pre>{_text(text)}</pre></details>"


def _versions(provenance: Mapping[str, Any]) -> str:
    rows: list[tuple[str, Any]] = []
    for key, value in provenance.items():
        if key == "parameters":
            continue
        if key == "starts" and isinstance(value, list):
            rows.append(("starts of the run", str(len(value))))
        elif isinstance(value, Mapping):
            rows += [(f"{key}: {name}", one) for name, one in value.items()]
        elif isinstance(value, list):
            rows.append((key, " ".join(str(one) for one in value)))
        else:
            rows.append((key, value))
    body = "".join(f"<tr><td>{_text(key)}</td><td>{_text(value)}</td></tr>" for key, value in rows)
    return f"<table><tbody>{body}</tbody></table>"
