/* SPDX-License-Identifier: GPL-2.0 */
/* The BARs and the ROM of a device: their sizes and addresses. */
#ifndef VUSER_PCI_BAR_H
#define VUSER_PCI_BAR_H

#include <linux/types.h>

struct vuser_desc;
struct vuser_pci;

u32 vuser_pci_bar_pos(u32 index);
void vuser_pci_bar_describe(struct vuser_pci *pci, const struct vuser_desc *desc);
int vuser_pci_bar_size(struct vuser_pci *pci);
int vuser_pci_bar_assign(struct vuser_pci *pci);
u16 vuser_pci_bar_command(const struct vuser_pci *pci);

#endif /* VUSER_PCI_BAR_H */
