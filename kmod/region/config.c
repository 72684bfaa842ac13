// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration space as the consumer sees it: the registers that the kernel owns
 * are virtual, as with vfio-pci.  All others are the server's.
 *
 *	BARs, ROM		what the consumer wrote, as far as the size of the
 *				region allows; the device keeps the kernel's addresses
 *	command			goes to the device, except INTx disable
 *	interrupt line		what the consumer wrote
 *	MSI, up to the masks	what the consumer wrote; SET_IRQS enables MSI
 *	MSI-X			reads go to the device, writes are dropped; SET_IRQS
 *				enables MSI-X
 *	FLR, state D0		resets the function, then restores it
 *
 * Each access is split into pieces that lie in one register of 4 bytes.  Either the
 * whole of such a register is virtual, or the device has it.
 */
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/vfio.h>

#include "dma/dma.h"
#include "region/config.h"
#include "region/pci.h"
#include "region/pci_bar.h"
#include "region/pci_irq.h"
#include "region/pci_reg.h"
#include "region/pci_state.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"

/* The virtual byte at an offset; NULL if the device has it. */
static u8 *vuser_config_virtual(struct vuser_pci *pci, u64 off)
{
	if ((off >= PCI_BASE_ADDRESS_0 && off < PCI_CARDBUS_CIS) ||
	    (off & ~3ULL) == PCI_ROM_ADDRESS)
		return &pci->header[off];
	if (pci->msi && off >= pci->msi && off < pci->msi + pci->msi_size)
		return &pci->msi_regs[off - pci->msi];
	return NULL;
}

static bool vuser_config_is_msix(const struct vuser_pci *pci, u64 off)
{
	return pci->msix && off >= pci->msix &&
	       off < pci->msix + PCI_CAP_MSIX_SIZEOF;
}

/* Returns the byte of a store of @buf that sets the power state, or NULL. */
static const u8 *vuser_config_power(const struct vuser_pci *pci, u64 off, const u8 *buf,
				    u32 size)
{
	u64 pmcsr = pci->pm + PCI_PM_CTRL;

	if (!pci->pm || pmcsr < off || pmcsr >= off + size)
		return NULL;
	return &buf[pmcsr - off];
}

/*
 * True if a store of @buf resets the function, or sets state D0 of a function that
 * loses its registers on the way from D3 to D0.
 */
static bool vuser_config_resets(const struct vuser_pci *pci, u64 off,
				const u8 *buf, u32 size)
{
	const u8 *power = vuser_config_power(pci, off, buf, size);
	const struct vuser_pci_flr *flr;
	u32 i;

	if (pci->soft_reset && power && !(*power & PCI_PM_CTRL_STATE_MASK))
		return true;
	for (i = 0; i < VUSER_PCI_NR_FLR; i++) {
		flr = &pci->flr[i];
		if (flr->pos && flr->pos >= off && flr->pos < off + size &&
		    (buf[flr->pos - off] & flr->bit))
			return true;
	}
	return false;
}

/*
 * The largest aligned piece at @off that @size allows, at most 4 bytes.  Either all of
 * it is virtual or nothing.
 */
static u32 vuser_config_piece(struct vuser_pci *pci, u64 off, u32 size)
{
	bool is_virtual = vuser_config_virtual(pci, off);
	u32 n = 4;

	while (n > size || off % n ||
	       is_virtual != !!vuser_config_virtual(pci, off + n - 1))
		n /= 2;
	return n;
}

/*
 * The result of an access, from the result of its last piece.  With @others, the server
 * has other pieces, so the access must not be made again.
 */
static int vuser_config_result(int ret, bool others)
{
	return ret == -ENOLINK && others ? -ENOTCONN : ret;
}

/* Virtual registers -------------------------------------------------------- */

static u32 vuser_config_get32(const u8 *reg)
{
	__le32 val;

	memcpy(&val, reg, sizeof(val));
	return le32_to_cpu(val);
}

