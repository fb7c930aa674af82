"""Where the processes of the session are.

>>> import rayx
>>> with rayx.init(num_cpus=1):
...     rayx.services.get_node_ip_address()
'127.0.0.1'
"""

from __future__ import annotations

from rayx.queries import get_node_ip_address

__all__ = ["get_node_ip_address"]
