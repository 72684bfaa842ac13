// SPDX-License-Identifier: GPL-2.0
/*
 * The registers that a reset clears and only the consumer sets: cache line size, and
 * three control registers of PCI Express.  They are read before the reset and written
 * after it, as the host's kernel does.
 */
#include <linux/string.h>

#include "region/pci_reg.h"
#include "region/pci_save.h"
#include "region/pci_state.h"
#include "server/desc.h"

/**
 * vuser_pci_save_describe() - find the registers
 * @pci: the PCI functions of a device that is being attached
 * @desc: the server's description; its copy of configuration space has a header
 *
 * Context: process; does not wait for the server.
 */
void vuser_pci_save_describe(struct vuser_pci *pci, const struct vuser_desc *desc)
{
	u32 pos = vuser_desc_find_cap(desc, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL + 2);
	struct vuser_pci_saved *saved = pci->saved;
	u8 flags;

	memset(pci->saved, 0, sizeof(pci->saved));
	*saved++ = (struct vuser_pci_saved){ PCI_CACHE_LINE_SIZE, 1 };
	if (!pos)
		return;
	flags = desc->config[pos + PCI_EXP_FLAGS];
	*saved++ = (struct vuser_pci_saved){ pos + PCI_EXP_DEVCTL, 2 };
	if ((flags & PCI_EXP_FLAGS_TYPE) >> 4 != PCI_EXP_TYPE_RC_END &&
	    vuser_desc_find_cap(desc, PCI_CAP_ID_EXP, PCI_EXP_LNKCTL + 2))
		*saved++ = (struct vuser_pci_saved){ pos + PCI_EXP_LNKCTL, 2 };
	if ((flags & PCI_EXP_FLAGS_VERS) > 1 &&
	    vuser_desc_find_cap(desc, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL2 + 2))
		*saved++ = (struct vuser_pci_saved){ pos + PCI_EXP_DEVCTL2, 2 };
}

/**
 * vuser_pci_save_read() - read the registers before a reset
 * @pci: the PCI functions of an open device; the lock is held
 *
 * A register that the server refuses to read is not written after the reset.
 *
 * Context: process; waits killably for the server.
 * Return: 0; -EINTR when killed; -ENOTCONN when the server is lost.
 */
int vuser_pci_save_read(struct vuser_pci *pci)
{
	struct vuser_pci_saved *saved;
	u32 i, val;
	int ret;

	lockdep_assert_held(&pci->lock);
	for (i = 0; i < VUSER_PCI_NR_SAVED; i++) {
		saved = &pci->saved[i];
		if (!saved->pos)
			continue;
		ret = vuser_pci_reg_read(pci, saved->pos, &val, saved->size);
		if (ret && ret != -EIO)
			return ret;
		/* A device control with this bit would reset the function again. */
		if (pci->flr[0].pos == saved->pos + 1)
			val &= ~PCI_EXP_DEVCTL_BCR_FLR;
		saved->valid = !ret;
		saved->val = val;
	}
	return 0;
}

/**
 * vuser_pci_save_put() - write the registers after a reset
 * @pci: the PCI functions of an open device; the lock is held
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_save_put(struct vuser_pci *pci)
{
	const struct vuser_pci_saved *saved;
	int ret = 0;
	u32 i;

	lockdep_assert_held(&pci->lock);
	for (i = 0; i < VUSER_PCI_NR_SAVED && !ret; i++) {
		saved = &pci->saved[i];
		if (saved->valid)
			ret = vuser_pci_reg_put(pci, saved->pos, saved->val,
						saved->size);
	}
	return ret;
}

/**
 * vuser_pci_save_drop() - drop the values that were read
 * @pci: the PCI functions of an open device
 *
 * Context: any; the lock of @pci is held, or the device is being opened.
 */
void vuser_pci_save_drop(struct vuser_pci *pci)
{
	u32 i;

	for (i = 0; i < VUSER_PCI_NR_SAVED; i++)
		pci->saved[i].valid = false;
}
