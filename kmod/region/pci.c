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

#include "dma/dma.h"
#include "region/pci.h"
#include "region/pci_bar.h"
#include "region/pci_irq.h"
#include "region/pci_reg.h"
#include "region/pci_state.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/desc.h"

/* Reset -------------------------------------------------------------------- */

/**
 * vuser_pci_restore() - write to the device what a reset has cleared
 * @pci: the PCI functions of an open device that the kernel sets up
 *
 * The consumer finds configuration space as it was, and its interrupts enabled, as
 * after vfio-pci's reset.
 *
 * Context: process; the lock of @pci is held; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_restore(struct vuser_pci *pci)
{
	int ret;

	lockdep_assert_held(&pci->lock);
	ret = vuser_pci_bar_assign(pci);
	/* The device decodes only restored addresses. */
	if (!ret)
		ret = vuser_pci_reg_put_command(pci);
	return ret ? ret : vuser_pci_irq_restore(pci);
}

/* Of a device that the kernel does not set up: the registers that a reset clears. */
static const struct vuser_pci_saved {
	u8 pos;
	u8 size;
} vuser_pci_saved[] = {
	{ PCI_BASE_ADDRESS_0, 4 }, { PCI_BASE_ADDRESS_1, 4 },
	{ PCI_BASE_ADDRESS_2, 4 }, { PCI_BASE_ADDRESS_3, 4 },
	{ PCI_BASE_ADDRESS_4, 4 }, { PCI_BASE_ADDRESS_5, 4 },
	{ PCI_ROM_ADDRESS, 4 }, { PCI_INTERRUPT_LINE, 1 },
	/* Last, so that the device decodes only restored addresses. */
	{ PCI_COMMAND, 2 },
};

static int vuser_pci_send_reset(struct vuser_pci *pci, struct vuser_dma *dma)
{
	int ret = vuser_cmd_reset(pci->chan, vuser_channel_deadline(pci->chan),
				  true);

	/* The reset has cleared bus mastering, so the device starts no DMA now. */
	return ret ? ret : vuser_dma_reset(dma);
}

/* Resets a device that the kernel does not set up. */
static int vuser_pci_reset_bare(struct vuser_pci *pci, struct vuser_dma *dma)
{
	u32 val[ARRAY_SIZE(vuser_pci_saved)];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(vuser_pci_saved); i++) {
		ret = vuser_pci_reg_read(pci, vuser_pci_saved[i].pos, &val[i],
					 vuser_pci_saved[i].size);
		if (ret)
			return ret;
	}
	ret = vuser_pci_send_reset(pci, dma);
	for (i = 0; i < ARRAY_SIZE(vuser_pci_saved) && !ret; i++)
		ret = vuser_pci_reg_write(pci, vuser_pci_saved[i].pos, val[i],
					  vuser_pci_saved[i].size);
	return ret;
}

/**
 * vuser_pci_reset() - reset an open device and restore configuration space
 * @pci: the PCI functions of an open device
 * @dma: its DMA; gets the best server map while the device does no DMA
 *
 * Context: process; takes the lock of @pci killably and waits killably for the
 * server while holding it.  Takes the lock of the server map inside.
 * Return: 0; -EINTR when killed; -ENOTCONN when the server is lost; or the errno
 * with which the server refused the reset.
 */
int vuser_pci_reset(struct vuser_pci *pci, struct vuser_dma *dma)
{
	int ret;

	if (mutex_lock_killable(&pci->lock))
		return -EINTR;
	if (pci->active) {
		ret = vuser_pci_send_reset(pci, dma);
		if (!ret)
			ret = vuser_pci_restore(pci);
	} else {
		ret = vuser_pci_reset_bare(pci, dma);
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
	pci->assigned = false;
	pci->warned = false;
	pci->pm = 0;
	pci->msi = 0;
	pci->msix = 0;
	pci->nr_entries = 0;
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
	vuser_pci_irq_describe(pci, desc);
	vuser_pci_describe_flr(pci, desc);
}

/**
 * vuser_pci_open() - set up a device that is being opened
 * @pci: the PCI functions of the device
 * @chan: the device's channel; stays attached until the device is closed
 * @setup: false: leave the device as the server has it
 * @was_reset: the device was reset just before this
 *
 * On return the device is in D0, its BARs have addresses, it decodes memory and
 * I/O, and it is not a bus master.
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result(); -EIO when the server refused to read a BAR.
 */
int vuser_pci_open(struct vuser_pci *pci, struct vuser_channel *chan, bool setup,
		   bool was_reset)
{
	int ret = 0;

	pci->chan = chan;
	pci->active = setup && pci->known;
	pci->irqs = 0;
	pci->msi_order = 0;
	bitmap_zero(pci->entries, VUSER_PCI_MAX_MSIX);
	pci->command = vuser_pci_bar_command(pci);
	if (was_reset || !pci->active)
		pci->assigned = false;
	if (!pci->active) {
		if (setup && !pci->warned)
			dev_notice(chan->user.dev,
				   "configuration space is read-only, or has no header of type 0; the device is used as it is\n");
		pci->warned = setup;
		return 0;
	}
	/* D0, which is 0.  First: a device that leaves D3 may lose other registers. */
	if (pci->pm)
		ret = vuser_pci_reg_put(pci, pci->pm + PCI_PM_CTRL, 0, 2);
	if (!ret && !pci->sized)
		ret = vuser_pci_bar_size(pci);
	if (!ret && !pci->assigned)
		ret = vuser_pci_bar_assign(pci);
	return ret ? ret : vuser_pci_reg_put_command(pci);
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