static void vuser_config_put32(u8 *reg, u32 val)
{
	__le32 data = cpu_to_le32(val);

	memcpy(reg, &data, sizeof(data));
}

/* Clears the bits of the BARs that a device with these regions would not have. */
static void vuser_config_fix_bars(struct vuser_pci *pci)
{
	struct vuser_pci_bar *bar;
	u32 i, mask, high = 0;
	u8 *reg;

	for (i = 0; i < VUSER_PCI_NR_BARS; i++) {
		bar = &pci->bars[i];
		reg = &pci->header[vuser_pci_bar_pos(i)];
		/* 0 without a region, except in the upper half of a BAR. */
		mask = bar->size ? lower_32_bits(-bar->size) : high;
		if (i == VFIO_PCI_ROM_REGION_INDEX && bar->size)
			mask |= PCI_ROM_ADDRESS_ENABLE;
		high = bar->wide ? upper_32_bits(-bar->size) : 0;
		vuser_config_put32(reg, (vuser_config_get32(reg) & mask) |
				   bar->flags);
	}
}

/*
 * As vfio-pci: the consumer cannot enable more than SET_IRQS has enabled.  The ID, the
 * link to the next capability, and the two bytes after the data are read-only.
 */
static void vuser_config_fix_msi(struct vuser_pci *pci)
{
	u32 max = pci->msi_order << 4, order;
	u8 *flags;

	if (!pci->msi)
		return;
	memcpy(pci->msi_regs, pci->conn->desc->config + pci->msi, PCI_MSI_FLAGS);
	if (pci->msi_flags & PCI_MSI_FLAGS_MASKBIT)
		memset(&pci->msi_regs[pci->msi_size - 2], 0, 2);
	flags = &pci->msi_regs[PCI_MSI_FLAGS];
	order = min_t(u32, *flags & PCI_MSI_FLAGS_QSIZE, max);
	*flags = (pci->msi_flags & 0xff) | order |
		 (pci->irqs & VUSER_PCI_MSI ?
		  *flags & PCI_MSI_FLAGS_ENABLE : 0);
	flags[1] = pci->msi_flags >> 8;
}

/* Restores the bits that cannot be written, after a store to a virtual register. */
static void vuser_config_fix(struct vuser_pci *pci)
{
	vuser_config_fix_bars(pci);
	vuser_config_fix_msi(pci);
}

/* Loads -------------------------------------------------------------------- */

/* Replaces the bits of @buf that are virtual in registers of the device. */
static void vuser_config_overlay(struct vuser_pci *pci, u64 off, u8 *buf, u32 size)
{
	const u8 disable = PCI_COMMAND_INTX_DISABLE >> 8;
	u64 command = PCI_COMMAND + 1;

	if (off <= command && command < off + size)
		buf[command - off] = (buf[command - off] & ~disable) |
				     (READ_ONCE(pci->command) >> 8 & disable);
	if (off <= PCI_INTERRUPT_LINE && PCI_INTERRUPT_LINE < off + size)
		buf[PCI_INTERRUPT_LINE - off] =
			READ_ONCE(pci->header[PCI_INTERRUPT_LINE]);
}

static int vuser_config_load_piece(struct vuser_pci *pci, u64 off, u8 *buf, u32 size)
{
	u8 *reg = vuser_config_virtual(pci, off);
	int ret;

	if (reg) {
		if (mutex_lock_killable(&pci->lock))
			return -EINTR;
		memcpy(buf, reg, size);
		mutex_unlock(&pci->lock);
		return vuser_channel_lost(pci->conn->chan) ? -ENOLINK : 0;
	}
	ret = vuser_cmd_region_read(pci->conn->chan, VFIO_PCI_CONFIG_REGION_INDEX, off,
				    buf, size);
	if (!ret)
		vuser_config_overlay(pci, off, buf, size);
	return ret;
}

