# SPDX-License-Identifier: Apache-2.0
"""A relay whose messages are seen twice: as octets, and as it understood them."""
from peers import relp
from relay import wait_until


class Observed:
    """The output `octets` sends each message to a RELP server of ours with format raw: the octets as received (a message without
    a valid PRI gets one in front). The output `print` writes JSON lines."""

    def __init__(self, relays, inputs, name="relay", **top):
        self.server = relp.Server()
        self.relay = relays.start(name, inputs, [
            {"type": "relp", "name": "octets", "servers": [f"127.0.0.1:{self.server.port}"], "format": "raw", "warn_size": 0},
            {"type": "stdout", "name": "print"}], **top)

    def raws(self, count, seconds=20):
        """Waits until that many messages have passed; exactly their octets."""
        self.lines(count, seconds)
        wait_until(lambda: len(self.server.received) >= count, seconds, f"message {count} as octets")
        return list(self.server.received)

    def lines(self, count, seconds=20):
        """Waits until that many messages have passed; their JSON lines."""
        wait_until(lambda: len(self.relay.lines()) >= count, seconds,
                   f"message {count} (there are {len(self.relay.lines())}: {self.relay.out.read_bytes()[-500:]!r}; "
                   f"log {self.relay.log_text()[-500:]})")
        return self.relay.lines()
