/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: config space and MSI-X of PCI devices, for servers.
 *
 * A struct vuser_pci is a config space that knows which bits a write can change. A
 * struct vuser_msix is an MSI-X table with its pending bits. Neither has a lock: only
 * the thread that serves regions may use them, except that any thread may call
 * vuser_pci_bus_master().
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
 * struct vuser_pci - the config space of a device
 * @size: VUSER_PCI_CFG_SIZE or VUSER_PCIE_CFG_SIZE
 * @cfg: the contents, little endian
 * @initial: the contents after a reset
 * @wmask: bits that a write changes
 * @w1c: bits that a write of 1 clears
 * @used: 1 for each byte of an extended capability
 * @next_cap: offset of the next capability
 * @last_cap: offset of the byte that will point to the next capability
 * @last_ext_cap: offset of the extended capability that will point to the next one; 0
 *                before the first
 *
 * A device may change @cfg itself, e.g. to set status bits.
 */
struct vuser_pci {
	uint32_t size;
	uint8_t cfg[VUSER_PCIE_CFG_SIZE];
	uint8_t initial[VUSER_PCIE_CFG_SIZE];
	uint8_t wmask[VUSER_PCIE_CFG_SIZE];
	uint8_t w1c[VUSER_PCIE_CFG_SIZE];
	uint8_t used[VUSER_PCIE_CFG_SIZE];
	uint32_t next_cap;
	uint32_t last_cap;
	uint32_t last_ext_cap;
};

/**
 * struct vuser_pci_ids - the identification of a device
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
 * vuser_pci_init - initialize the config space of a PCI endpoint, with a type 0
 * header
 * @pci: result
 * @size: VUSER_PCI_CFG_SIZE or VUSER_PCIE_CFG_SIZE
 * @ids: the identification of the device
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size.
 */
int vuser_pci_init(struct vuser_pci *pci, uint32_t size,
		   const struct vuser_pci_ids *ids) VUSER_MUST_CHECK;

/**
 * vuser_pci_set_bar - add a BAR
 * @pci: config space
 * @bar: 0 to 5; 0 to 4 for a 64-bit BAR, which takes the next BAR as well
 * @size: bytes, a power of two; at least 16 for memory and 4 for I/O
 * @flags: PCI_BASE_ADDRESS_SPACE_IO, _MEM_TYPE_64, _MEM_PREFETCH
 *
 * Return: 0; -EINVAL, also when the BAR overlaps another.
 */
int vuser_pci_set_bar(struct vuser_pci *pci, unsigned int bar, uint64_t size,
		      uint32_t flags) VUSER_MUST_CHECK;

/**
 * vuser_pci_set_intx - set the interrupt pin
 * @pci: config space
 * @pin: 1 for INTA to 4 for INTD
 */
void vuser_pci_set_intx(struct vuser_pci *pci, uint8_t pin);

/**
 * vuser_pci_add_cap - append a capability
 * @pci: config space
 * @id: PCI_CAP_ID_*
 * @body: contents after the header of two bytes
 * @wmask: bits of @body that a write changes, or NULL
 * @len: length of @body and @wmask, bytes
 *
 * Return: the offset of the capability; -ENOSPC.
 */
int vuser_pci_add_cap(struct vuser_pci *pci, uint8_t id, const void *body,
		      const void *wmask, size_t len) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_ext_cap - append an extended capability
 * @pci: config space of VUSER_PCIE_CFG_SIZE
 * @id: PCI_EXT_CAP_ID_*
 * @version: of the capability
 * @offset: offset of the capability, a multiple of 4; 0: after all extended
 *          capabilities
 * @body: contents after the header of four bytes
 * @wmask: bits of @body that a write changes, or NULL
 * @len: length of @body and @wmask, bytes: the complete capability, also where @body
 *       is 0
 *
 * The first extended capability must be at 0x100.
 *
 * Return: the offset of the capability; -EINVAL for an invalid @offset, or when the
 * capability overlaps another; -ENOSPC.
 */
int vuser_pci_add_ext_cap(struct vuser_pci *pci, uint16_t id, uint8_t version,
			  uint32_t offset, const void *body, const void *wmask,
			  size_t len) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_pm - append the power management capability: D0 and D3hot, no PME
 * @pci: config space
 *
 * Return: as vuser_pci_add_cap().
 */
int vuser_pci_add_pm(struct vuser_pci *pci) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_pcie - append the PCI Express capability, version 2
 * @pci: config space
 * @type: PCI_EXP_TYPE_ENDPOINT or PCI_EXP_TYPE_RC_END
 * @flr: the device supports function level reset, see vuser_pci_write()
 *
 * Return: as vuser_pci_add_cap().
 */
