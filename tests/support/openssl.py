"""The openssl command, and a CA that it runs alone: independent of our code and of cryptography."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

_CONFIGURATION = """
[ ca ]
default_ca = own
[ own ]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
rand_serial = yes
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
unique_subject = no
{crl}
[ any ]
commonName = supplied
[ crl_ext ]
authorityKeyIdentifier = keyid:always
[ req ]
distinguished_name = name
x509_extensions = ca_ext
prompt = no
[ name ]
CN = {name}
[ ca_ext ]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
keyUsage = critical, keyCertSign, cRLSign
"""
NUMBERED = "crlnumber = $dir/crlnumber"
WITH_KEY = f"{NUMBERED}\ncrl_extensions = crl_ext"
KEYS = {
    "RSA": ["-newkey", "rsa:2048"],
    "EC": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
}


def openssl(*arguments: str | Path, stdin: bytes = b"", folder: Path | None = None) -> str:
    """Run the openssl command, which must succeed; return what it prints."""
    run = subprocess.run(["openssl", *arguments], input=stdin, cwd=folder, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode() + run.stderr.decode()


@dataclass
class OpensslCa:
    """A CA in a folder, run by the openssl command alone."""

    folder: Path
    name: str
    kind: str = "EC"

    def __post_init__(self) -> None:
        """Create its key, certificate and database."""
        self.folder.mkdir()
        (self.folder / "index.txt").touch()
        self.set_crl_number(1)
        self.configure(WITH_KEY)
        key = [*KEYS[self.kind], "-nodes", "-keyout", "ca.key"]
        self.run("req", "-x509", *key, "-out", "ca.pem", "-days", "30", "-config", "openssl.cnf")

    def run(self, *arguments: str) -> None:
        """Run openssl in the CA's folder."""
        openssl(*arguments, folder=self.folder)

    def configure(self, crl: str) -> None:
        """Write the configuration, with these lines about CRLs."""
        text = _CONFIGURATION.format(folder=self.folder, crl=crl, name=self.name)
        (self.folder / "openssl.cnf").write_text(text)

    def set_crl_number(self, number: int) -> None:
        """Set the number of the next CRL."""
        (self.folder / "crlnumber").write_text(f"{number:04X}\n")

    def issue(self, name: str) -> int:
        """Issue a certificate and return its serial number."""
        self.run(
            "req", *KEYS[self.kind], "-nodes", "-keyout", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr"
        )
        self.run("ca", "-batch", "-config", "openssl.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext")
        return x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes()).serial_number

    def revoke(self, name: str) -> None:
        """Revoke a certificate."""
        self.run("ca", "-config", "openssl.cnf", "-revoke", f"{name}.pem", "-crl_reason", "keyCompromise")

    def forget(self) -> None:
        """Empty the database, as if the CA had been restored from a backup older than all it has issued."""
        (self.folder / "index.txt").write_text("")

    def crl(self, form: str = "PEM") -> bytes:
        """Return a new CRL in PEM or DER."""
        self.run("ca", "-config", "openssl.cnf", "-gencrl", "-out", "crl.pem")
        self.run("crl", "-in", "crl.pem", "-outform", form, "-out", "crl.out")
        return (self.folder / "crl.out").read_bytes()

    @property
    def pem(self) -> str:
        """The CA's certificate."""
        return (self.folder / "ca.pem").read_text()
