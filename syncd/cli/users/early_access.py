"""users early-access: the request for Fluix support, and the list of testers for TestFlight."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.fluix.csv_files import write_table
from syncd.bootstrap import App
from syncd.by_hand import embedded
from syncd.cli.common import print_json, say, standard, write_whole
from syncd.errors import Exit
from syncd.render import counted

HEADER = ("First Name", "Last Name", "Email")

REQUEST = """\
Subject: Early access to pre-release apps for {account}

Hello,

please give our testers early access to the pre-release version of the Fluix app.

Account: {account}
Testers: {count}

We understand that each of them gets an email invitation from TestFlight and installs the app from there. The list with
first name, last name and email is attached.
"""


@click.command("early-access", short_help="Print the request for pre-release apps, or write the testers.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the testers to a CSV file.")
@standard
def early_access(app: App, *, as_json: bool, csv_file: Path | None) -> int:
    """Print the request to Fluix support for pre-release apps, or write the testers as CSV.

    Testers are the members of the groups in `target.early_access`. When a test version has expired, the current one is in
    the App Store.
    """
    account = embedded(app)
    testers = account.testers()
    one_word = [tester.email for tester in testers if not tester.last_name]
    text = REQUEST.format(account=account.name, count=len(testers))
    document = {
        "account": account.name,
        "testers": [
            {"first_name": tester.first_name, "last_name": tester.last_name, "email": tester.email}
            for tester in testers
        ],
        "one_word_names": one_word,
    }
    if csv_file is not None:
        rows = [(tester.first_name, tester.last_name, tester.email) for tester in testers]
        # No mark at its beginning: it is for a program, which would take it for a part of the first header.
        write_whole(csv_file, lambda stream: write_table(HEADER, rows, stream))
        warned = f"; without a last name: {', '.join(one_word)}" if one_word else ""
        sentence = f"wrote {counted(len(testers), 'tester')} to {csv_file}{warned}"
        return say(sentence, {**document, "file": str(csv_file)}, as_json=as_json)
    if as_json:
        print_json({**document, "request": text})
        return Exit.DONE
    click.echo(text, nl=False)
    return Exit.DONE
