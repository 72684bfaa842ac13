// SPDX-License-Identifier: GPL-2.0
/*
 * Sets up a device as firmware and the host's PCI core set up a physical one before
 * vfio-pci gives it to a consumer.  A device model may answer only if its BARs have
 * addresses, decoding is on, and the interrupts that it sends are enabled in its
 * configuration space.
 *
 * All of this happens when the device is opened, and not at attach: attach never
 * waits for the server, while open does, killably and with a deadline.  The reset
 * at open would clear what attach had written, anyway.
 *
 * Most values are known without a message: the helper read configuration space
 * before attach, and only the kernel writes the registers that matter here.  Each
 * BAR is sized once for each attach.
 *
 * A server may refuse these writes.  Then the device is used as it is.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "dma/dma.h"
#include "region/pci.h"
#include "region/pci_bar.h"
#include "region/pci_irq.h"
#include "region/pci_reg.h"
#include "region/pci_save.h"
#include "region/pci_state.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"

/* Restore ------------------------------------------------------------------ */

/**
 * vuser_pci_prepare_reset() - save what a reset clears
 * @pci: the PCI functions of an open device that the kernel sets up; not stale
 *
 * The device is stale until vuser_pci_restore(), and the reset sets power state D0.
 *
 * Context: process; the lock of @pci is held; waits killably for the server.
 * Return: 0; -EINTR when killed; -ENOTCONN when the server is lost.
 */
int vuser_pci_prepare_reset(struct vuser_pci *pci)
{
	int ret;

	lockdep_assert_held(&pci->lock);
	ret = vuser_pci_save_read(pci);
	if (!ret)
		ret = vuser_pci_irq_save(pci);
	if (ret)
		vuser_pci_save_drop(pci);
	else
		pci->asleep = false;
	pci->stale = !ret;
	return ret;
}

/**
 * vuser_pci_restore() - write all registers that the kernel owns again
 * @pci: the PCI functions of an open device that the kernel sets up
 *
 * The consumer finds configuration space as it was, and its interrupts enabled, as
 * after vfio-pci's reset.  If this fails, the device stays stale.
 *
 * Context: process; the lock of @pci is held; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_restore(struct vuser_pci *pci)
{
	int ret;

	lockdep_assert_held(&pci->lock);
	ret = vuser_pci_bar_assign(pci);
	if (!ret)
		ret = vuser_pci_save_put(pci);
	/* The device decodes only restored addresses. */
	if (!ret)
		ret = vuser_pci_reg_put_command(pci);
	if (!ret)
		ret = vuser_pci_irq_restore(pci);
	pci->stale = ret;
	if (!ret)
		vuser_pci_save_drop(pci);
	return ret;
}

/**
 * vuser_pci_lock() - lock the registers that the kernel owns
 * @pci: the PCI functions of an open device
 *
 * Several processes may share an open device.  If one of them was killed while it
 * changed registers, this writes them again.
 *
 * Context: process; takes the lock of @pci killably and waits killably for the
 * server.
 * Return: 0, and the lock is held; otherwise as vuser_pci_restore(), and the lock is
 * not held.
 */
int vuser_pci_lock(struct vuser_pci *pci)
{
	int ret;

	if (mutex_lock_killable(&pci->lock))
		return -EINTR;
	ret = pci->stale ? vuser_pci_restore(pci) : 0;
	if (ret)
		mutex_unlock(&pci->lock);
	return ret;
}

/* Interrupts --------------------------------------------------------------- */

/**
 * vuser_pci_enable_irqs() - enable interrupts in the device's configuration space
 * @pci: the PCI functions of an open device
 * @index: interrupt index; nothing is done for other indexes than INTx, MSI and
 *	MSI-X
 * @start: first interrupt
 * @count: number of interrupts, not 0; the device has all of them
 * @fds: the consumer's eventfds; a negative number means no eventfd
 * @first: the index was not enabled before, and so neither were the other two
 *
 * Call this after the server took the eventfds: an interrupt that waits in the device
 * is sent at once.
 *
 * Context: process; takes the lock of @pci killably and waits killably for the
 * server while holding it.
 * Return: as vuser_pci_lock().
 */
