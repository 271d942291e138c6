"""Public keys as PEM text, made for this run."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def public_pem(private: Any) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


private_rsa = rsa.generate_private_key(65537, 2048)
RSA_KEY = public_pem(private_rsa)
PRIVATE_RSA_KEY = private_rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SHORT_RSA_KEY = public_pem(rsa.generate_private_key(65537, 1024))
P256_KEY = public_pem(ec.generate_private_key(ec.SECP256R1()))
P384_KEY = public_pem(ec.generate_private_key(ec.SECP384R1()))
