// SPDX-License-Identifier: GPL-2.0
/* The state of a device: collect it, and take it over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inflight.h"
#include "snapshot.h"

/** vhost_snapshot_has_backend - whether the back end can save and load its own state */
bool vhost_snapshot_has_backend(const struct vhost_device *dev)
{
	return vhost_backend_has(dev->conn.backend,
				 VHOST_USER_PROTOCOL(DEVICE_STATE));
}

/**
 * vhost_snapshot_take - collect the state of the device
 * @dev: device
 * @s: result; the caller frees @s->queues
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_snapshot_take(const struct vhost_device *dev, struct vhost_state *s)
{
	const struct virtio *v = &dev->virtio;
	uint16_t i;

	*s = (struct vhost_state) {
		.id = dev->options.type.id,
		.config_size = dev->options.type.config_size,
		.backend = vhost_snapshot_has_backend(dev),
		.inflight = vhost_inflight_describe(dev),
		.virtio = *v,
		.isr = dev->isr,
		.config_pending = dev->config_pending,
		.net = dev->net_dev,
		.queues = calloc(v->nr_queues, sizeof(*s->queues)),
		.msix = dev->msix.table,
		.pci = dev->pci.pci.cfg,
	};
	if (!s->queues)
		return -ENOMEM;
	memcpy(s->config, dev->config, sizeof(s->config));
	for (i = 0; i < v->nr_queues; i++) {
		s->queues[i] = (struct vhost_state_queue) {
			.regs = v->queues[i],
			.kept = dev->queues[i].paused &&
				!dev->queues[i].unfinished &&
				!dev->queues[i].draining,
			.base = dev->queues[i].base,
		};
	}
	return 0;
}

/**
 * vhost_snapshot_apply - take over the state of another process
 * @dev: device, whose rings do not run
 * @s: state, which vhost_state_decode() has checked; without configuration space
 */
void vhost_snapshot_apply(struct vhost_device *dev, const struct vhost_state *s)
{
	struct virtio *v = &dev->virtio;
	struct virtio_queue *queues = v->queues;
	uint16_t i;

	v->status = s->virtio.status;
	v->generation = s->virtio.generation;
	v->accepted = s->virtio.accepted;
	v->offered_select = s->virtio.offered_select;
	v->accepted_select = s->virtio.accepted_select;
	v->queue_select = s->virtio.queue_select;
	v->config_vector = s->virtio.config_vector;
	for (i = 0; i < v->nr_queues; i++) {
		queues[i] = s->queues[i].regs;
		dev->queues[i].paused = s->queues[i].kept;
		dev->queues[i].base = s->queues[i].base;
	}
	dev->isr = s->isr;
	dev->config_pending = s->config_pending;
	memcpy(dev->config, s->config, sizeof(dev->config));
	memcpy(dev->msix.table, s->msix,
	       dev->msix.vectors * (size_t)PCI_MSIX_ENTRY_SIZE);
	if (!dev->net)
		return;
	memcpy(dev->net_dev.mac, s->net.mac, ETH_ALEN);
	memcpy(dev->net_dev.first_mac, s->net.first_mac, ETH_ALEN);
	dev->net_dev.pairs = s->net.pairs;
	dev->net_dev.announce = s->net.announce;
	dev->net_dev.promisc = s->net.promisc;
	dev->net_dev.allmulti = s->net.allmulti;
}