int vuser_pci_enable_irqs(struct vuser_pci *pci, u32 index, u32 start, u32 count,
			  const s32 *fds, bool first)
{
	int ret;

	if (!pci->active || index > VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	ret = vuser_pci_lock(pci);
	if (ret)
		return ret;
	pci->stale = true;
	/* Disable what a thread did not disable because it was killed. */
	if (first)
		ret = vuser_pci_irq_disable(pci, U32_MAX);
	if (!ret)
		ret = vuser_pci_irq_enable(pci, index, start, count, fds);
	pci->stale = ret;
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_mask_irqs() - mask the interrupts that lose their eventfds
 * @pci: the PCI functions of an open device
 * @index: interrupt index; only vectors of MSI-X are masked
 * @start: first interrupt
 * @count: number of interrupts; the device has all of them
 * @fds: the consumer's eventfds; a negative number means no eventfd
 *
 * Call this before the server drops the eventfds: the device keeps an interrupt
 * without eventfd until it has one again.
 *
 * Context: process; takes the lock of @pci killably and waits killably for the
 * server while holding it.
 * Return: as vuser_pci_lock().
 */
int vuser_pci_mask_irqs(struct vuser_pci *pci, u32 index, u32 start, u32 count,
			const s32 *fds)
{
	int ret;

	if (!pci->active || index != VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	ret = vuser_pci_lock(pci);
	if (ret)
		return ret;
	pci->stale = true;
	ret = vuser_pci_irq_mask(pci, start, count, fds);
	pci->stale = ret;
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_disable_irqs() - disable interrupts in the device's configuration space
 * @pci: the PCI functions of an open device
 * @index: interrupt index
 *
 * Call this before the server drops the eventfds.  Does nothing if the index is not
 * enabled.
 *
 * Context: process; takes the lock of @pci killably and waits killably for the
 * server while holding it.
 * Return: as vuser_pci_lock().
 */
int vuser_pci_disable_irqs(struct vuser_pci *pci, u32 index)
{
	int ret;

	if (!pci->active || index > VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	ret = vuser_pci_lock(pci);
	if (ret)
		return ret;
	pci->stale = true;
	ret = vuser_pci_irq_disable(pci, BIT(index));
	pci->stale = ret;
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_intx_raised() - ask whether the device raises INTx
 * @pci: the PCI functions of an open device
 *
 * The device sets the bit in its status register also while INTx is disabled in the
 * command register.  A server without this bit, or without configuration space, does
 * not say so.
 *
 * Context: process; waits killably for the server.
 * Return: true if the device says that it raises INTx.
 */
bool vuser_pci_intx_raised(struct vuser_pci *pci)
{
	bool raised;
	u32 status;

	if (!pci->conn->desc->config_size || !vuser_conn_enter(pci->conn))
		return false;
	raised = !vuser_pci_reg_read(pci, PCI_STATUS, &status, 2) &&
		 (status & PCI_STATUS_INTERRUPT);
	vuser_conn_leave(pci->conn);
	return raised;
}

/* Reset -------------------------------------------------------------------- */

/* Of a device that the kernel does not set up: the registers that a reset clears. */
static const struct vuser_pci_bare_reg {
	u8 pos;
	u8 size;
} vuser_pci_bare_regs[] = {
	{ PCI_BASE_ADDRESS_0, 4 }, { PCI_BASE_ADDRESS_1, 4 },
	{ PCI_BASE_ADDRESS_2, 4 }, { PCI_BASE_ADDRESS_3, 4 },
	{ PCI_BASE_ADDRESS_4, 4 }, { PCI_BASE_ADDRESS_5, 4 },
	{ PCI_ROM_ADDRESS, 4 }, { PCI_INTERRUPT_LINE, 1 },
	/* Last, so that the device decodes only restored addresses. */
	{ PCI_COMMAND, 2 },
};

static int vuser_pci_send_reset(struct vuser_pci *pci)
{
	struct vuser_channel *chan = pci->conn->chan;
	int ret = vuser_cmd_reset(chan, vuser_channel_deadline(chan), true);

	/* The reset has cleared bus mastering, so the device starts no DMA now. */
	return ret ? ret : vuser_dma_reset(pci->dma);
}

/* Resets a device that the kernel does not set up. */
static int vuser_pci_reset_bare(struct vuser_pci *pci)
{
	u32 val[ARRAY_SIZE(vuser_pci_bare_regs)];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(vuser_pci_bare_regs); i++) {
		ret = vuser_pci_reg_read(pci, vuser_pci_bare_regs[i].pos, &val[i],
					 vuser_pci_bare_regs[i].size);
		if (ret)
			return ret;
	}
	ret = vuser_pci_send_reset(pci);
	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(vuser_pci_bare_regs) && !ret; i++)
		ret = vuser_pci_reg_write(pci, vuser_pci_bare_regs[i].pos, val[i],
					  vuser_pci_bare_regs[i].size);
	/* Other errors would say that the server refused the reset. */
	return ret && ret != -EINTR && ret != -ENOTCONN ? -EIO : ret;
}

/**
 * vuser_pci_reset() - reset an open device and restore configuration space
 * @pci: the PCI functions of an open device
 *
 * Context: process; takes the lock of @pci killably and waits killably for the
 * server while holding it.  Takes the lock of the server map inside.
 * Return: 0; -EINTR when killed; -ENOTCONN when the server is lost; the errno with
 * which the server refused the reset; or -EIO when the server refused to save or
 * restore a register of a device that the kernel does not set up.
 */
int vuser_pci_reset(struct vuser_pci *pci)
{
	int ret;

	ret = vuser_pci_lock(pci);
	if (ret)
		return ret;
	if (pci->active) {
		ret = vuser_pci_prepare_reset(pci);
		if (!ret)
			ret = vuser_pci_send_reset(pci);
		if (!ret)
			ret = vuser_pci_restore(pci);
	} else {
		ret = vuser_pci_reset_bare(pci);
	}
	mutex_unlock(&pci->lock);
	return ret;
}

/* Attach, open, close ------------------------------------------------------ */

/* Finds the bits that reset the function: those of PCI Express and of AF. */
static void vuser_pci_describe_flr(struct vuser_pci *pci,
				   const struct vuser_desc *desc)
{
	u32 pos;

	pos = vuser_desc_find_cap(desc, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL + 2);
	if (pos && (desc->config[pos + PCI_EXP_DEVCAP + 3] &
		    PCI_EXP_DEVCAP_FLR >> 24))
		pci->flr[0] = (struct vuser_pci_flr){
			pos + PCI_EXP_DEVCTL + 1, PCI_EXP_DEVCTL_BCR_FLR >> 8
		};
	pos = vuser_desc_find_cap(desc, PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF);
	if (pos && (desc->config[pos + PCI_AF_CAP] & PCI_AF_CAP_FLR))
		pci->flr[1] = (struct vuser_pci_flr){
			pos + PCI_AF_CTRL, PCI_AF_CTRL_FLR
		};
}

/**
 * vuser_pci_attach() - read what is constant from a server's description
 * @pci: the PCI functions of the device, which is not open
 * @desc: the description; every value of configuration space is the server's, and
 *	is checked here
 *
 * Context: process; the device's lock is held; does not wait for the server.
 */
void vuser_pci_attach(struct vuser_pci *pci, const struct vuser_desc *desc)
{
	pci->active = false;
	pci->sized = false;
	pci->warned = false;
	pci->pm = 0;
	pci->soft_reset = false;
	pci->msi = 0;
	pci->msix = 0;
	pci->nr_entries = 0;
	pci->table_found = false;
	bitmap_zero(pci->unmasked, VUSER_PCI_MAX_MSIX);
	memset(pci->flr, 0, sizeof(pci->flr));
	memset(pci->bars, 0, sizeof(pci->bars));
	pci->known = (desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags &
		      VFIO_REGION_INFO_FLAG_WRITE) &&
		     desc->config_size >= PCI_STD_HEADER_SIZEOF &&
		     (desc->config[PCI_HEADER_TYPE] & 0x7f) ==
		     PCI_HEADER_TYPE_NORMAL;
	if (!pci->known)
		return;
	vuser_pci_bar_describe(pci, desc);
	pci->pm = vuser_desc_find_cap(desc, PCI_CAP_ID_PM, PCI_PM_SIZEOF);
	pci->soft_reset = pci->pm && !(desc->config[pci->pm + PCI_PM_CTRL] &
				       PCI_PM_CTRL_NO_SOFT_RESET);
	vuser_pci_irq_describe(pci, desc);
	vuser_pci_describe_flr(pci, desc);
	vuser_pci_save_describe(pci, desc);
}

static bool vuser_pci_same_caps(const struct vuser_pci *a, const struct vuser_pci *b)
{
	u32 i;

	if (a->known != b->known || a->pm != b->pm || a->soft_reset != b->soft_reset ||
	    a->msi != b->msi || a->msix != b->msix || a->nr_entries != b->nr_entries)
		return false;
	if (a->msi && (a->msi_size != b->msi_size || a->msi_flags != b->msi_flags))
		return false;
	if (a->nr_entries && a->table != b->table)
		return false;
	for (i = 0; i < VUSER_PCI_NR_FLR; i++)
		if (a->flr[i].pos != b->flr[i].pos)
			return false;
	for (i = 0; i < VUSER_PCI_NR_SAVED && a->known; i++)
		if (a->saved[i].pos != b->saved[i].pos)
			return false;
	return true;
}

static bool vuser_pci_same_bars(const struct vuser_pci *a, const struct vuser_pci *b)
{
	u32 i;

	for (i = 0; i < VUSER_PCI_NR_BARS; i++)
		if (a->bars[i].size != b->bars[i].size ||
		    a->bars[i].flags != b->bars[i].flags ||
		    a->bars[i].wide != b->bars[i].wide)
			return false;
	return true;
}

/**
 * vuser_pci_compare() - compare a server's description with an open device
 * @pci: the PCI functions of an open device
 * @desc: the description of another server's device
 *
 * Context: process; the device's lock is held; may sleep for memory.
 * Return: 0; -ENOTUNIQ when capabilities or BARs differ; or -ENOMEM.
 */
int vuser_pci_compare(const struct vuser_pci *pci, const struct vuser_desc *desc)
{
	struct vuser_pci *other = kzalloc(sizeof(*other), GFP_KERNEL);
	int ret = 0;

	if (!other)
		return -ENOMEM;
	vuser_pci_attach(other, desc);
	if (!vuser_pci_same_caps(pci, other) || !vuser_pci_same_bars(pci, other))
		ret = -ENOTUNIQ;
	kfree(other);
	return ret;
}

/*
 * Sets power state D0, if the device is in another one.  A server may store all bits
 * of the register as they are written, so change only those of the state.  PME status
 * is cleared by a 1.
 */
static int vuser_pci_wake(struct vuser_pci *pci)
{
	u32 pos = pci->pm + PCI_PM_CTRL, val;
	int ret;

	ret = vuser_pci_reg_read(pci, pos, &val, 2);
	if (ret == -EIO || (!ret && !(val & PCI_PM_CTRL_STATE_MASK)))
		return 0;
	if (ret)
		return ret;
	val &= ~(PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_STATUS);
	return vuser_pci_reg_put(pci, pos, val, 2);
}

/**
 * vuser_pci_open() - set up a device that is being opened
 * @pci: the PCI functions of the device
 * @conn: the device's connection; valid until the device is closed
 * @dma: the device's DMA
 * @setup: false: leave the device as the server has it
 * @was_reset: the device was reset just before this
 *
 * On return the device is in D0, its BARs have addresses, it decodes memory and
 * I/O, and it is not a bus master.
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result(); -EIO when the server refused to read a BAR.
 */
int vuser_pci_open(struct vuser_pci *pci, struct vuser_conn *conn,
		   struct vuser_dma *dma, bool setup, bool was_reset)
{
	int ret = 0;

	pci->conn = conn;
	pci->dma = dma;
	pci->active = setup && pci->known;
	pci->irqs = 0;
	pci->asleep = false;
	pci->msi_order = 0;
	bitmap_zero(pci->entries, VUSER_PCI_MAX_MSIX);
	if (was_reset)
		bitmap_zero(pci->unmasked, VUSER_PCI_MAX_MSIX);
	pci->stale = false;
	vuser_pci_save_drop(pci);
	pci->command = vuser_pci_bar_command(pci);
	if (!pci->active) {
		if (setup && !pci->warned)
			dev_notice(conn->dev,
				   "configuration space is read-only, or has no header of type 0; the device is used as it is\n");
		pci->warned = setup;
		return 0;
	}
	/* First, because a device that leaves D3 may lose other registers. */
	if (pci->pm)
		ret = vuser_pci_wake(pci);
	if (!ret && !pci->sized)
		ret = vuser_pci_bar_size(pci);
	/* Also without a reset: the device may have lost the addresses on its own. */
	if (!ret)
		ret = vuser_pci_bar_assign(pci);
	return ret ? ret : vuser_pci_reg_put_command(pci);
}

/**
 * vuser_pci_pause() - stop the DMA of a device whose server is about to be replaced
 * @pci: the PCI functions of an open device; no access uses the server
 *
 * On return the server has carried out all posted stores.  The device is not a bus master,
 * unless the kernel does not set it up.
 *
 * Context: process, the work item that replaces the server; waits for the server in use.
 * Return: 0; or as vuser_pci_reg_result().  If the other server cannot serve the device, the
 * caller must call vuser_pci_unpause().
 */
int vuser_pci_pause(struct vuser_pci *pci)
{
	int ret = 0;
	u32 id;

	mutex_lock(&pci->lock);
	/* A server carries out posted stores before it answers a load. */
	if (pci->conn->desc->config_size)
		ret = vuser_pci_reg_read(pci, PCI_VENDOR_ID, &id, 2);
	if (ret == -EIO)
		ret = 0;
	if (!ret && pci->active)
		ret = vuser_pci_reg_put(pci, PCI_COMMAND, vuser_pci_reg_command(pci) &
					~PCI_COMMAND_MASTER, 2);
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_unpause() - let the device of the server in use do DMA again
 * @pci: the PCI functions of an open device, after vuser_pci_pause()
 *
 * Context: process, the work item that replaces the server; waits for the server in use.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_unpause(struct vuser_pci *pci)
{
	int ret = 0;

	mutex_lock(&pci->lock);
	if (pci->active)
		ret = vuser_pci_reg_put_command(pci);
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_resume() - set up an open device that has another server
 * @pci: the PCI functions of the device; the connection has the new channel
 * @state_kept: the server has the state of the device
 *
 * The consumer finds configuration space as it was, as far as the kernel knows it, and
 * its interrupts enabled.  Does nothing with a device that the kernel does not set up.
 *
 * Context: process, the work item that resumes the device; waits for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_resume(struct vuser_pci *pci, bool state_kept)
{
	int ret = 0;

	mutex_lock(&pci->lock);
	if (!pci->active)
		goto out_unlock;
	if (!state_kept)
		bitmap_zero(pci->unmasked, VUSER_PCI_MAX_MSIX);
	pci->asleep = false;
	if (pci->pm)
		ret = vuser_pci_wake(pci);
	/* Only the server knows the mask bits of MSI, unless a reset was under way. */
	if (!ret && state_kept && !pci->stale)
		ret = vuser_pci_irq_save(pci);
	if (!ret)
		ret = vuser_pci_restore(pci);
out_unlock:
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_loaded() - set up an open device that has loaded the state of another device
 * @pci: the PCI functions of the device
 *
 * The state has the registers that the kernel owns, with the values of the other device.  The
 * consumer finds them as they were before, and the device in power state D0.
 *
 * Context: process; takes the lock of @pci killably and waits killably for the server while
 * holding it.
 * Return: as vuser_pci_lock().
 */
int vuser_pci_loaded(struct vuser_pci *pci)
{
	int ret;

	if (!pci->active)
		return 0;
	ret = vuser_pci_lock(pci);
	if (ret)
		return ret;
	/* Each entry of the MSI-X table may be unmasked. */
	bitmap_fill(pci->unmasked, pci->nr_entries);
	pci->stale = true;
	pci->asleep = false;
	ret = pci->pm ? vuser_pci_wake(pci) : 0;
	if (!ret)
		ret = vuser_pci_irq_save(pci);
	if (!ret)
		ret = vuser_pci_restore(pci);
	mutex_unlock(&pci->lock);
	return ret;
}

/**
 * vuser_pci_close() - turn off a device that is being closed
 * @pci: the PCI functions of the device
 * @deadline: when to stop waiting for the server
 *
 * Clears the command register, and thereby bus mastering, so that the device stops
 * its DMA to the consumer's memory.  Before that, disables MSI and MSI-X, which the
 * next open would not find disabled if the device cannot be reset.
 *
 * Context: process; waits for the server uninterruptibly, but not beyond @deadline.
 */
void vuser_pci_close(struct vuser_pci *pci, ktime_t deadline)
{
	mutex_lock(&pci->lock);
	vuser_pci_irq_close(pci, deadline);
	vuser_pci_reg_write_until(pci, PCI_COMMAND, 0, 2, deadline, false);
	mutex_unlock(&pci->lock);
}

/**
 * vuser_pci_init() - initialise the PCI functions of a new device
 * @pci: the PCI functions
 *
 * Context: any.
 */
void vuser_pci_init(struct vuser_pci *pci)
{
	mutex_init(&pci->lock);
}
