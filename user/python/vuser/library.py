# SPDX-License-Identifier: BSD-3-Clause
"""The functions and structures of libvuser, as ctypes sees them.

The names and the order of members are those of <vuser/server.h>, <vuser/pci.h> and
<vuser/client.h>. The environment variable VUSER_LIBRARY names another file than
libvuser.so.0.
"""

import ctypes
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_int, c_size_t,
                    c_uint8, c_uint16, c_uint32, c_uint64, c_void_p)

# <linux/vfio.h>
CONFIG_REGION = 7
INTX, MSI, MSIX = 0, 1, 2
NUM_IRQS = 5
FLAG_READ, FLAG_WRITE = 1, 2
DEVICE_FLAGS_PCI = 2
IRQ_EVENTFD, IRQ_MASKABLE, IRQ_AUTOMASKED, IRQ_NORESIZE = 1, 2, 4, 8
SET_DATA_NONE, SET_DATA_EVENTFD, SET_TRIGGER, SET_UNMASK = 1, 4, 32, 16

CFG_SIZE = 256
CFG_SIZE_EXTENDED = 4096

READ = CFUNCTYPE(c_int, c_void_p, c_uint32, c_uint64, c_void_p, c_uint32)
VOID = CFUNCTYPE(None, c_void_p)
INT = CFUNCTYPE(c_int, c_void_p)
DISCONNECTED = CFUNCTYPE(None, c_void_p, c_int)
LOG = CFUNCTYPE(None, c_void_p, c_int, c_char_p)


class Sized(Structure):
    """A structure with struct_size. Members that are not given are 0."""

    def __init__(self, **members):
        super().__init__(struct_size=ctypes.sizeof(self), **members)


class DmaRegion(Structure):
    """struct vuser_dma_region"""
    _fields_ = [("iova", c_uint64), ("size", c_uint64), ("prot", c_int),
                ("map", c_void_p), ("fd", c_int), ("fd_offset", c_uint64)]


MAP = CFUNCTYPE(c_int, c_void_p, POINTER(DmaRegion))
UNMAP = CFUNCTYPE(None, c_void_p, POINTER(DmaRegion))


class ServerOps(Sized):
    """struct vuser_server_ops; this module does not use the pointers without a type"""
    _fields_ = [("struct_size", c_size_t), ("connected", VOID),
                ("disconnected", DISCONNECTED), ("reset", INT), ("dma_map", MAP),
                ("dma_unmap", UNMAP), ("irq_state", c_void_p), ("feature", c_void_p),
                ("migrate", c_void_p), ("mig_read", c_void_p), ("mig_write", c_void_p),
                ("log_start", c_void_p), ("log_stop", c_void_p),
                ("log_report", c_void_p), ("log", LOG), ("access_now", c_void_p)]


class ServerConfig(Sized):
    """struct vuser_server_config"""
    _fields_ = [("struct_size", c_size_t), ("device_flags", c_uint32),
                ("minor", c_uint16), ("use_minor", c_bool), ("no_twin", c_bool),
                ("no_write_multi", c_bool), ("no_dma_fds", c_bool),
                ("keep_dma_fds", c_bool), ("max_msg_fds", c_uint32),
                ("max_data_xfer_size", c_uint32), ("max_dma_maps", c_uint32),
                ("hide_max_dma_maps", c_bool), ("dma_timeout_ms", c_int),
                ("migration", c_bool), ("dma_logging", c_bool),
                ("max_deferred", c_size_t), ("version_timeout_ms", c_int),
                ("no_sigbus", c_bool)]


class ServerRegion(Sized):
    """struct vuser_server_region"""
    _fields_ = [("struct_size", c_size_t), ("size", c_uint64), ("flags", c_uint32),
                ("access_max", c_uint32), ("read", READ), ("write", READ),
                ("fd", c_int), ("fd_offset", c_uint64), ("nr_areas", c_uint32),
                ("areas", c_void_p), ("has_type", c_bool), ("type", c_uint32),
                ("subtype", c_uint32)]


class PciIds(Sized):
    """struct vuser_pci_ids"""
    _fields_ = [("struct_size", c_size_t), ("vendor", c_uint16), ("device", c_uint16),
                ("subsystem_vendor", c_uint16), ("subsystem", c_uint16),
                ("class_code", c_uint32), ("revision", c_uint8)]


class Pci(Structure):
    """struct vuser_pci"""
    _fields_ = [("size", c_uint32)] + [
        (name, c_uint8 * CFG_SIZE_EXTENDED)
        for name in ("cfg", "initial", "wmask", "w1c", "used")
    ] + [("next_cap", c_uint32), ("last_cap", c_uint32), ("last_ext_cap", c_uint32)]


class Msix(Structure):
    """struct vuser_msix"""
    _fields_ = [("vectors", c_uint32), ("table", c_void_p), ("pba", c_void_p)]


