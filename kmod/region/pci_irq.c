// SPDX-License-Identifier: GPL-2.0
/* The interrupts of a device in its configuration space: INTx, MSI and MSI-X. */
#include <linux/bitmap.h>
#include <linux/log2.h>

#include "region/pci_irq.h"
#include "region/pci_reg.h"
#include "region/pci_state.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"

/*
 * The message of an interrupt.  Nothing receives it: the server signals an eventfd.
 * The values are what an x86 processor would accept: the address of its interrupt
 * controller, and for vector N of the device the processor's vector 32 + N.
 */
#define VUSER_PCI_MSI_ADDRESS	0xfee00000
#define VUSER_PCI_MSI_DATA	0x20

/* Attach ------------------------------------------------------------------ */

static u16 vuser_pci_irq_config16(const struct vuser_desc *desc, u32 pos)
{
	return desc->config[pos] | desc->config[pos + 1] << 8;
}

/**
 * vuser_pci_irq_describe() - find MSI and MSI-X
 * @pci: the PCI functions of a device that is being attached
 * @desc: the server's description; its copy of configuration space has a header.  This
 *	checks that the registers lie where they may
 *
 * Context: process; does not wait for the server.
 */
void vuser_pci_irq_describe(struct vuser_pci *pci,
			    const struct vuser_desc *desc)
{
	const struct vuser_region *region;
	u32 pos, size;
	u16 flags;

	pos = vuser_desc_find_cap(desc, PCI_CAP_ID_MSI, PCI_MSI_FLAGS + 2);
	if (pos) {
		flags = vuser_pci_irq_config16(desc, pos + PCI_MSI_FLAGS);
		pci->msi_flags = flags & ~(PCI_MSI_FLAGS_ENABLE |
					   PCI_MSI_FLAGS_QSIZE);
		pci->msi_size = flags & PCI_MSI_FLAGS_64BIT ? 14 : 10;
		/*
		 * With mask bits, two reserved bytes follow the data.  Without mask
		 * bits, the capability ends there, and the next bytes are the
		 * device's, as in vfio-pci.
		 */
		if (flags & PCI_MSI_FLAGS_MASKBIT)
			pci->msi_size += 2;
		size = pci->msi_size +
		       (flags & PCI_MSI_FLAGS_MASKBIT ? 8 : 0);
		pci->msi = vuser_desc_find_cap(desc, PCI_CAP_ID_MSI, size);
	}
	pci->msix = vuser_desc_find_cap(desc, PCI_CAP_ID_MSIX,
					PCI_CAP_MSIX_SIZEOF);
	if (!pci->msix || desc->msix_region == VUSER_MAX_REGIONS)
		return;
	region = &desc->regions[desc->msix_region];
	flags = vuser_pci_irq_config16(desc, pci->msix + PCI_MSIX_FLAGS);
	pos = pci->msix + PCI_MSIX_TABLE;
	pci->table = (vuser_pci_irq_config16(desc, pos) & PCI_MSIX_TABLE_OFFSET) |
		     (u32)vuser_pci_irq_config16(desc, pos + 2) << 16;
	if (pci->table < region->size && (region->flags & VFIO_REGION_INFO_FLAG_WRITE))
		pci->nr_entries = min_t(u64, (flags & PCI_MSIX_FLAGS_QSIZE) + 1,
					(region->size - pci->table) /
					PCI_MSIX_ENTRY_SIZE);
}

/* MSI and MSI-X ------------------------------------------------------------ */

static int vuser_pci_irq_put_msi_flags(struct vuser_pci *pci)
{
	u16 flags = pci->msi_flags;

	if (pci->irqs & VUSER_PCI_MSI)
		flags |= PCI_MSI_FLAGS_ENABLE | pci->msi_order << 4;
	return vuser_pci_reg_put(pci, pci->msi + PCI_MSI_FLAGS, flags, 2);
}

static u32 vuser_pci_irq_msi_mask_pos(const struct vuser_pci *pci)
{
	return pci->msi + (pci->msi_flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 :
								  PCI_MSI_MASK_32);
}

/* Writes all registers of MSI; the enable bit is last. */
static int vuser_pci_irq_put_msi(struct vuser_pci *pci)
{
	bool wide = pci->msi_flags & PCI_MSI_FLAGS_64BIT;
	int ret;

	ret = vuser_pci_reg_put(pci, pci->msi + PCI_MSI_ADDRESS_LO,
				VUSER_PCI_MSI_ADDRESS, 4);
	if (!ret && wide)
		ret = vuser_pci_reg_put(pci, pci->msi + PCI_MSI_ADDRESS_HI, 0, 4);
	if (!ret)
		ret = vuser_pci_reg_put(pci, pci->msi + (wide ? PCI_MSI_DATA_64 :
							 PCI_MSI_DATA_32),
				    VUSER_PCI_MSI_DATA, 2);
	if (!ret && (pci->msi_flags & PCI_MSI_FLAGS_MASKBIT))
		ret = vuser_pci_reg_put(pci, vuser_pci_irq_msi_mask_pos(pci),
					pci->msi_mask, 4);
	return ret ? ret : vuser_pci_irq_put_msi_flags(pci);
}

