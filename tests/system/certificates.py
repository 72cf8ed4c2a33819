# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made with openssl on the spot: an authority, and leaves with the names a test asks for."""
import hashlib
import pathlib
import ssl
import subprocess


def _openssl(*arguments, **options):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options)


class Leaf:
    """certificate (PEM), key (PEM) and the fingerprints of one certificate."""

    def __init__(self, certificate, key):
        self.certificate, self.key = pathlib.Path(certificate), pathlib.Path(key)
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text().split("-----END CERTIFICATE-----")[0]
                                       + "-----END CERTIFICATE-----\n")
        self.sha1 = hashlib.sha1(der).hexdigest().upper()
        self.sha256 = hashlib.sha256(der).hexdigest().upper()

    @staticmethod
    def colons(digest):
        return ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))

    @property
    def fingerprint(self):
        """As RFC 5425 writes it, with SHA-256."""
        return "sha-256:" + self.colons(self.sha256)


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name="test authority"):
        self.folder = pathlib.Path(folder)
        self.certificate, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        self.made = {}
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-keyout", self.key, "-out", self.certificate, "-subj", f"/CN={name}")

    def leaf(self, name, alternatives=None, days=2):
        """A certificate for this name: CN and, unless told otherwise, the dNSName. days <= 0 makes an expired one."""
        identity = (name, tuple(alternatives or ()), days)
        if identity in self.made:
            return self.made[identity]
        base = self.folder / f"leaf{len(self.made)}"
        key, request, certificate = base.with_suffix(".key"), base.with_suffix(".csr"), base.with_suffix(".pem")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                 "-subj", f"/CN={name}")
        extensions = base.with_suffix(".ext")
        names = [f"DNS:{name}"] if alternatives is None else alternatives
        extensions.write_text(("subjectAltName=" + ",".join(names) + "\n") if names else "basicConstraints=CA:FALSE\n")
        if days <= 0:
            return self._expired(identity, request, extensions, key, certificate)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", days, "-extfile", extensions, "-out", certificate)
        self.made[identity] = Leaf(certificate, key)
        return self.made[identity]

    def _expired(self, identity, request, extensions, key, certificate):
        """`openssl x509` cannot date back; `openssl ca` can."""
        folder = self.folder / f"ca{len(self.made)}"
        folder.mkdir()
        (folder / "index").write_text("")
        (folder / "config").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\n"
            f"default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        _openssl("ca", "-batch", "-notext", "-config", folder / "config", "-cert", self.certificate, "-keyfile", self.key,
                 "-in", request, "-out", certificate, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z",
                 "-extfile", extensions)
        self.made[identity] = Leaf(certificate, key)
        return self.made[identity]

    def self_signed(self, name):
        """A certificate that no authority vouches for."""
        base = self.folder / f"self{len(self.made)}"
        key, certificate = base.with_suffix(".key"), base.with_suffix(".pem")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                 key, "-out", certificate, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        self.made[("self", name, len(self.made))] = leaf = Leaf(certificate, key)
        return leaf

    def tls(self, leaf, peers=None):
        """The "tls" section of a relayd input or output."""
        section = {"certificate": str(leaf.certificate), "key": str(leaf.key), "ca": str(self.certificate)}
        if peers is not None:
            section["peers"] = peers
        return section