int vuser_pci_add_pcie(struct vuser_pci *pci, unsigned int type,
		       bool flr) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_msix - append the MSI-X capability
 * @pci: config space
 * @vectors: 1 to 2048
 * @table_bar: BAR of the table
 * @table: offset of the table in the BAR, bytes, a multiple of 8
 * @pba_bar: BAR of the pending bits
 * @pba: offset of the pending bits in the BAR, bytes, a multiple of 8
 *
 * Return: as vuser_pci_add_cap(); -EINVAL.
 */
int vuser_pci_add_msix(struct vuser_pci *pci, uint16_t vectors,
		       uint8_t table_bar, uint32_t table, uint8_t pba_bar,
		       uint32_t pba) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_msi - append the MSI capability, with 64-bit addresses and no mask bits
 * @pci: config space
 * @vectors: 1, 2, 4, 8, 16 or 32
 *
 * Return: as vuser_pci_add_cap(); -EINVAL.
 */
int vuser_pci_add_msi(struct vuser_pci *pci,
		      unsigned int vectors) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_vendor - append a vendor-specific capability
 * @pci: config space
 * @data: contents after the header and the length
 * @wmask: bits of @data that a write changes, or NULL
 * @len: length of @data and @wmask, bytes
 *
 * Return: as vuser_pci_add_cap().
 */
int vuser_pci_add_vendor(struct vuser_pci *pci, const void *data,
			 const void *wmask, size_t len) VUSER_MUST_CHECK;

/**
 * vuser_pci_add_dsn - append the extended capability with the serial number
 * @pci: config space of VUSER_PCIE_CFG_SIZE
 * @serial: the serial number, an EUI-64
 *
 * Return: as vuser_pci_add_ext_cap().
 */
int vuser_pci_add_dsn(struct vuser_pci *pci, uint64_t serial) VUSER_MUST_CHECK;

/**
 * vuser_pci_set_rom - add the BAR of the expansion ROM
 * @pci: config space
 * @size: bytes, a power of two from 2 KiB to 16 MiB
 *
 * The contents are a region of the server, VFIO_PCI_ROM_REGION_INDEX, which only needs
 * the callback read.
 *
 * Return: 0; -EINVAL.
 */
int vuser_pci_set_rom(struct vuser_pci *pci, uint32_t size) VUSER_MUST_CHECK;

/**
 * vuser_pci_find_cap - find a capability
 * @pci: config space
 * @id: PCI_CAP_ID_*
 *
 * Return: the offset of the first such capability; 0 when the device does not have it.
 */
uint32_t vuser_pci_find_cap(const struct vuser_pci *pci, uint8_t id);

/**
 * vuser_pci_find_next_cap - find the next capability with an ID
 * @pci: config space
 * @pos: offset of a capability, which the search leaves out
 * @id: PCI_CAP_ID_*
 *
 * Return: the offset of the capability; 0 when there is none after @pos.
 */
uint32_t vuser_pci_find_next_cap(const struct vuser_pci *pci, uint32_t pos,
				 uint8_t id);

/**
 * vuser_pci_find_ext_cap - find an extended capability
 * @pci: config space
 * @id: PCI_EXT_CAP_ID_*
 *
 * Return: the offset of the first such capability; 0 when the device does not have it.
 */
uint32_t vuser_pci_find_ext_cap(const struct vuser_pci *pci, uint16_t id);

/**
 * vuser_pci_find_next_ext_cap - find the next extended capability with an ID
 * @pci: config space
 * @pos: offset of an extended capability, which the search leaves out
 * @id: PCI_EXT_CAP_ID_*
 *
 * Return: the offset of the capability; 0 when there is none after @pos.
 */
uint32_t vuser_pci_find_next_ext_cap(const struct vuser_pci *pci, uint32_t pos,
				     uint16_t id);

/**
 * vuser_pci_seal - make the current contents the contents after a reset
 * @pci: config space
 */
void vuser_pci_seal(struct vuser_pci *pci);

/**
 * vuser_pci_reset - restore the contents at the time of vuser_pci_seal()
 * @pci: config space
 */
void vuser_pci_reset(struct vuser_pci *pci);

/**
 * vuser_pci_load - take over the contents of another device of the same kind
 * @pci: config space
 * @image: the contents, as many bytes as the size of the config space
 *
 * Return: 0; -EINVAL when bits differ that no write can change: then the config space
 * is unchanged.
 */
int vuser_pci_load(struct vuser_pci *pci, const void *image) VUSER_MUST_CHECK;

