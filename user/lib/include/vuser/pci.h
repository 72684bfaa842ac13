/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: the parts that every PCI device has, for servers.
 *
 * A struct vuser_pci is a config space that knows which bits can be written;
 * a struct vuser_msix is an MSI-X table with its pending bits.  Neither locks:
 * they belong to the thread that serves regions, but vuser_pci_bus_master()
 * may be asked from any thread.
 */
#ifndef VUSER_PCI_H
#define VUSER_PCI_H

#include <linux/pci_regs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vuser/server.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VUSER_PCI_CFG_SIZE  256
#define VUSER_PCIE_CFG_SIZE 4096

/**
 * struct vuser_pci - config space of a device
 * @size: VUSER_PCI_CFG_SIZE or VUSER_PCIE_CFG_SIZE
 * @cfg: what reads see, little endian
 * @initial: what a reset brings back
 * @wmask: bits that a write sets
 * @w1c: bits that a write of 1 clears
 * @next_cap: where the next capability goes
 * @last_cap: the byte that will point to it
 * @last_ext_cap: the extended capability that will point to the next, 0: none
 *
 * Devices may change @cfg directly, e.g. to set status bits.
 */
struct vuser_pci {
	uint32_t size;
	uint8_t cfg[VUSER_PCIE_CFG_SIZE];
	uint8_t initial[VUSER_PCIE_CFG_SIZE];
	uint8_t wmask[VUSER_PCIE_CFG_SIZE];
	uint8_t w1c[VUSER_PCIE_CFG_SIZE];
	uint32_t next_cap;
	uint32_t last_cap;
	uint32_t last_ext_cap;
};

/**
 * struct vuser_pci_ids - what the device is
 * @struct_size: sizeof(struct vuser_pci_ids)
 * @vendor: PCI_VENDOR_ID
 * @device: PCI_DEVICE_ID
 * @subsystem_vendor: PCI_SUBSYSTEM_VENDOR_ID
 * @subsystem: PCI_SUBSYSTEM_ID
 * @class_code: 24 bits: base class, sub-class, interface
 * @revision: PCI_REVISION_ID
 */
struct vuser_pci_ids {
	size_t struct_size;
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem;
	uint32_t class_code;
	uint8_t revision;
};

/**
 * vuser_pci_init - an endpoint with a type 0 header
 * @pci: result
 * @size: VUSER_PCI_CFG_SIZE or VUSER_PCIE_CFG_SIZE
 * @ids: what the device is
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size.
 */
int vuser_pci_init(struct vuser_pci *pci, uint32_t size,
		    const struct vuser_pci_ids *ids);

/**
 * vuser_pci_set_bar - a BAR that can be sized
 * @pci: config space
 * @bar: 0 to 5, 0 to 4 for a 64-bit one, which takes the next one too
 * @size: bytes, a power of two, 16 at least for memory, 4 for I/O
 * @flags: PCI_BASE_ADDRESS_SPACE_IO, _MEM_TYPE_64, _MEM_PREFETCH
 *
 * Return: 0 or -EINVAL.
 */
int vuser_pci_set_bar(struct vuser_pci *pci, unsigned int bar, uint64_t size,
		      uint32_t flags);

/** vuser_pci_set_intx - @pin is 1 for INTA to 4 for INTD */
void vuser_pci_set_intx(struct vuser_pci *pci, uint8_t pin);

/**
 * vuser_pci_add_cap - append a capability
 * @pci: config space
 * @id: PCI_CAP_ID_*
 * @body: what follows the two bytes of header
 * @wmask: bits of @body that a write sets, NULL for none
 * @len: of @body and @wmask
 *
 * Return: its offset, or -ENOSPC.
 */
int vuser_pci_add_cap(struct vuser_pci *pci, uint8_t id, const void *body,
		      const void *wmask, size_t len);

/** vuser_pci_add_ext_cap - append an extended one, at @offset or, for 0, where
 * there is room; @len is without the four bytes of header.
 */
int vuser_pci_add_ext_cap(struct vuser_pci *pci, uint16_t id, uint8_t version,
			  uint32_t offset, const void *body, const void *wmask,
			  size_t len);

/** vuser_pci_add_pm - power management: D0 and D3hot, no PME */
int vuser_pci_add_pm(struct vuser_pci *pci);

/** vuser_pci_add_pcie - PCI Express, version 2; @type is PCI_EXP_TYPE_ENDPOINT
 * or PCI_EXP_TYPE_RC_END; @flr: a function level reset can be asked for, see
 * vuser_pci_write()
 */