/**
 * vuser_config_load() - load from configuration space
 * @pci: the PCI functions of an open device
 * @off: offset in bytes; the caller has checked that the whole access is inside
 *	the region
 * @buf: kernel memory for @size bytes
 * @size: 1, 2, 4 or 8 bytes
 *
 * Context: process; takes the lock of @pci killably for virtual registers; waits
 * killably for the server.
 * Return: 0; -EIO when the server refused; -EINTR when killed; -ENOLINK when the server
 * was lost before anything was sent; -ENOTCONN when it was lost afterwards.
 */
int vuser_config_load(struct vuser_pci *pci, u64 off, void *buf, u32 size)
{
	u32 done, n = 0;
	int ret = 0;

	if (!pci->active)
		return vuser_cmd_region_read(pci->conn->chan,
					     VFIO_PCI_CONFIG_REGION_INDEX, off,
					     buf, size);
	for (done = 0; done < size && !ret; done += n) {
		n = vuser_config_piece(pci, off + done, size - done);
		ret = vuser_config_load_piece(pci, off + done, buf + done, n);
	}
	return vuser_config_result(ret, done > n);
}

/* Stores ------------------------------------------------------------------- */

static int vuser_config_send(struct vuser_pci *pci, u64 off, const u8 *buf, u32 size)
{
	return vuser_cmd_region_write(pci->conn->chan, VFIO_PCI_CONFIG_REGION_INDEX, off,
				      buf, size, false);
}

/* Stores to command and status, with the kernel's bit for INTx. */
static int vuser_config_store_command(struct vuser_pci *pci, u64 off, const u8 *buf,
				      u32 size)
{
	u32 first = off - PCI_COMMAND, len = min(size, 2 - first);
	__le16 command = cpu_to_le16(pci->command);
	u16 old = pci->command;
	u8 data[4];
	int ret;

	memcpy((u8 *)&command + first, buf, len);
	WRITE_ONCE(pci->command, le16_to_cpu(command));
	command = cpu_to_le16(vuser_pci_reg_command(pci));
	memcpy(data, buf, size);
	memcpy(data, (u8 *)&command + first, len);
	/* Until now, the device was not a bus master, so it does no DMA. */
	if ((pci->command & ~old) & PCI_COMMAND_MASTER)
		vuser_dma_join(pci->dma);
	ret = vuser_config_send(pci, off, data, size);
	if (ret)
		WRITE_ONCE(pci->command, old);
	/* When killed, we cannot know whether the device has the new value. */
	pci->stale = ret == -EINTR;
	return ret;
}

/*
 * Stores to a virtual register.  A store to the message control of an enabled MSI also
 * reaches the device, as with vfio-pci: the consumer can turn MSI off and on.
 */
static int vuser_config_store_virtual(struct vuser_pci *pci, u64 off, u8 *reg,
				      const u8 *buf, u32 size)
{
	u64 pos = pci->msi + PCI_MSI_FLAGS;

	memcpy(reg, buf, size);
	vuser_config_fix(pci);
	if ((pci->irqs & VUSER_PCI_MSI) && off < pos + 2 && off + size > pos)
		return vuser_pci_reg_put(pci, pos,
					 pci->msi_regs[PCI_MSI_FLAGS] |
					 pci->msi_regs[PCI_MSI_FLAGS + 1] << 8, 2);
	return vuser_channel_lost(pci->conn->chan) ? -ENOLINK : 0;
}

/* Stores to a register that the kernel owns; the lock is held. */
static int vuser_config_store_owned(struct vuser_pci *pci, u64 off, const u8 *buf,
				    u32 size)
{
	const u8 *power = vuser_config_power(pci, off, buf, size);
	u8 *reg = vuser_config_virtual(pci, off);
	int ret;

	if (reg)
		return vuser_config_store_virtual(pci, off, reg, buf, size);
	if (off == PCI_COMMAND || off == PCI_COMMAND + 1)
		return vuser_config_store_command(pci, off, buf, size);
	ret = vuser_config_send(pci, off, buf, size);
	if (off == PCI_INTERRUPT_LINE && !ret)
		WRITE_ONCE(pci->header[off], *buf);
	if (power && !ret)
		ret = vuser_pci_irq_set_power(pci, *power & PCI_PM_CTRL_STATE_MASK);
	return ret;
}