/* Enables @count vectors of MSI, or more if more are enabled already. */
static int vuser_pci_irq_enable_msi(struct vuser_pci *pci, u32 count)
{
	u32 max = (pci->msi_flags & PCI_MSI_FLAGS_QMASK) >> 1;
	u32 order = min_t(u32, order_base_2(count), max);
	bool enabled = pci->irqs & VUSER_PCI_MSI;

	if (enabled && order <= pci->msi_order)
		return 0;
	pci->irqs |= VUSER_PCI_MSI;
	pci->msi_order = order;
	if (enabled)
		return vuser_pci_irq_put_msi_flags(pci);
	pci->msi_mask = 0;
	return vuser_pci_irq_put_msi(pci);
}

/*
 * Writes to the MSI-X table; @pos is the offset in the entry.  If @wait is true, the
 * server has carried out this store and the posted ones before it on return.
 */
static int vuser_pci_irq_put_table(struct vuser_pci *pci, u32 entry, u32 pos,
				   const void *data, u32 size, bool wait)
{
	u64 off = pci->table + (u64)entry * PCI_MSIX_ENTRY_SIZE + pos;
	struct vuser_channel *chan = pci->conn->chan;
	u32 index = chan->desc->msix_region;
	int ret;

	if (chan->desc->regions[index].posted && !wait)
		ret = vuser_cmd_region_write(chan, index, off, data, size, true);
	else
		ret = vuser_cmd_region_write_until(chan, index, off, data, size,
						   vuser_channel_deadline(chan),
						   true);
	return vuser_pci_reg_result(pci, ret, pci->msix);
}

/* Gives an address and a vector to an entry of the MSI-X table, and unmasks it. */
static int vuser_pci_irq_unmask_entry(struct vuser_pci *pci, u32 entry, bool wait)
{
	__le64 half[2] = {
		cpu_to_le64(VUSER_PCI_MSI_ADDRESS),
		cpu_to_le64(VUSER_PCI_MSI_DATA + entry),
	};
	int ret;

	__set_bit(entry, pci->unmasked);
	ret = vuser_pci_irq_put_table(pci, entry, 0, &half[0], 8, false);
	return ret ? ret : vuser_pci_irq_put_table(pci, entry, 8, &half[1], 8, wait);
}

static int vuser_pci_irq_mask_entry(struct vuser_pci *pci, u32 entry, bool wait)
{
	__le32 control = cpu_to_le32(PCI_MSIX_ENTRY_CTRL_MASKBIT);
	int ret;

	ret = vuser_pci_irq_put_table(pci, entry, PCI_MSIX_ENTRY_VECTOR_CTRL,
				      &control, 4, wait);
	if (!ret)
		__clear_bit(entry, pci->unmasked);
	return ret;
}

static int vuser_pci_irq_put_msix_flags(struct vuser_pci *pci)
{
	return vuser_pci_reg_put(pci, pci->msix + PCI_MSIX_FLAGS,
				 pci->irqs & VUSER_PCI_MSIX ?
				 PCI_MSIX_FLAGS_ENABLE : 0, 2);
}

/*
 * Reads an address of the MSI-X table.  An address is a multiple of four, so a server
 * that reads as all ones there has no table: its clients are expected to emulate the
 * table, and it may fail on a write.  Or the device cannot be accessed now, as in a reset.
 * So nothing is written now, and the table is read again before the next write.  Returns 1
 * if there is a table, 0 if there is none, or a negative errno.
 */
static int vuser_pci_irq_find_table(struct vuser_pci *pci)
{
	const struct vuser_desc *desc = pci->conn->desc;
	__le64 address;
	int ret;

	if (pci->asleep)
		return 0;
	if (pci->table_found ||
	    !(desc->regions[desc->msix_region].flags & VFIO_REGION_INFO_FLAG_READ))
		return 1;
	ret = vuser_cmd_region_read(pci->conn->chan, desc->msix_region, pci->table,
				    &address, sizeof(address));
	if (ret == -EINTR)
		return ret;
	if (ret == -ENOTCONN || ret == -ENOLINK)
		return -ENOTCONN;
	pci->table_found = ret || address != cpu_to_le64(U64_MAX);
	return pci->table_found;
}

