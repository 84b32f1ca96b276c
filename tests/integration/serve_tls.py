#!/usr/bin/env python3
"""serve_tls.py - two listeners with TLS, and certificates that are replaced.

Certificates are made by Python's cryptography and looked at by Python's ssl, so
neither side of the handshake is ours alone.
"""

import datetime
import http.client
import json
import ssl
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lib.cases import Cases
from lib.engine import EVENTS, from_arguments
from lib.serving import DEADLINE_S, TOKEN, Serving

SETTINGS = """
  admin = { listen = "127.0.0.1:0" },
  tls = { certificate = "%s", key = "%s" },
"""


def write_pair(certificate, key, number):
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "night")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
              .public_key(made.public_key()).serial_number(number)
              .not_valid_before(now - datetime.timedelta(hours=1))
              .not_valid_after(now + datetime.timedelta(hours=1))
              .sign(made, hashes.SHA256()))
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


def serial(port):
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=DEADLINE_S)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def ask(port, method, path, token=TOKEN, body=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port, timeout=DEADLINE_S, context=context)
    try:
        connection.request(method, path, body, {
            "Authorization": "Bearer " + token,
            "Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def main():
    engine, cases = from_arguments(__doc__), Cases()
    with Serving(engine, ["checkout"]) as serving:
        certificate = serving.folder / "certificate.pem"
        key = serving.folder / "key.pem"
        write_pair(certificate, key, 1001)
        serving.settings = SETTINGS % (certificate, key)
        serving.start()
        told = json.loads((serving.state / "serve.json").read_text())
        admin, token = int(told["address"].rpartition(":")[2]), told["token"]
        body = (EVENTS / "firing.json").read_bytes()

        statuses = {
            "a delivery at the door": ask(
                serving.port, "POST", "/hooks/alertmanager", body=body),
            "a probe at the door": ask(serving.port, "GET", "/readyz"),
            "the API at the door": ask(
                serving.port, "GET", "/api/v1/ledger", token),
            "a reload at the door": ask(
                serving.port, "POST", "/-/reload", token),
            "the API behind it": ask(admin, "GET", "/api/v1/ledger", token),
            "a delivery behind it": ask(
                admin, "POST", "/hooks/alertmanager", token, body)}
        cases.check("each listener has its own paths", [
            list(statuses.values()) != [202, 200, 404, 404, 200, 404]
            and statuses])
        first = serial(serving.port), serial(admin)
        write_pair(certificate, key, 1002)
        taken = ask(admin, "POST", "/-/reload", token)
        second = serial(serving.port), serial(admin)
        cases.check("a reload takes the certificate that is there", [
            first != (1001, 1001) and first, taken != 200 and taken,
            second != (1002, 1002) and second])
        key.write_text("no key")
        refused = ask(admin, "POST", "/-/reload", token)
        third = serial(serving.port), serial(admin)
        cases.check("one that is none is refused, and the old one stays", [
            refused != 409 and refused, third != (1002, 1002) and third])
        code = serving.stop()
        cases.check("it ends well", [code != 0 and serving.said()])
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
