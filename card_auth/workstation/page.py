"""The report as one HTML file: no script, nothing loaded from elsewhere, everything escaped."""

from __future__ import annotations

from html import escape
from typing import Final

from card_auth.workstation.findings import Finding, Inspection, Verdict

MARKS: Final = {
    Verdict.PASS: ("✔", "works"),
    Verdict.WARN: ("⚠", "works, with a warning"),
    Verdict.FAIL: ("✘", "does not work"),
    Verdict.NOT_TRIED: ("-", "not tried"),
    Verdict.NOT_APPLICABLE: ("-", "not applicable"),
}
# colours of a contrast of 4.5:1 or more on white (WCAG 2.1: 1.4.3); a mark and its word say the same without colour
_STYLE: Final = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: bold; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .5rem; border-bottom: 1px solid #767676; }
td, th[scope=row] { overflow-wrap: anywhere; }
.mark { white-space: nowrap; font-weight: bold; }
.pass .mark { color: #17682a; } .fail .mark { color: #b00020; } .warn .mark { color: #7a4b00; }
.not-tried .mark, .not-applicable .mark { color: #555; }
.remedy { display: block; margin-top: .25rem; }
@media print { body { margin: 0; max-width: none; } }
"""


def as_html(inspection: Inspection) -> str:
    """The whole page."""
    failed = len(inspection.failed)
    if failed:
        outcome = f"{failed} {'check' if failed == 1 else 'checks'} failed: see what to do beside each red cross."
    else:
        outcome = "Nothing failed."
    rows = "\n".join(_row(finding) for finding in inspection.findings)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Feuillet: check of this workstation</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Check of this workstation</h1>
<p>Made on <time datetime="{inspection.began.isoformat(timespec="seconds")}">{inspection.began:%Y-%m-%d %H:%M} \
{escape(inspection.began.tzname() or "")}</time>. <strong>{outcome}</strong></p>
<table>
<caption>What was checked, in the order in which one needs the other</caption>
<thead>
<tr><th scope="col">Result</th><th scope="col">Subject</th><th scope="col">Found, and what to do</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def _row(finding: Finding) -> str:
    mark, word = MARKS[finding.verdict]
    remedy = f'<span class="remedy"><strong>To do:</strong> {escape(finding.remedy)}</span>' if finding.remedy else ""
    return (
        f'<tr class="{finding.verdict.value}"><td class="mark"><span aria-hidden="true">{mark}</span> {word}</td>'
        f'<th scope="row">{escape(finding.title)}</th><td>{escape(finding.detail)}{remedy}</td></tr>'
    )
