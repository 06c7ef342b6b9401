# SPDX-License-Identifier: MIT
"""What Twisted finds of autobahn_fast: the endpoints ``autobahn:...`` and the command ``twistd endpointforward``.

Where Autobahn|Python is installed, too, these names are its; ours are ``autobahn_fast:...`` and ``autobahn_fast-endpointforward`` then.
"""

from importlib.util import find_spec

from twisted.application.service import ServiceMaker

from autobahn_fast.twisted._endpoints import ClientParser, ServerParser

_alone = find_spec("twisted.plugins.autobahn_endpoints") is None
_prefix = "autobahn" if _alone else "autobahn_fast"

server_parser = ServerParser(_prefix)
client_parser = ClientParser(_prefix)
endpoint_forwarder = ServiceMaker(
    "autobahn_fast endpoint forwarder",
    "autobahn_fast.twisted.forwarder",
    "Forwards connections from one endpoint to another",
    "endpointforward" if _alone else "autobahn_fast-endpointforward",
)
