/* SPDX-License-Identifier: GPL-2.0 */
/* Sets up a device as firmware and a PCI core do. */
#ifndef VUSER_PCI_H
#define VUSER_PCI_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_conn;
struct vuser_desc;
struct vuser_dma;
struct vuser_pci;

void vuser_pci_init(struct vuser_pci *pci);
void vuser_pci_attach(struct vuser_pci *pci, const struct vuser_desc *desc);
int vuser_pci_compare(const struct vuser_pci *pci, const struct vuser_desc *desc);
int vuser_pci_pause(struct vuser_pci *pci);
int vuser_pci_unpause(struct vuser_pci *pci);
int vuser_pci_resume(struct vuser_pci *pci, bool state_kept);
int vuser_pci_loaded(struct vuser_pci *pci);
int vuser_pci_open(struct vuser_pci *pci, struct vuser_conn *conn,
		   struct vuser_dma *dma, bool setup, bool was_reset);
void vuser_pci_close(struct vuser_pci *pci, ktime_t deadline);
int vuser_pci_reset(struct vuser_pci *pci);
int vuser_pci_lock(struct vuser_pci *pci);
int vuser_pci_prepare_reset(struct vuser_pci *pci);
int vuser_pci_restore(struct vuser_pci *pci);
int vuser_pci_enable_irqs(struct vuser_pci *pci, u32 index, u32 start, u32 count,
			  const s32 *fds, bool first);
int vuser_pci_mask_irqs(struct vuser_pci *pci, u32 index, u32 start, u32 count,
			const s32 *fds);
int vuser_pci_disable_irqs(struct vuser_pci *pci, u32 index);
bool vuser_pci_intx_raised(struct vuser_pci *pci);

#endif /* VUSER_PCI_H */
