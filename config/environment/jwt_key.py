"""The reader of `RATES_JWT_KEY`: a key that cannot check its algorithm would refuse each socket, one by one."""

from config.environment.readers import refuse_secret, text

# Bytes: shorter ones than the hash can be guessed. Reference: RFC 7518, 3.2 and 3.3.
SHARED_SECRET_BYTES = 32
RSA_BITS = 2048


def jwt_key(name: str, algorithm: str) -> str:
    """Return the key in the variable *name*; two signs, backslash and n, may stand for the ends of a PEM's lines."""
    key = text(name)
    if "-----BEGIN" in key:
        key = key.replace("\\n", "\n")
    if key and (wanted := _wanted_instead(key, algorithm)):
        refuse_secret(name, f"{wanted}, for RATES_JWT_ALGORITHM={algorithm}")
    return key


def _wanted_instead(key: str, algorithm: str) -> str:
    """Return what should stand in the place of *key*; empty when it is right."""
    if algorithm == "HS256":
        is_secret = len(key.encode()) >= SHARED_SECRET_BYTES and "-----BEGIN" not in key
        return "" if is_secret else f"a shared secret of at least {SHARED_SECRET_BYTES} bytes that is no PEM text"
    wanted = {
        "RS256": f"an RSA public key of at least {RSA_BITS} bits as PEM text",
        "ES256": "a public key on the curve P-256 as PEM text",
    }[algorithm]
    return "" if _is_public_key(key, algorithm) else wanted


def _is_public_key(key: str, algorithm: str) -> bool:
    # 8 MB, which only these algorithms need.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        public = load_pem_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    if algorithm == "RS256":
        return isinstance(public, rsa.RSAPublicKey) and public.key_size >= RSA_BITS
    return isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1)