/* Writes the entries of @due: unmasks those that are in @entries, masks the others. */
static int vuser_pci_irq_write_due(struct vuser_pci *pci, const unsigned long *due,
				   unsigned long last)
{
	unsigned long i;
	int ret;

	ret = vuser_pci_irq_find_table(pci);
	if (ret <= 0)
		return ret;
	for_each_set_bit(i, due, VUSER_PCI_MAX_MSIX) {
		ret = test_bit(i, pci->entries) ?
		      vuser_pci_irq_unmask_entry(pci, i, i == last) :
		      vuser_pci_irq_mask_entry(pci, i, i == last);
		if (ret)
			return ret;
	}
	return 0;
}

/* The same, while the device decodes memory. */
static int vuser_pci_irq_put_due(struct vuser_pci *pci, const unsigned long *due)
{
	bool off = !(pci->command & PCI_COMMAND_MEMORY);
	unsigned long last = find_last_bit(due, VUSER_PCI_MAX_MSIX);
	int ret = 0, end;

	if (last == VUSER_PCI_MAX_MSIX)
		return 0;
	/* The table is in a BAR, which the consumer may have turned off. */
	if (off)
		ret = vuser_pci_reg_put(pci, PCI_COMMAND, vuser_pci_reg_command(pci) |
					PCI_COMMAND_MEMORY, 2);
	if (!ret)
		ret = vuser_pci_irq_write_due(pci, due, last);
	if (!off)
		return ret;
	end = vuser_pci_reg_put_command(pci);
	return ret ? ret : end;
}

/* Writes the entries that changed; with @all, also those that are in use. */
static int vuser_pci_irq_put_entries(struct vuser_pci *pci, bool all)
{
	DECLARE_BITMAP(due, VUSER_PCI_MAX_MSIX);

	if (all)
		bitmap_or(due, pci->entries, pci->unmasked, VUSER_PCI_MAX_MSIX);
	else
		bitmap_xor(due, pci->entries, pci->unmasked, VUSER_PCI_MAX_MSIX);
	return vuser_pci_irq_put_due(pci, due);
}

/* Writes all registers of MSI-X; the enable bit is last. */
static int vuser_pci_irq_put_msix(struct vuser_pci *pci)
{
	int ret = vuser_pci_irq_put_entries(pci, true);

	return ret ? ret : vuser_pci_irq_put_msix_flags(pci);
}

/* Enables the vectors of MSI-X that have an eventfd.  All others are masked. */
static int vuser_pci_irq_enable_msix(struct vuser_pci *pci, u32 start, u32 count,
				     const s32 *fds)
{
	bool enabled = pci->irqs & VUSER_PCI_MSIX;
	u32 i;

	for (i = 0; i < count && start + i < pci->nr_entries; i++)
		if (fds[i] >= 0)
			__set_bit(start + i, pci->entries);
	pci->irqs |= VUSER_PCI_MSIX;
	return enabled ? vuser_pci_irq_put_entries(pci, false) :
			 vuser_pci_irq_put_msix(pci);
}

/**
 * vuser_pci_irq_set_power() - handle that the consumer has set a power state
 * @pci: the PCI functions of an open device; the lock is held
 * @asleep: the power state is not D0
 *
 * In D0, writes what SET_IRQS could not write to the MSI-X table in another state.
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_irq_set_power(struct vuser_pci *pci, bool asleep)
{
	lockdep_assert_held(&pci->lock);
	pci->asleep = asleep;
	if (asleep || !(pci->irqs & VUSER_PCI_MSIX))
		return 0;
	return vuser_pci_irq_put_entries(pci, false);
}

/* SET_IRQS ----------------------------------------------------------------- */

