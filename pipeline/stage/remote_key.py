"""A private key that never leaves its store: a KMS or a PKCS#11 token, through securesystemslib.

URI schemes (securesystemslib 1.4): awskms, azurekms, gcpkms, hv (Vault), hsm (PKCS#11), file2. Each needs that
store's own client library. The store draws its own nonces, so such signatures differ from run to
run: files signed this way are valid, but not byte-identical when rebuilt.
"""

from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.exceptions import Error as SecuresystemslibError
from securesystemslib.signer._key import SSlibKey
from securesystemslib.signer._signer import Signer

from pipeline.schema.errors import BadInput


class RemoteKey:
    """Signs with the key at a URI; its public half is known beforehand."""

    def __init__(self, uri: str, public: ec.EllipticCurvePublicKey) -> None:
        """Open the key.

        Raises:
            BadInput: unknown scheme, client library missing, or the store refuses.
        """
        self._uri, self._public = uri, public
        try:
            self._signer = Signer.from_priv_key_uri(uri, SSlibKey.from_crypto(public))
        except Exception as err:  # each store's client has its own errors
            raise BadInput(uri, f"not usable as a signing key ({type(err).__name__}: {err})") from err

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    def sign(self, data: bytes, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """An ECDSA signature of `data` in DER, checked against the public half before it is used.

        Raises:
            BadInput: the store refuses, or signs with another key.
        """
        try:
            signature = bytes.fromhex(self._signer.sign(data).signature)
            self._public.verify(signature, data, signature_algorithm)
        except SecuresystemslibError as err:
            raise BadInput(self._uri, f"did not sign ({err})") from err
        except Exception as err:
            raise BadInput(self._uri, f"signed with another key, or failed ({type(err).__name__}: {err})") from err
        return signature
