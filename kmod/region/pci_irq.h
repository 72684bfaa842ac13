/* SPDX-License-Identifier: GPL-2.0 */
/* The interrupts of a device in its configuration space: INTx, MSI and MSI-X. */
#ifndef VUSER_PCI_IRQ_H
#define VUSER_PCI_IRQ_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_desc;
struct vuser_pci;

void vuser_pci_irq_describe(struct vuser_pci *pci, const struct vuser_desc *desc);
int vuser_pci_irq_set_power(struct vuser_pci *pci, bool asleep);
int vuser_pci_irq_enable(struct vuser_pci *pci, u32 index, u32 start, u32 count,
			 const s32 *fds);
int vuser_pci_irq_mask(struct vuser_pci *pci, u32 start, u32 count, const s32 *fds);
int vuser_pci_irq_disable(struct vuser_pci *pci, u32 indexes);
int vuser_pci_irq_save(struct vuser_pci *pci);
int vuser_pci_irq_restore(struct vuser_pci *pci);
void vuser_pci_irq_close(struct vuser_pci *pci, ktime_t deadline);

#endif /* VUSER_PCI_IRQ_H */
