/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses of the kernel itself to configuration space. */
#ifndef VUSER_PCI_REG_H
#define VUSER_PCI_REG_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_pci;

int vuser_pci_reg_read(struct vuser_pci *pci, u32 pos, u32 *val, u32 size);
int vuser_pci_reg_write_until(struct vuser_pci *pci, u32 pos, u32 val, u32 size,
			      ktime_t deadline, bool killable);
int vuser_pci_reg_write(struct vuser_pci *pci, u32 pos, u32 val, u32 size);
int vuser_pci_reg_result(struct vuser_pci *pci, int ret, u32 pos);
int vuser_pci_reg_put(struct vuser_pci *pci, u32 pos, u32 val, u32 size);
u16 vuser_pci_reg_command(const struct vuser_pci *pci);
int vuser_pci_reg_put_command(struct vuser_pci *pci);

#endif /* VUSER_PCI_REG_H */