/**
 * vuser_pci_irq_enable() - enable interrupts in the device's configuration space
 * @pci: the PCI functions of an open device; the lock is held
 * @index: interrupt index; nothing is done for other indexes than INTx, MSI and
 *	MSI-X
 * @start: first interrupt
 * @count: number of interrupts, not 0; the device has all of them
 * @fds: the consumer's eventfds; a negative number means no eventfd
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_irq_enable(struct vuser_pci *pci, u32 index, u32 start, u32 count,
			 const s32 *fds)
{
	lockdep_assert_held(&pci->lock);
	if (index == VFIO_PCI_INTX_IRQ_INDEX && !(pci->irqs & VUSER_PCI_INTX)) {
		pci->irqs |= VUSER_PCI_INTX;
		return vuser_pci_reg_put_command(pci);
	}
	if (index == VFIO_PCI_MSI_IRQ_INDEX && pci->msi)
		return vuser_pci_irq_enable_msi(pci, start + count);
	if (index == VFIO_PCI_MSIX_IRQ_INDEX && pci->msix)
		return vuser_pci_irq_enable_msix(pci, start, count, fds);
	return 0;
}

/**
 * vuser_pci_irq_mask() - mask the vectors of MSI-X that lose their eventfds
 * @pci: the PCI functions of an open device; the lock is held
 * @start: first vector
 * @count: number of vectors
 * @fds: the consumer's eventfds; a negative number means no eventfd
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_irq_mask(struct vuser_pci *pci, u32 start, u32 count, const s32 *fds)
{
	u32 i;

	lockdep_assert_held(&pci->lock);
	if (!(pci->irqs & VUSER_PCI_MSIX))
		return 0;
	for (i = 0; i < count && start + i < pci->nr_entries; i++)
		if (fds[i] < 0)
			__clear_bit(start + i, pci->entries);
	return vuser_pci_irq_put_entries(pci, false);
}

/**
 * vuser_pci_irq_disable() - disable interrupts in the device's configuration space
 * @pci: the PCI functions of an open device; the lock is held
 * @indexes: bitmap of the interrupt indexes to disable
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_irq_disable(struct vuser_pci *pci, u32 indexes)
{
	u32 irqs = pci->irqs & indexes;
	int ret = 0;

	lockdep_assert_held(&pci->lock);
	pci->irqs &= ~indexes;
	if (indexes & VUSER_PCI_MSIX)
		bitmap_zero(pci->entries, VUSER_PCI_MAX_MSIX);
	if (irqs & VUSER_PCI_INTX)
		ret = vuser_pci_reg_put_command(pci);
	if (!ret && (irqs & VUSER_PCI_MSI))
		ret = vuser_pci_irq_put_msi_flags(pci);
	if (!ret && (irqs & VUSER_PCI_MSIX))
		ret = vuser_pci_irq_put_msix_flags(pci);
	return ret;
}

/* Reset and close ---------------------------------------------------------- */

/**
 * vuser_pci_irq_save() - read what the consumer has set and a reset clears
 * @pci: the PCI functions of an open device; the lock is held
 *
 * These are the mask bits of MSI.
 *
 * Context: process; waits killably for the server.
 * Return: 0, also if the server refused; otherwise as vuser_pci_reg_read().
 */
int vuser_pci_irq_save(struct vuser_pci *pci)
{
	u32 mask;
	int ret;

	lockdep_assert_held(&pci->lock);
	if (!(pci->irqs & VUSER_PCI_MSI) ||
	    !(pci->msi_flags & PCI_MSI_FLAGS_MASKBIT))
		return 0;
	ret = vuser_pci_reg_read(pci, vuser_pci_irq_msi_mask_pos(pci), &mask, 4);
	if (!ret)
		pci->msi_mask = mask;
	return ret == -EIO ? 0 : ret;
}

/**
 * vuser_pci_irq_restore() - write the registers of MSI and MSI-X again
 * @pci: the PCI functions of an open device; the lock is held
 *
 * The device may have been reset, or it may have an index enabled that is disabled
 * here.
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_irq_restore(struct vuser_pci *pci)
{
	int ret = 0;

	lockdep_assert_held(&pci->lock);
	if (pci->msi)
		ret = pci->irqs & VUSER_PCI_MSI ? vuser_pci_irq_put_msi(pci) :
						  vuser_pci_irq_put_msi_flags(pci);
	if (!ret && pci->msix)
		ret = pci->irqs & VUSER_PCI_MSIX ? vuser_pci_irq_put_msix(pci) :
						   vuser_pci_irq_put_msix_flags(pci);
	return ret;
}

/**
 * vuser_pci_irq_close() - disable MSI and MSI-X of a device that is being closed
 * @pci: the PCI functions of the device; the lock is held
 * @deadline: when to stop waiting for the server
 *
 * Context: process; waits for the server uninterruptibly, but not beyond @deadline.
 */
void vuser_pci_irq_close(struct vuser_pci *pci, ktime_t deadline)
{
	u32 irqs = pci->stale ? U32_MAX : pci->irqs;

	lockdep_assert_held(&pci->lock);
	if (pci->msi && (irqs & VUSER_PCI_MSI))
		vuser_pci_reg_write_until(pci, pci->msi + PCI_MSI_FLAGS,
					  pci->msi_flags, 2, deadline, false);
	if (pci->msix && (irqs & VUSER_PCI_MSIX))
		vuser_pci_reg_write_until(pci, pci->msix + PCI_MSIX_FLAGS, 0, 2,
					  deadline, false);
}
