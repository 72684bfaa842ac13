# SPDX-License-Identifier: BSD-3-Clause
"""vfio-user devices and clients in Python, with libvuser.

Device is a PCI device: derive a class from it, and serve it at a socket. Client
connects to a device, for tests.
"""

from vuser.client import Client
from vuser.device import Bar, Device, Request

__all__ = ["Bar", "Client", "Device", "Request"]
