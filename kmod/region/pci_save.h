/* SPDX-License-Identifier: GPL-2.0 */
/* The registers that a reset clears and only the consumer sets. */
#ifndef VUSER_PCI_SAVE_H
#define VUSER_PCI_SAVE_H

struct vuser_desc;
struct vuser_pci;

void vuser_pci_save_describe(struct vuser_pci *pci, const struct vuser_desc *desc);
int vuser_pci_save_read(struct vuser_pci *pci);
int vuser_pci_save_put(struct vuser_pci *pci);
void vuser_pci_save_drop(struct vuser_pci *pci);

#endif /* VUSER_PCI_SAVE_H */
