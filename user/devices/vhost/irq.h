/* SPDX-License-Identifier: GPL-2.0 */
/* Interrupts. */
#ifndef VHOST_IRQ_H
#define VHOST_IRQ_H

#include "parts.h"

int vhost_irq_call_fd(struct vhost_device *dev, uint16_t queue);
void vhost_irq_queue(struct vhost_device *dev, uint16_t queue);
void vhost_irq_config(struct vhost_device *dev);
void vhost_irq_changed(struct vhost_device *dev, uint32_t index, uint32_t start,
		       uint32_t count);
void vhost_irq_read_pba(struct vhost_device *dev, uint64_t offset, void *buf,
			uint32_t count);
void vhost_irq_reroute(struct vhost_device *dev, uint16_t queue);
void vhost_irq_reset(struct vhost_device *dev);
void vhost_irq_resume(struct vhost_device *dev);
uint8_t vhost_irq_take_isr(struct vhost_device *dev);

#endif