int vuser_pci_add_pcie(struct vuser_pci *pci, unsigned int type, bool flr);

/**
 * vuser_pci_add_msix - MSI-X
 * @pci: config space
 * @vectors: 1 to 2048
 * @table_bar: BAR of the table
 * @table: offset in it, bytes, a multiple of 8
 * @pba_bar: BAR of the pending bits
 * @pba: offset in it, bytes, a multiple of 8
 */
int vuser_pci_add_msix(struct vuser_pci *pci, uint16_t vectors,
		       uint8_t table_bar, uint32_t table, uint8_t pba_bar,
		       uint32_t pba);

/** vuser_pci_find_cap - its offset, 0 when there is none */
uint32_t vuser_pci_find_cap(const struct vuser_pci *pci, uint8_t id);

/** vuser_pci_seal - what is there now is what a reset brings back */
void vuser_pci_seal(struct vuser_pci *pci);

/** vuser_pci_reset - as after vuser_pci_seal() */
void vuser_pci_reset(struct vuser_pci *pci);

/**
 * vuser_pci_load - take over what another device like this one has in @cfg
 * @pci: config space
 * @image: of @pci->size bytes
 *
 * Return: 0; -EINVAL, and nothing is changed, when bits differ that no driver
 * can write.
 */
int vuser_pci_load(struct vuser_pci *pci, const void *image);

/** vuser_pci_read - 0, or -EINVAL outside of the config space */
int vuser_pci_read(const struct vuser_pci *pci, uint64_t offset, void *buf,
		   uint32_t count);

/**
 * vuser_pci_write - write, as far as bits can be written
 * @pci: config space
 * @offset: in config space
 * @buf: the data
 * @count: bytes of @buf
 *
 * Return: 0; 1 when the write asked for a function level reset, which the
 * device must then do, vuser_pci_reset() included; -EINVAL outside.
 */
int vuser_pci_write(struct vuser_pci *pci, uint64_t offset, const void *buf,
		    uint32_t count);

/** vuser_pci_bus_master - the device may do DMA and fire MSI-X */
bool vuser_pci_bus_master(const struct vuser_pci *pci);

/**
 * vuser_pci_config_region - describe config space as a region
 * @pci: config space
 * @region: result, for vuser_server_set_region(); struct_size must be set. The
 *          caller sets @read and @write, which call vuser_pci_read() and
 *          vuser_pci_write().
 *
 * Return: 0; -EINVAL for a bad struct_size.
 */
int vuser_pci_config_region(const struct vuser_pci *pci,
			    struct vuser_server_region *region);

/* Little endian fields of config space, e.g. in a capability. */
uint16_t vuser_pci_get16(const struct vuser_pci *pci, uint32_t offset);
uint32_t vuser_pci_get32(const struct vuser_pci *pci, uint32_t offset);
void vuser_pci_put16(struct vuser_pci *pci, uint32_t offset, uint16_t value);
void vuser_pci_put32(struct vuser_pci *pci, uint32_t offset, uint32_t value);

/**
 * struct vuser_msix - MSI-X table and pending bits
 * @vectors: entries
 * @table: 16 bytes each, as a driver sees it
 * @pba: 8 bytes for 64 vectors each; read-only
 *
 * vfio clients set vectors by SET_IRQS and never rely on the table; but they
 * may look at it and write it, and it must then behave as memory.
 */
struct vuser_msix {
	uint32_t vectors;
	uint8_t *table;
	uint8_t *pba;
};

/** vuser_msix_init - all vectors masked; 0 or -ENOMEM */
int vuser_msix_init(struct vuser_msix *msix, uint32_t vectors);

/** vuser_msix_fini - free it */
void vuser_msix_fini(struct vuser_msix *msix);

/** vuser_msix_reset - all vectors masked, nothing pending */
void vuser_msix_reset(struct vuser_msix *msix);

/** vuser_msix_table_read - @offset from the start of the table; what is behind
 * its end reads as 0
 */
void vuser_msix_table_read(const struct vuser_msix *msix, uint64_t offset,
			   void *buf, uint32_t count);
void vuser_msix_table_write(struct vuser_msix *msix, uint64_t offset,
			    const void *buf, uint32_t count);
void vuser_msix_pba_read(const struct vuser_msix *msix, uint64_t offset,
			 void *buf, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_PCI_H */