/**
 * vuser_pci_read - read config space
 * @pci: config space
 * @offset: bytes
 * @buf: result
 * @count: bytes
 *
 * Return: 0; -EINVAL when the range exceeds the config space.
 */
int vuser_pci_read(const struct vuser_pci *pci, uint64_t offset, void *buf,
		   uint32_t count) VUSER_MUST_CHECK;

/**
 * vuser_pci_write - write the writable bits of config space
 * @pci: config space
 * @offset: bytes
 * @buf: the data
 * @count: bytes
 *
 * Return: 0; 1 when the write requests a function level reset: the device must then
 * reset itself, which includes vuser_pci_reset(); -EINVAL when the range exceeds the
 * config space.
 */
int vuser_pci_write(struct vuser_pci *pci, uint64_t offset, const void *buf,
		    uint32_t count) VUSER_MUST_CHECK;

/**
 * vuser_pci_bus_master - whether the device may do DMA and fire MSI-X
 * @pci: config space
 *
 * Any thread may call this.
 *
 * Return: the value of PCI_COMMAND_MASTER.
 */
bool vuser_pci_bus_master(const struct vuser_pci *pci);

/**
 * vuser_pci_config_region - describe config space as a region
 * @pci: config space
 * @region: result, for vuser_server_set_region(); struct_size must be set. The caller
 *          sets @read and @write, which call vuser_pci_read() and vuser_pci_write().
 *
 * Return: 0; -EINVAL for a bad struct_size.
 */
int vuser_pci_config_region(const struct vuser_pci *pci,
			    struct vuser_server_region *region) VUSER_MUST_CHECK;

/**
 * vuser_pci_get16 - read a little-endian field of config space
 * @pci: config space
 * @offset: of the field, bytes
 *
 * Return: its value.
 */
uint16_t vuser_pci_get16(const struct vuser_pci *pci, uint32_t offset);

/**
 * vuser_pci_get32 - read a little-endian field of config space
 * @pci: config space
 * @offset: of the field, bytes
 *
 * Return: its value.
 */
uint32_t vuser_pci_get32(const struct vuser_pci *pci, uint32_t offset);

/**
 * vuser_pci_put16 - set a little-endian field of config space
 * @pci: config space
 * @offset: of the field, bytes
 * @value: its new value
 */
void vuser_pci_put16(struct vuser_pci *pci, uint32_t offset, uint16_t value);

/**
 * vuser_pci_put32 - set a little-endian field of config space
 * @pci: config space
 * @offset: of the field, bytes
 * @value: its new value
 */
void vuser_pci_put32(struct vuser_pci *pci, uint32_t offset, uint32_t value);

/**
 * struct vuser_msix - MSI-X table and pending bits
 * @vectors: entries of the table
 * @table: 16 bytes for each vector, as the driver sees them
 * @pba: 8 bytes for each 64 vectors; read-only
 *
 * Clients of vfio-user set vectors by SET_IRQS and do not depend on the table. But
 * clients may read and write the table, so it must behave like memory.
 */
struct vuser_msix {
	uint32_t vectors;
	uint8_t *table;
	uint8_t *pba;
};

/**
 * vuser_msix_init - allocate the table, with all vectors masked
 * @msix: result
 * @vectors: entries of the table
 *
 * Return: 0; -ENOMEM.
 */
int vuser_msix_init(struct vuser_msix *msix, uint32_t vectors) VUSER_MUST_CHECK;

/**
 * vuser_msix_fini - free the table
 * @msix: of vuser_msix_init(), or zeroed
 */
void vuser_msix_fini(struct vuser_msix *msix);

/**
 * vuser_msix_reset - mask all vectors, clear the pending bits
 * @msix: the table
 */
void vuser_msix_reset(struct vuser_msix *msix);

/**
 * vuser_msix_table_read - read the table
 * @msix: the table
 * @offset: from the start of the table, bytes
 * @buf: result; 0 after the end of the table
 * @count: bytes
 */
void vuser_msix_table_read(const struct vuser_msix *msix, uint64_t offset,
			   void *buf, uint32_t count);

/**
 * vuser_msix_table_write - write the table
 * @msix: the table
 * @offset: from the start of the table, bytes
 * @buf: the data; ignored after the end of the table
 * @count: bytes
 */
void vuser_msix_table_write(struct vuser_msix *msix, uint64_t offset,
			    const void *buf, uint32_t count);

/**
 * vuser_msix_pba_read - read the pending bits
 * @msix: the table
 * @offset: from the start of the pending bits, bytes
 * @buf: result; 0 after the end of the pending bits
 * @count: bytes
 */
void vuser_msix_pba_read(const struct vuser_msix *msix, uint64_t offset,
			 void *buf, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_PCI_H */
