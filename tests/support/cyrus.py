"""A real Cyrus that takes mail by LMTP and drops what it takes for a repeat, as it does by default."""

import os
import pathlib
import pwd
import shutil
import smtplib
import subprocess
import tempfile

from s3link_harness import clean_environment, wait_until
from unpacked import folder_of, program


def cyrus_unavailable():
    """Why no Cyrus can be started here, or None."""
    return None if os.geteuid() == 0 else "Cyrus changes its user: only root can start it"


class Cyrus:
    """Mailboxes are made when their first mail arrives. Needs root."""

    def __init__(self):
        # Its user must be able to walk to its files, so not below pytest's private folders.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="s3link-cyrus-"))
        self.folder.chmod(0o755)
        nobody = pwd.getpwnam("nobody")
        for name in ("config", "config/db", "config/socket", "spool", "proc", "lock"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, nobody.pw_uid, nobody.pw_gid)
        self._configuration = self.folder / "imapd.conf"
        self._configuration.write_text("".join(f"{name}: {value}\n" for name, value in {
            "configdirectory": self.folder / "config", "defaultpartition": "default",
            "partition-default": self.folder / "spool", "proc_path": self.folder / "proc",
            "mboxname_lockpath": self.folder / "lock", "cyrus_user": "nobody", "cyrus_group": "nogroup",
            "lmtpsocket": self.folder / "config/socket/lmtp", "sievedir": self.folder / "config",
            "autocreate_quota": 0, "autocreate_post": "yes", "idlesocket": self.folder / "config/socket/idle"}.items()))
        # So are its programs: the checkout may lie in a folder that is root's alone.
        (self.folder / "lib").mkdir()
        (self.folder / "lib").chmod(0o755)
        for library in folder_of("cyrus-common").glob("usr/lib/*/libcyrus*.so.0"):
            shutil.copy(library, self.folder / "lib")
        recover, lmtpd, self._master = (
            shutil.copy(program("cyrus-common", f"usr/lib/cyrus/bin/{name}"), self.folder / name)
            for name in ("ctl_cyrusdb", "lmtpd", "master"))
        (self.folder / "cyrus.conf").write_text(
            f'START {{\n  recover cmd="{recover} -C {self._configuration} -r"\n}}\n'
            f'SERVICES {{\n  lmtpunix cmd="{lmtpd} -C {self._configuration}" '
            f'listen="{self.folder}/config/socket/lmtp" prefork=1 maxchild=2\n}}\n')
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            [self._master, "-C", self._configuration, "-M", self.folder / "cyrus.conf", "-p", self.folder / "master.pid"],
            env=clean_environment() | {"LD_LIBRARY_PATH": str(self.folder / "lib")}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_until(self._answers, 30, "Cyrus")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def deliver(self, message, to="you@example.test"):
        """Hands over one message (bytes). Cyrus says 250 to one that it drops, too."""
        with smtplib.LMTP(str(self.folder / "config/socket/lmtp")) as client:
            assert client.sendmail("files@example.test", [to], message) == {}

    def mails(self):
        """What lies in all mailboxes."""
        return [path.read_bytes() for path in sorted(self.folder.glob("spool/**/*.")) if path.name[:-1].isdigit()]

    def _answers(self):
        try:
            with smtplib.LMTP(str(self.folder / "config/socket/lmtp")) as client:
                return client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False
