/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a device is but for what its back-end keeps to itself, as bytes for
 * another one like it.
 */
#ifndef VHOST_STATE_H
#define VHOST_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "type.h"
#include "virtio.h"

/**
 * struct vhost_state_queue - a queue
 * @regs: its registers
 * @kept: it was in use: it goes on at @base
 * @base: as in vhost-user's SET_VRING_BASE
 */
struct vhost_state_queue {
	struct virtio_queue regs;
	bool kept;
	uint32_t base;
};

/**
 * struct vhost_state - a device
 * @id: virtio's number of the type
 * @config_size: bytes of configuration
 * @backend: the back-end's own state follows
 * @virtio: registers but for @queues; @ops and @ctx do not matter
 * @isr: the ISR register
 * @config_pending: the driver was not told yet that the configuration changed
 * @config: device configuration
 * @net: of a network device, else zeroes
 * @queues: as many as @virtio has, the caller's
 * @msix: table, 16 bytes for each vector; the caller's, or in the input
 * @pci: configuration space, VUSER_PCIE_CFG_SIZE bytes; likewise
 */
struct vhost_state {
	uint16_t id;
	uint16_t config_size;
	bool backend;
	struct virtio virtio;
	uint8_t isr;
	bool config_pending;
	uint8_t config[VHOST_CONFIG_MAX];
	struct vhost_net net;
	struct vhost_state_queue *queues;
	const uint8_t *msix;
	const uint8_t *pci;
};

size_t vhost_state_size(const struct vhost_state *s);
void vhost_state_encode(const struct vhost_state *s, void *buf);
int vhost_state_decode(struct vhost_state *s, const void *buf, size_t len,
		       const char **rule);

#endif