CLIENT_READ = CFUNCTYPE(c_int, c_void_p, c_uint64, c_void_p, c_size_t)


class ClientOps(Sized):
    """struct vuser_client_ops"""
    _fields_ = [("struct_size", c_size_t), ("dma_read", CLIENT_READ),
                ("dma_write", CLIENT_READ)]


# Name: the type of the result and the types of the parameters.
FUNCTIONS = {
    "vuser_server_new": (c_int, POINTER(ServerOps), POINTER(ServerConfig), c_void_p,
                         POINTER(c_void_p)),
    "vuser_server_free": (None, c_void_p),
    "vuser_server_set_region": (c_int, c_void_p, c_uint32, POINTER(ServerRegion)),
    "vuser_server_set_irqs": (c_int, c_void_p, c_uint32, c_uint32, c_uint32),
    "vuser_server_listen": (c_int, c_void_p, c_char_p),
    "vuser_server_listen_mode": (c_int, c_void_p, c_char_p, c_uint32),
    "vuser_server_serve": (c_int, c_void_p, c_int),
    "vuser_server_fd": (c_int, c_void_p),
    "vuser_server_process": (c_int, c_void_p),
    "vuser_server_connected": (c_bool, c_void_p),
    "vuser_server_disconnect": (None, c_void_p),
    "vuser_server_defer": (c_void_p, c_void_p),
    "vuser_request_data": (c_void_p, c_void_p),
    "vuser_request_done": (None, c_void_p, c_int),
    "vuser_dma_read": (c_int, c_void_p, c_uint64, c_char_p, c_size_t),
    "vuser_dma_write": (c_int, c_void_p, c_uint64, c_char_p, c_size_t),
    "vuser_irq_fire": (c_int, c_void_p, c_uint32),
    "vuser_irq_clear": (None, c_void_p, c_uint32, c_uint32),
    "vuser_pci_init": (c_int, POINTER(Pci), c_uint32, POINTER(PciIds)),
    "vuser_pci_set_bar": (c_int, POINTER(Pci), c_uint32, c_uint64, c_uint32),
    "vuser_pci_set_intx": (None, POINTER(Pci), c_uint8),
    "vuser_pci_add_cap": (c_int, POINTER(Pci), c_uint8, c_char_p, c_char_p, c_size_t),
    "vuser_pci_add_msi": (c_int, POINTER(Pci), c_uint32),
    "vuser_pci_add_msix": (c_int, POINTER(Pci), c_uint16, c_uint8, c_uint32, c_uint8,
                           c_uint32),
    "vuser_pci_seal": (None, POINTER(Pci)),
    "vuser_pci_reset": (None, POINTER(Pci)),
    "vuser_pci_read": (c_int, POINTER(Pci), c_uint64, c_void_p, c_uint32),
    "vuser_pci_write": (c_int, POINTER(Pci), c_uint64, c_void_p, c_uint32),
    "vuser_pci_bus_master": (c_bool, POINTER(Pci)),
    "vuser_msix_init": (c_int, POINTER(Msix), c_uint32),
    "vuser_msix_fini": (None, POINTER(Msix)),
    "vuser_msix_reset": (None, POINTER(Msix)),
    "vuser_msix_table_read": (None, POINTER(Msix), c_uint64, c_void_p, c_uint32),
    "vuser_msix_table_write": (None, POINTER(Msix), c_uint64, c_void_p, c_uint32),
    "vuser_msix_pba_read": (None, POINTER(Msix), c_uint64, c_void_p, c_uint32),
    "vuser_client_new": (c_int, c_char_p, c_void_p, c_int, POINTER(ClientOps), c_void_p,
                         POINTER(c_void_p)),
    "vuser_client_free": (None, c_void_p),
    "vuser_client_read": (c_int, c_void_p, c_uint32, c_uint64, c_char_p, c_size_t),
    "vuser_client_write": (c_int, c_void_p, c_uint32, c_uint64, c_char_p, c_size_t),
    "vuser_client_set_irqs": (c_int, c_void_p, c_uint32, c_uint32, c_uint32, c_uint32,
                              c_void_p, POINTER(c_int)),
    "vuser_client_dma_map": (c_int, c_void_p, c_uint64, c_uint64, c_uint32, c_int,
                             c_uint64),
    "vuser_client_dma_unmap": (c_int, c_void_p, c_uint64, c_uint64),
    "vuser_client_reset": (c_int, c_void_p),
    "vuser_client_process": (c_int, c_void_p, c_int),
}


def load():
    """Load the library."""
    library = ctypes.CDLL(os.environ.get("VUSER_LIBRARY", "libvuser.so.0"))
    for name, (result, *parameters) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = parameters
    return library


lib = load()


def check(result):
    """Return the result of a function; raise OSError for a negative errno."""
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result
