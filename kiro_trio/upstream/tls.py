"""TLS on our side: which CAs are trusted, and a stream that hands out all that has arrived.

`trio.SSLStream` returns one TLS record per `receive_some`, and a server that flushes every event writes one record
per event: 80 us an event where a read that drains the records costs 19. So the record layer here is `ssl.MemoryBIO`,
emptied after every read of the socket.
"""

import errno
import os
import ssl
from contextlib import suppress
from pathlib import Path

import certifi
import trio

from kiro_trio.upstream.errors import CertificateFileError
from kiro_trio.upstream.sockets import Reader

_RECORD = 16384  # the largest plaintext of one TLS record, RFC 8446, 5.1
_WRITE_SIZE = 131072  # encrypted at a stroke: a body of 50 MB in one piece holds the loop for 50 ms
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


def client_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Make the SSL context that all our connections share; it takes about 50 ms and 0.5 MB, so make one.

    Trusted are certifi's bundle *and* the system's store, where companies put the CA of their proxies, *and*
    `ca_file`. TLS 1.2 at least, host names checked, HTTP/1.1 offered by ALPN.

    Args:
        ca_file: A PEM file with one CA certificate or several.

    Raises:
        CertificateFileError: `ca_file` cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    # A Python built elsewhere looks for the store where it stands on the machine that built it, and misses ours.
    for bundle in filter(os.path.exists, _SYSTEM_BUNDLES):
        with suppress(OSError):
            context.load_verify_locations(bundle)
        break
    if ca_file is not None:
        _trust(context, ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # From Python 3.13 on, the default refuses home-made CAs without a key usage and takes intermediates as
    # anchors. The same file has to work, or not, on every Python: lenient, as OpenSSL and curl are.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trust(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise CertificateFileError(
            f"{ca_file}: holds no CA certificate in PEM form that OpenSSL can read"
        ) from None
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise CertificateFileError(f"{ca_file}: cannot be read: {reason}") from None


class TLSStream(trio.abc.Stream):
    """The client's end of a TLS connection over any stream.

    One `receive_some` returns the plaintext of every record that one read of the transport completed. One task may
    receive while another sends. A cancelled `receive_some` loses nothing and may be called again; after a cancelled
    `send_all` nothing can be sent any more, for the peer waits for the rest of a record.

    Args:
        transport: A connected stream; it belongs to this one from now on.
        context: Settings and trust.
        server_hostname: Whose certificate we want to see; also sent as SNI.
        directly: Read the transport ourselves if it is a plain socket.
    """

    def __init__(
        self,
        transport: trio.abc.Stream,
        context: ssl.SSLContext,
        server_hostname: str,
        *,
        directly: bool = True,
    ) -> None:
        self.transport_stream = transport
        self._reader = Reader(transport, directly=directly)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        self._sending = trio.Lock()
        self._send_broken = False
        self._plaintext = b""  # decrypted, but more than the caller asked for
        self._ended = False
        self._failure: ssl.SSLError | None = None

    @property
    def quiet(self) -> bool:
        """Whether all that has been read was handed out and no end was seen: the connection may be kept for later."""
        return not (self._plaintext or self._ended or self._failure or self._incoming.pending)

    async def do_handshake(self) -> None:
        """Shake hands; on failure the peer is told the reason if the transport takes it.

        Raises:
            ssl.SSLError: The peer or its certificate is not acceptable, or does not speak TLS.
            trio.BrokenResourceError: The transport broke.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                with suppress(trio.BrokenResourceError):
                    await self._flush()  # the alert
                raise
            else:
                await self._flush()
                return

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send all of it; see the class on cancellation.

        Raises:
            trio.BrokenResourceError: The connection is broken, or an earlier `send_all` was cancelled.
        """
        await trio.lowlevel.checkpoint()
        with memoryview(data) as view:
            for start in range(0, len(view), _WRITE_SIZE):
                try:
                    self._tls.write(view[start : start + _WRITE_SIZE])
                except ssl.SSLError as error:
                    raise trio.BrokenResourceError("TLS does not let us send") from error
                await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the transport takes bytes again."""
        async with self._sending:
            await self.transport_stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return all plaintext that has arrived, at most `max_bytes` of it, waiting for some if there is none.

        Returns:
            `b""` after the peer's close_notify, and only then.

        Raises:
            trio.BrokenResourceError: The transport ended without a close_notify (whatever has come may be cut
                short), broke, or brought something that is not TLS. All plaintext before it is handed out first.
        """
        while True:
            await trio.lowlevel.checkpoint_if_cancelled()
            data = self._plaintext or (b"" if self._failure else self._decrypt())
            if data:
                self._plaintext = b"" if max_bytes is None else data[max_bytes:]
                return data if max_bytes is None else data[:max_bytes]
            if self._failure is not None:
                raise trio.BrokenResourceError("TLS broke") from self._failure
            if self._ended:
                return b""
            if self._outgoing.pending and not self._sending.locked() and not self._send_broken:
                # The answer to a key update. It goes out while no plaintext is held, so that being cancelled here
                # loses nothing; and if a sender is at work, that one takes it along, so that we never wait for it.
                with suppress(trio.BrokenResourceError):
                    await self._flush()
            await self._fill()

    async def aclose(self) -> None:
        """Close the transport, without a close_notify: HTTP says itself what is whole."""
        await self.transport_stream.aclose()

    def _decrypt(self) -> bytes:
        records = []
        try:
            while record := self._tls.read(_RECORD):
                records.append(record)
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLError as error:
            self._failure = error
        return records[0] if len(records) == 1 else b"".join(records)

    async def _fill(self) -> None:
        data = await self._reader.receive_some()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        # Records have to reach the wire in the order in which they were made: whoever holds the lock sends them all.
        async with self._sending:
            while data := self._outgoing.read():
                if self._send_broken:
                    raise trio.BrokenResourceError("an earlier send was broken off in the middle of a record")
                self._send_broken = True
                await self.transport_stream.send_all(data)
                self._send_broken = False