/* Stores to a register so that the function is reset; the lock is held. */
static int vuser_config_store_reset(struct vuser_pci *pci, u64 off, const u8 *buf,
				    u32 size)
{
	int ret;

	ret = vuser_pci_prepare_reset(pci);
	if (!ret)
		ret = vuser_config_send(pci, off, buf, size);
	return ret ? ret : vuser_pci_restore(pci);
}

static int vuser_config_store_piece(struct vuser_pci *pci, u64 off, const u8 *buf,
				    u32 size)
{
	int ret;

	if (vuser_config_is_msix(pci, off))
		return vuser_channel_lost(pci->conn->chan) ? -ENOLINK : 0;
	/* Stores to other registers do not wait for each other. */
	if (!vuser_config_virtual(pci, off) && (off & ~3ULL) != PCI_COMMAND &&
	    off != PCI_INTERRUPT_LINE && !vuser_config_power(pci, off, buf, size) &&
	    !vuser_config_resets(pci, off, buf, size))
		return vuser_config_send(pci, off, buf, size);
	ret = vuser_pci_lock(pci);
	if (ret)
		return ret;
	if (vuser_config_resets(pci, off, buf, size))
		ret = vuser_config_store_reset(pci, off, buf, size);
	else
		ret = vuser_config_store_owned(pci, off, buf, size);
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_config_store() - store to configuration space
 * @pci: the PCI functions of an open device
 * @off: offset in bytes; the caller has checked that the whole access is inside
 *	the region
 * @buf: kernel memory with @size bytes of data
 * @size: 1, 2, 4 or 8 bytes
 *
 * Context: process; takes the lock of @pci killably for registers that the kernel
 * owns; waits killably for the server.
 * Return: as vuser_config_load().
 */
int vuser_config_store(struct vuser_pci *pci, u64 off, const void *buf, u32 size)
{
	u32 done, n = 0;
	int ret = 0;

	if (!pci->active)
		return vuser_config_send(pci, off, buf, size);
	for (done = 0; done < size && !ret; done += n) {
		n = vuser_config_piece(pci, off + done, size - done);
		ret = vuser_config_store_piece(pci, off + done, buf + done, n);
	}
	return vuser_config_result(ret, done > n);
}

/* Open --------------------------------------------------------------------- */

/* Fills the virtual registers: the BARs have the addresses that the device has. */
static void vuser_config_fill(struct vuser_pci *pci, const struct vuser_desc *desc)
{
	struct vuser_pci_bar *bar;
	u32 i, pos;

	memset(pci->header, 0, sizeof(pci->header));
	pci->header[PCI_INTERRUPT_LINE] = desc->config[PCI_INTERRUPT_LINE];
	for (i = 0; i < VUSER_PCI_NR_BARS; i++) {
		bar = &pci->bars[i];
		pos = vuser_pci_bar_pos(i);
		if (bar->size)
			vuser_config_put32(&pci->header[pos],
					   lower_32_bits(bar->address));
		if (bar->wide)
			vuser_config_put32(&pci->header[pos + 4],
					   upper_32_bits(bar->address));
	}
	memset(pci->msi_regs, 0, sizeof(pci->msi_regs));
	vuser_config_fix(pci);
}

/**
 * vuser_config_open() - set up a device that is being opened, and its configuration
 *	space
 * @pci: the PCI functions of the device
 * @conn: the device's connection; valid until the device is closed
 * @dma: the device's DMA
 * @setup: false: leave the device as the server has it
 * @was_reset: the device was reset just before this
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_open().
 */
int vuser_config_open(struct vuser_pci *pci, struct vuser_conn *conn,
		      struct vuser_dma *dma, bool setup, bool was_reset)
{
	int ret = vuser_pci_open(pci, conn, dma, setup, was_reset);

	if (!ret && pci->active)
		vuser_config_fill(pci, conn->desc);
	return ret;
}
