"""What ./run prints.

  show.py setting BINARY KEY                        one effective setting
  show.py server BINARY ENDPOINT                    where the server is and where its mail goes
  show.py mail BINARY NAME SINCE                    the mails about the file NAME written since SINCE (ns since 1970)
"""

import email
import email.policy
import json
import pathlib
import re
import shlex
import subprocess
import sys
import urllib.parse


def settings(binary):
    shown = subprocess.run([binary, "config", "show", "--json"], capture_output=True, text=True)
    if shown.returncode:
        sys.exit(shown.stderr.strip() or "s3link config show failed")
    return {entry["key"]: entry["value"] for entry in json.loads(shown.stdout)["settings"]}


def access_key_id(known, data_dir):
    if known.get("auth.access_key_id"):
        return known["auth.access_key_id"], "as configured"
    file = data_dir / "credentials"
    found = re.search(r'^\s*(?:aws_)?access_key_id\s*=\s*"?([^"\s]+)', file.read_text(), re.MULTILINE | re.IGNORECASE)
    return found.group(1) if found else "?", f"its secret is in {file}"


def show_server(binary, endpoint):
    known = settings(binary)
    data_dir = pathlib.Path(known["server.data_dir"])
    key, secret = access_key_id(known, data_dir)
    recipients = known["email.recipient"]
    if isinstance(recipients, str):
        recipients = [recipients]
    transport = known["email.transport"]
    target = f"written to {data_dir / 'outbox'}/*.eml" if transport == "outbox" else f"sent through {transport}"
    print(f"endpoint       {endpoint}")
    print(f"bucket         {known['bucket.name']}")
    print(f"access key id  {key} ({secret})")
    print(f"mail           to {', '.join(recipients)}, {target}", flush=True)


def link_of(text):
    found = re.search(r"^\s*(https?://\S+)\s*$", text, re.MULTILINE)
    return found.group(1) if found else None


def show_mail(binary, name, since):
    known = settings(binary)
    if known["email.transport"] != "outbox":
        print(f"\n{name}: its mail went through {known['email.transport']}; see {binary} deliveries", flush=True)
        return
    shown = 0
    outbox = pathlib.Path(known["server.data_dir"]) / "outbox"
    for path in sorted(outbox.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns):
        if path.stat().st_mtime_ns < since:
            continue
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text = message.get_body(("plain",)).get_content()
        link = link_of(text)
        if not link or urllib.parse.unquote(urllib.parse.urlsplit(link).path).rpartition("/")[2] != name:
            continue
        deadline = re.search(r"^.*\buntil\b.*$", text, re.MULTILINE | re.IGNORECASE)
        print(f"\nmail     {path}")
        for header in ("From", "To", "Subject"):
            print(f"{header + ':':8} {message[header]}")
        if deadline:
            print(f"{'Until:':8} {deadline.group(0).strip()}")
        print(link)
        print(f"curl -o {shlex.quote('copy of ' + name)} {shlex.quote(link)}", flush=True)
        shown += 1
    if not shown:
        sys.exit(f"no mail about {name} in {outbox}; see {binary} deliveries")


def main(arguments):
    match arguments:
        case ["setting", binary, key]:
            print(settings(binary)[key])
        case ["server", binary, endpoint]:
            show_server(binary, endpoint)
        case ["mail", binary, name, since]:
            show_mail(binary, name, int(since))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
