/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a device that the kernel sets up as firmware and a PCI core do. */
#ifndef VUSER_PCI_STATE_H
#define VUSER_PCI_STATE_H

#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/pci_regs.h>
#include <linux/types.h>
#include <linux/vfio.h>

struct vuser_conn;
struct vuser_dma;

/* BAR 0 to BAR 5 and the expansion ROM; the numbers are those of VFIO's regions. */
#define VUSER_PCI_NR_BARS	(VFIO_PCI_ROM_REGION_INDEX + 1)
#define VUSER_PCI_MAX_MSIX	(PCI_MSIX_FLAGS_QSIZE + 1)
/* The interrupt indexes of PCI, as bits. */
#define VUSER_PCI_INTX		BIT(VFIO_PCI_INTX_IRQ_INDEX)
#define VUSER_PCI_MSI		BIT(VFIO_PCI_MSI_IRQ_INDEX)
#define VUSER_PCI_MSIX		BIT(VFIO_PCI_MSIX_IRQ_INDEX)
/* The registers of MSI that the kernel owns: all up to the mask bits. */
#define VUSER_PCI_MSI_SIZE	16
/* The number of capabilities with a bit that resets the function (FLR). */
#define VUSER_PCI_NR_FLR	2
/* Cache line size, and three control registers of PCI Express. */
#define VUSER_PCI_NR_SAVED	4

/**
 * struct vuser_pci_bar - one BAR, or the expansion ROM
 * @size: bytes that the BAR decodes, a power of two: the size of the region,
 *	rounded up.  0 if there is no region
 * @address: where the device finds the BAR; 0 if there was no room for it
 * @flags: the bits of the register that cannot be written
 * @wide: the BAR has 64 bits; the register after it holds the upper half
 * @present: the device has this register, it decodes @size bytes, and @address is
 *	not 0
 */
struct vuser_pci_bar {
	u64 size;
	u64 address;
	u32 flags;
	bool wide;
	bool present;
};

/**
 * struct vuser_pci_flr - a bit that resets the function
 * @pos: offset of the byte with the bit; 0 if the device does not have it
 * @bit: the bit in this byte
 */
struct vuser_pci_flr {
	u8 pos;
	u8 bit;
};

/**
 * struct vuser_pci_saved - a register that the consumer sets and a reset clears
 * @pos: offset of the register; 0 if the device does not have it
 * @size: size of the register, 1 or 2 bytes
 * @valid: @val is to be written after the reset
 * @val: the value before the reset
 */
struct vuser_pci_saved {
	u8 pos;
	u8 size;
	bool valid;
	u16 val;
};

/**
 * struct vuser_pci - the PCI functions of a device that the kernel sets up
 * @lock: serialises writes of the registers that the kernel owns.  Protects
 *	all fields from @stale on.  Held while the server answers; taken killably,
 *	except by close.  Taken inside the lock of struct vuser_irqs
 * @conn: the device's connection; valid while the device is open
 * @dma: the device's DMA; valid while the device is open
 * @known: configuration space can be written, and the helper gave a copy of it, with
 *	a header of type 0
 * @active: the kernel sets up the device; constant while the device is open.  If
 *	false, all accesses go to the server unchanged
 * @sized: each BAR was sized, so that its @present is valid
 * @warned: a line about a refused write was logged; one for each attach
 * @pm: offset of the power management capability; 0 if the device has none
 * @soft_reset: the device loses its registers on the way from D3 to D0
 * @msi: offset of the MSI capability; 0 if the device has none
 * @msi_size: number of bytes of the MSI capability that the kernel owns
 * @msi_flags: MSI message control at attach, without enable bit and size
 * @msix: offset of the MSI-X capability; 0 if the device has none
 * @nr_entries: number of entries of the MSI-X table that lie in its region; 0 if
 *	the region cannot be written
 * @table: offset of the MSI-X table in its region, bytes
 * @flr: the bits that reset the function
 * @bars: the BARs, by index of the region
 * @stale: the device may lack what the fields below say, because it was reset, or
 *	because a thread was killed while it wrote registers.  The next function that
 *	takes @lock with vuser_pci_lock() writes all of them again
 * @irqs: bitmap of the interrupt indexes that are enabled
 * @msi_order: logarithm of the number of MSI vectors that are enabled
 * @msi_mask: the mask bits of MSI when the kernel last wrote or saved them
 * @asleep: the consumer has set another power state than D0.  The MSI-X table of such a
 *	device cannot be accessed
 * @table_found: the device has an MSI-X table; false until SET_IRQS has read it
 * @entries: the entries of the MSI-X table that have an eventfd
 * @unmasked: the entries of the MSI-X table that are unmasked in the device, or may
 *	be.  Entries that were in use before MSI-X was disabled stay unmasked until
 *	MSI-X is enabled again.  While the device has no table, or is asleep, @unmasked
 *	does not change
 * @saved: the registers that a reset clears and only the consumer sets
 * @command: the command register as the consumer reads it.  The device has another
 *	bit for INTx; see vuser_pci_reg_command()
 * @header: the registers of the header that only the kernel has: the BARs, as the
 *	consumer reads them, and the interrupt line
 * @msi_regs: the first @msi_size bytes of the MSI capability, as the consumer reads
 *	them
 *
 * Attach sets the fields from @known to @bars, except @active, finds the registers of
 * @saved, and clears @table_found and @unmasked.  The first open after attach sets
 * @sized, and @present of @bars.
 */
struct vuser_pci {
	struct mutex lock;	/* registers that the kernel owns */
	struct vuser_conn *conn;
	struct vuser_dma *dma;
	bool known;
	bool active;
	bool sized;
	bool warned;
	u8 pm;
	bool soft_reset;
	u8 msi;
	u8 msi_size;
	u16 msi_flags;
	u8 msix;
	u32 nr_entries;
	u64 table;
	struct vuser_pci_flr flr[VUSER_PCI_NR_FLR];
	struct vuser_pci_bar bars[VUSER_PCI_NR_BARS];
	bool stale;
	u32 irqs;
	u32 msi_order;
	u32 msi_mask;
	bool asleep;
	bool table_found;
	DECLARE_BITMAP(entries, VUSER_PCI_MAX_MSIX);
	DECLARE_BITMAP(unmasked, VUSER_PCI_MAX_MSIX);
	struct vuser_pci_saved saved[VUSER_PCI_NR_SAVED];
	u16 command;
	u8 header[PCI_STD_HEADER_SIZEOF];
	u8 msi_regs[VUSER_PCI_MSI_SIZE];
};

#endif /* VUSER_PCI_STATE_H */
