/* SPDX-License-Identifier: GPL-2.0 */
/* Configuration space as the consumer sees it. */
#ifndef VUSER_CONFIG_H
#define VUSER_CONFIG_H

#include <linux/types.h>

struct vuser_conn;
struct vuser_dma;
struct vuser_pci;

int vuser_config_open(struct vuser_pci *pci, struct vuser_conn *conn,
		      struct vuser_dma *dma, bool setup, bool was_reset);
int vuser_config_load(struct vuser_pci *pci, u64 off, void *buf, u32 size);
int vuser_config_store(struct vuser_pci *pci, u64 off, const void *buf, u32 size);

#endif /* VUSER_CONFIG_H */
