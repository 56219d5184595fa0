"""Stands in for a program of the guides, under that program's name: notes each call, and does what needs no cluster.

The real ``kubectl`` makes what is to be created, merges what is to be patched, renders what is to be applied, and knows
which options there are. Run with the Python of the tests; CALLS names the file of notes, KUBECTL the real one.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ANSWERS = {"argocd": "a-token", "openssl": "0123456789abcdef0123456789abcdef"}
"""What a program prints whose output is used."""

KINDS = {"configmap": "ConfigMap", "secret": "Secret"}


def main(program: str, arguments: list[str]) -> int:
    """Note the call and act; return the exit code."""
    piped = sys.stdin.read() if "-" in arguments else ""
    shown = act_as_kubectl(arguments) if program == "kubectl" else ANSWERS.get(program, "")
    with Path(os.environ["CALLS"]).open("a") as notes:
        notes.write(json.dumps({"program": program, "arguments": arguments, "stdin": piped, "stdout": shown}) + "\n")
    sys.stdout.write(f"{shown}\n")
    return 0


def act_as_kubectl(arguments: list[str]) -> str:
    """Return what the real one prints, asked in a way that needs no cluster."""
    place = ["-n", arguments[arguments.index("-n") + 1]] if "-n" in arguments else []
    words = list(arguments)
    for flag in place[:1]:
        del words[words.index(flag) : words.index(flag) + 2]
    verb = words[0]
    check_options(verb, words)
    if verb == "create":
        return ask([*place, *words, "--dry-run=client", "-o", "yaml"])
    if verb == "patch":
        kind, name = words[1:3]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as stub:
            json.dump({"apiVersion": "v1", "kind": KINDS[kind], "metadata": {"name": name}}, stub)
            stub.flush()
            return ask(["patch", "--local", "-f", stub.name, "-o", "yaml", *words[3:]])
    if verb == "apply" and "-k" in words:
        return ask(["kustomize", words[words.index("-k") + 1]])
    if verb == "apply":
        file = words[words.index("-f") + 1]
        return Path(file).read_text() if file != "-" and "://" not in file else ""
    if verb == "get" and "jsonpath" in str(words):
        return "YWRtaW4="
    return ""


def check_options(verb: str, words: list[str]) -> None:
    """End with an error if an option is one that kubectl doesn't have."""
    own = words[: words.index("--")] if "--" in words else words
    subcommand = own[1:2] if verb in ("create", "rollout", "set") else []
    subcommand += own[2:3] if subcommand == ["secret"] else []
    help_text = ask([verb, *subcommand, "--help"]) + ask(["options"])
    for word in own:
        option = word.partition("=")[0]
        if option.startswith("--") and f"{option}=" not in help_text:
            sys.exit(f"kubectl {verb} has no option {option}")


def ask(words: list[str]) -> str:
    """Return what the real kubectl prints; end with its error if it fails."""
    done = subprocess.run([os.environ["KUBECTL"], *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"kubectl {' '.join(words)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name, sys.argv[1:]))
