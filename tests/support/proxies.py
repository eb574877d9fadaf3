"""Real reverse proxies for tests, configured by a block of docs/reverse-proxy.md or a shorter one.

Each listens on 127.0.0.1, forwards to the server it is given, keeps everything in a folder of its own and ends with
stop(). Any user may start them; nothing is shared between test processes.
"""

import re
import signal
import socket
import subprocess

from s3link_harness import REPOSITORY, Server, clean_environment, wait_until
from unpacked import folder_of, program

DOCUMENT = REPOSITORY / "docs" / "reverse-proxy.md"


def documented_block(language):
    """The one block of docs/reverse-proxy.md in a language: "nginx"."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"{len(blocks)} blocks of {language} in {DOCUMENT}"
    return blocks[0]


def replaced(block, replacements):
    """The block with each text replaced; one that does not stand there is an error, so that the document cannot drift
    from what is tested."""
    for old, new in replacements.items():
        assert old in block, f"{old!r} does not stand in\n{block}"
        block = block.replace(old, new)
    return block


class Proxy:
    """One running proxy on https (with `certificate`: a Certificate) or http. `block` is its configuration's part that
    an operator writes."""

    language = None

    def __init__(self, folder, port, server_address, block, certificate=None):
        self.folder, self.port, self.server_address, self.certificate = folder, port, server_address, certificate
        folder.mkdir()
        self.configuration = folder / "proxy.conf"
        self.configuration.write_text(self.frame(block))
        self.log_path = folder / "output.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in self.command()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=clean_environment() | {"HOME": str(folder)}, cwd=folder)
        wait_until(self._listens, 20, lambda: f"{self.language} to listen:\n{self.log()}")

    def _listens(self):
        assert self.process.poll() is None, f"{self.language} ended with {self.process.returncode}:\n{self.log()}"
        with socket.socket() as probe:
            probe.settimeout(5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def documented(self):
        """The documented block, for this proxy's port, server and certificate."""
        raise NotImplementedError

    def plain(self):
        """What people write first."""
        raise NotImplementedError

    def frame(self, block):
        """The whole configuration file around a block: "documented" or "plain"."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError


class Nginx(Proxy):
    language = "nginx"

    def documented(self):
        return replaced(documented_block("nginx"), {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl", "files.example.org;": "localhost;",
            "/etc/ssl/files.example.org.pem": str(self.certificate.certificate),
            "/etc/ssl/files.example.org.key": str(self.certificate.key), "127.0.0.1:9000": self.server_address})

    def plain(self):
        return (f"server {{ listen 127.0.0.1:{self.port};\n"
                f"location / {{ proxy_pass http://{self.server_address}; }} }}\n")

    def frame(self, block):
        folders = "".join(f"{name}_temp_path {self.folder}/{name};\n"
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # One process, so that it needs no user of its own to change to.
        return (f"daemon off;\nmaster_process off;\npid {self.folder}/pid;\nerror_log stderr info;\n"
                f"events {{}}\nhttp {{\naccess_log off;\n{folders}{getattr(self, block)()}}}\n")

    def command(self):
        return program("nginx", "usr/sbin/nginx"), "-p", self.folder, "-e", "stderr", "-c", self.configuration


class Apache(Proxy):
    language = "apache"

    def documented(self):
        return replaced(documented_block("apache"), {
            "*:443": f"127.0.0.1:{self.port}", "ServerName files.example.org": "ServerName localhost",
            "/etc/ssl/files.example.org.pem": str(self.certificate.certificate),
            "/etc/ssl/files.example.org.key": str(self.certificate.key), "127.0.0.1:9000": self.server_address})

    def plain(self):
        return f"ServerName localhost\nProxyPass / http://{self.server_address}/\n"

    def frame(self, block):
        modules = folder_of("apache2-bin") / "usr" / "lib" / "apache2" / "modules"
        loaded = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in (
            "mpm_event", "authz_core", "reqtimeout", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http"))
        return (f"ServerRoot {self.folder}\nDefaultRuntimeDir {self.folder}\nPidFile {self.folder}/pid\n"
                f"ErrorLog /dev/stderr\n{loaded}Listen 127.0.0.1:{self.port}\nUser nobody\nGroup nogroup\n"
                f"RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500\n{getattr(self, block)()}")

    def command(self):
        return program("apache2-bin", "usr/sbin/apache2"), "-D", "FOREGROUND", "-f", self.configuration


class Caddy(Proxy):
    language = "caddy"

    def documented(self):
        site = (f"https://localhost:{self.port} {{\n    bind 127.0.0.1\n"
                f"    tls {self.certificate.certificate} {self.certificate.key}\n")
        return replaced(documented_block("caddy"), {"files.example.org {\n": site, "127.0.0.1:9000": self.server_address})

    def plain(self):
        return f"http://localhost:{self.port} {{\nbind 127.0.0.1\nreverse_proxy {self.server_address}\n}}\n"

    def frame(self, block):
        return f"{{\nadmin off\nauto_https disable_redirects\nskip_install_trust\n}}\n{getattr(self, block)()}"

    def command(self):
        return (program("caddy", "usr/bin/caddy"), "run", "--adapter", "caddyfile", "--config", self.configuration)


class HAProxy(Proxy):
    language = "haproxy"

    def documented(self):
        both = self.folder / "both.pem"
        both.write_text(self.certificate.certificate.read_text() + self.certificate.key.read_text())
        return replaced(documented_block("haproxy"), {
            "bind :443": f"bind 127.0.0.1:{self.port}", "/etc/haproxy/files.example.org.pem": str(both),
            "127.0.0.1:9000": self.server_address})

    def plain(self):
        return (f"defaults\nmode http\ntimeout connect 5s\ntimeout client 50s\ntimeout server 50s\n"
                f"frontend files\nbind 127.0.0.1:{self.port}\ndefault_backend s3link\n"
                f"backend s3link\nserver s3link {self.server_address}\n")

    def frame(self, block):
        return getattr(self, block)()

    def command(self):
        return program("haproxy", "usr/sbin/haproxy"), "-db", "-f", self.configuration


class Varnish(Proxy):
    """A shared cache in front, with nothing but its built-in rules."""

    language = "varnish"

    def plain(self):
        host, port = self.server_address.rsplit(":", 1)
        return f'vcl 4.1;\nbackend default {{ .host = "{host}"; .port = "{port}"; }}\n'

    def frame(self, block):
        return getattr(self, block)()

    def command(self):
        # Its master process compiles the rules; "none": it needs no user of its own to change to.
        return (program("varnish", "usr/sbin/varnishd"), "-F", "-j", "none", "-n", self.folder / "varnish",
                "-a", f"127.0.0.1:{self.port}", "-f", self.configuration, "-s", "malloc,16m",
                "-p", f"vmod_path={folder_of('varnish') / 'usr/lib/x86_64-linux-gnu/varnish/vmods'}",
                "-p", "cc_command=exec clang-19 -O1 -fpic -shared -Wl,-x -o %o %s")


PROXIES = {proxy.language: proxy for proxy in (Nginx, Apache, Caddy, HAProxy)}


class ProxiedServer:
    """A Server as clients see it that reach it through a proxy."""

    s3, client_environment, fetch = Server.s3, Server.client_environment, Server.fetch

    def __init__(self, server, proxy):
        self.server, self.proxy, self.certificate = server, proxy, proxy.certificate

    def __getattr__(self, name):
        return getattr(self.server, name)

    @property
    def port(self):
        return self.proxy.port

    @property
    def endpoint(self):
        return f"{'https' if self.certificate else 'http'}://localhost:{self.port}"
