/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of a device as bytes, for another device of the same kind. The
 * internal state of the back end is not part of it.
 */
#ifndef VHOST_STATE_H
#define VHOST_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vhost-user/proto.h>

#include "net.h"
#include "type.h"
#include "virtio.h"

/**
 * struct vhost_state_queue - a queue
 * @regs: registers of the queue
 * @kept: the queue was in use and continues at @base
 * @base: position, as in SET_VRING_BASE of vhost-user
 */
struct vhost_state_queue {
	struct virtio_queue regs;
	bool kept;
	uint32_t base;
};

/**
 * struct vhost_state - a device
 * @id: virtio device ID
 * @config_size: bytes of the device configuration
 * @backend: the state of the back end follows in the stream
 * @inflight: the memory for requests in flight, which follows in the stream; its size is
 *	0 if no request is in flight
 * @virtio: registers, without its queues; ops and ctx are not used
 * @isr: value of the ISR register
 * @config_pending: the driver does not know yet that the configuration has
 *	changed
 * @config: device configuration
 * @net: the network device, otherwise zeroes
 * @queues: as many as @virtio has, owned by the caller
 * @msix: MSI-X table, 16 bytes for each vector; owned by the caller, or a part
 *	of the decoded bytes
 * @pci: configuration space, VUSER_PCIE_CFG_SIZE bytes; owned as @msix
 */
struct vhost_state {
	uint16_t id;
	uint16_t config_size;
	bool backend;
	struct vhost_user_inflight inflight;
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
