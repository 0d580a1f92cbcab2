"""What surrounds every command: help, wrong calls, JSON for errors, exit codes, the lock, pipes, full disks, encodings."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import click
import pytest

from connectors.fluix.account import EmbeddedAccount
from connectors.model import Outcome
from syncd.cli import COMMANDS, cli, main
from syncd.errors import StoreError
from syncd.store.lock import run_lock
from tests.house import House, Person, staff
from tests.serving import until

ROOT = Path(__file__).parent.parent.parent.parent


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group, by the words that call it."""
    if not isinstance(command, click.Group):
        return [path]
    with click.Context(command) as context:
        found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [path, *(deeper for name, one in found for deeper in commands(one, (*path, name)))]


def shell(house: House, script: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash, in which `syncd` is the program."""
    function = f'syncd() {{ "{sys.executable}" -m syncd "$@"; }}; set -o pipefail; '
    environment = {**os.environ, "SYNCD_CONFIG": str(house.config), "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        ["bash", "-c", function + script],
        cwd=house.folder,
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )


# --- help and wrong calls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_help_of_every_command(call, path):
    ran = call(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: ")
    assert "..." not in ran.out.partition("Commands:")[2]  # no description of a command is cut


def test_the_first_help_imports_no_command():
    script = (
        "import sys; from syncd.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted(set(sys.modules) & {'yaml', 'rich', 'sqlalchemy', 'pydantic', 'jinja2'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


def test_version(call):
    assert call("--version").out.startswith("syncd, version ")


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_for_each_shell(call, shell_name):
    assert "_SYNCD_COMPLETE" in call("completion", shell_name).out


def test_completion_knows_the_commands(house):
    done = shell(house, "syncd", _SYNCD_COMPLETE="bash_complete", COMP_WORDS="syncd users ex", COMP_CWORD="2")
    assert (done.returncode, done.stdout) == (0, b"plain,export\n")


@pytest.mark.parametrize(
    "words",
    [
        ["plna"],
        ["plan", "--nothing"],
        ["plan", "--wait", "-1"],
        ["approve"],
        ["approve", "p1"],
        ["plan", "--config", "none.yaml"],
        ["plan", "--config", "."],
        ["plan", "--config", "binary"],
        ["users"],
        ["users", "delete"],
        ["show", "p99999999999999999999999"],
        ["show", "p٣"],
        ["apply", "p1"],
        ["users", "show", "\udcff"],
    ],
    ids=ascii,
)
def test_a_wrong_call_is_a_usage_error_in_json_as_well(house, call, words):
    (house.folder / "binary").write_bytes(bytes(range(256)))
    plain = call(*words)
    assert (plain.code, plain.out) == (2, "")
    assert plain.err
    ran = call(*words, "--json")
    assert ran.code == ran.json["exit_code"] == 2
    assert ran.json["error"].keys() == {"what", "where", "to_do"}
    assert ran.json["error"]["what"]


# --- exit codes ---------------------------------------------------------------------------------------------------


def test_a_failed_source_is_1(house, call):
    ran = call("run", "--json")
    assert ran.code == ran.json["exit_code"] == 1


def test_held_is_3_and_approving_makes_it_0(house, call):
    house.hire(staff(4))
    assert call("run").code == 0
    house.configure(budgets={"run": {"delete": {"count": 0}}})
    house.hire(staff(3))
    assert [call(word).code for word in ("plan", "run")] == [3, 3]
    (newest, *_) = call("runs", "--json").json
    assert call("approve", newest["plan_id"], "--comment", "left").code == 0
    assert call("apply", newest["plan_id"]).code == 0
    assert [call(*words).code for words in (("run",), ("plan", "--check"))] == [0, 0]


def test_refused_is_4(house, call):
    house.hire(staff(4))
    assert call("run").code == 0
    house.configure(leavers={**house.settings["leavers"], "protected": ["e004@example.com"]})
    house.hire(staff(3))
    ran = call("run")
    assert ran.code == 4
    assert "0 held, 1 refused; decision refuse" in ran.out
    assert "next" not in ran.out  # there is nothing that could be approved


@pytest.mark.parametrize(("broken", "code"), [({"E002"}, 5), ({"E001", "E002"}, 5), (None, 1)])
def test_partly_applied_is_5_and_not_at_all_is_1(house, call, monkeypatch, broken, code):
    house.hire(staff(2))
    real = EmbeddedAccount.apply

    def apply(self, steps):
        bad = [step for step in steps if broken is None or step.values.get("display_name", "")[-4:] in broken]
        good = {outcome.operation_id: outcome for outcome in real(self, [step for step in steps if step not in bad])}
        return [good.get(step.operation_id) or Outcome(step.operation_id, "failed", None, "no") for step in steps]

    monkeypatch.setattr(EmbeddedAccount, "apply", apply)
    ran = call("run", "--json")
    assert ran.code == code
    assert ran.json["failures"][0].keys() == {"key", "message"}
    assert "failed" in call("run").out


def test_pending_is_6(house, call):
    house.hire(staff(1))
    assert call("plan", "--check", "--json").code == 6


def test_interrupted_is_130(small, call, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedAccount, "list_users", stop)
    ran = call("users", "list", "--json")
    assert ran.code == ran.json["exit_code"] == 130


def test_a_mistake_of_the_program_keeps_its_traceback(small, call, monkeypatch):
    monkeypatch.setattr(EmbeddedAccount, "list_users", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["users", "list"])


# --- the lock -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["plan"],
        ["users", "add", "--name", "A", "--email", "a@x.example"],
        ["users", "invite", "e001@example.com"],
        ["users", "delete", "e001@example.com", "--yes"],
        ["users", "import", "people.csv"],
        ["account", "load", "people.csv"],
    ],
    ids=" ".join,
)
def test_while_another_runs_it_is_told_who_and_since_when(small, words, call):
    (small.folder / "people.csv").write_text("{}" if words[0] == "account" else "User Name,Email,Group Name\n")
    with run_lock(small.app().store, "syncd run", small.clock.now):
        ran = call(*words, "--json")
    assert ran.code == ran.json["exit_code"] == 1
    told = ran.json["error"]
    assert f"`syncd run` (process {os.getpid()} on " in told["what"]
    assert "since 2026-11-02T08:00:00" in told["what"]
    assert ("--wait" in told["to_do"]) == (words[0] in {"run", "plan"})


def test_another_process_holds_it(small, call):
    holder = (
        "import time; from datetime import UTC, datetime; from pathlib import Path\n"
        "from syncd.bootstrap import open_app; from syncd.config import load_config; from syncd.store.lock import run_lock\n"
        "with run_lock(open_app(load_config(Path('config.yaml'))).store, 'syncd plan', datetime.now(UTC)):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder],
        cwd=small.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        ran = call("run")
        process.kill()
    assert f"`syncd plan` (process {process.pid} on " in ran.err
    assert ran.code == 1
    began = time.monotonic()
    assert call("run", "--wait", "30").code == 0  # whoever is killed holds nothing
    assert time.monotonic() - began < 20


# --- where the output goes ----------------------------------------------------------------------------------------

PRINTING = ["users list", "users list --json", "users export", "account dump", "runs", "plan", "plan --json"]


@pytest.mark.parametrize("words", PRINTING)
def test_a_reader_that_goes_away_is_no_error_to_speak_of(small, words):
    done = shell(small, f"syncd {words} | true")
    assert (done.returncode in {0, 1}, done.stderr) == (True, b"")


@pytest.mark.parametrize("words", [*PRINTING, "show nothing --json"])
def test_a_full_disk_behind_standard_output_is_told(small, words):
    done = shell(small, f"syncd {words} > /dev/full")
    assert done.returncode in {1, 2}
    assert done.stderr.startswith(b"error ")
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(small, closed):
    for words in ("users export", "plan", "users list --json"):
        done = shell(small, f"syncd {words} {closed}")
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp932"])
def test_a_file_gets_utf_8_whatever_the_system_speaks(house, call, encoding):
    house.hire([Person("E1", "佐藤 Zoë \u200d", "a@x.example", ("Büro",))])
    assert call("run").code == 0
    for words in ("users list", "users list --json", "users export", "account dump", "users show a@x.example"):
        done = shell(house, f"syncd {words}", PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, b"")
        assert "佐藤 Zoë \u200d" in done.stdout.decode() or '"佐藤 Zoë \\u200D"' in done.stdout.decode()


def test_what_a_program_reads_slowly_is_whole_though_the_writer_is_suspended_meanwhile(house):
    house.hire(staff(1000))
    call = [sys.executable, "-m", "syncd", "plan", "--json", "--config", str(house.config)]
    unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(call, cwd=ROOT, env=unbuffered, stdout=subprocess.PIPE) as process:
        assert process.stdout
        pipe = process.stdout.fileno()
        until(lambda: _waiting_in(pipe) == fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ))
        process.send_signal(signal.SIGSTOP)
        until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        process.send_signal(signal.SIGCONT)
        read = process.stdout.read()
    assert len(json.loads(read)["changes"]) == 1001


def _waiting_in(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_json_is_one_document_for_every_reading_command(small, call):
    for words in (
        ["check"],
        ["plan"],
        ["runs"],
        ["show", "r1"],
        ["users", "list"],
        ["users", "export"],
        ["account", "dump"],
    ):
        json.loads(call(*words, "--json").out)
    json.loads(call("audit", "verify", "--json").out)
    json.loads(call("store", "upgrade", "--json").out)


def test_a_store_that_cannot_be_opened_is_told(house, call, monkeypatch):
    house.configure(store="sqlite:///config.yaml/x.db")
    ran = call("users", "list", "--json")
    assert ran.code == ran.json["exit_code"] == StoreError.exit_code
