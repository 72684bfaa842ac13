/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers of a modern virtio-pci device (virtio 1.2, section 4.1.4.3),
 * and the state that a driver sets in them. This file accesses neither sockets
 * nor memory.
 */
#ifndef VHOST_VIRTIO_H
#define VHOST_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTIO_BIT(n) (UINT64_C(1) << (n))

/* Length of the common configuration, which ends with queue_reset. */
#define VIRTIO_COMMON_SIZE 0x3c

#define VIRTIO_NO_VECTOR 0xffff

/* Bits of the ISR register. */
#define VIRTIO_ISR_QUEUE  0x1
#define VIRTIO_ISR_CONFIG 0x2

/**
 * struct virtio_queue - a queue, as the driver has set it up
 * @size: entries
 * @vector: MSI-X vector or VIRTIO_NO_VECTOR
 * @enabled: the driver has enabled the queue
 * @desc: IOVA of the descriptor area
 * @driver: IOVA of the driver area (the available ring)
 * @device: IOVA of the device area (the used ring)
 */
struct virtio_queue {
	uint16_t size;
	uint16_t vector;
	bool enabled;
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
};

/**
 * struct virtio_ops - callbacks for writes to registers
 * @reset: the driver resets the device: stop everything before returning
 * @start: the driver sets DRIVER_OK: start the enabled queues. After an error,
 *         the device asks for a reset.
 * @queue_start: the driver enables a queue while the device runs: start it. After
 *         an error, the device asks for a reset.
 * @queue_stop: the driver resets a queue: stop it before returning
 * @queue_vector: the driver changes the vector of a queue while the device runs
 * @config_changed: DEVICE_NEEDS_RESET was set: tell the driver
 */
struct virtio_ops {
	void (*reset)(void *ctx);
	int (*start)(void *ctx);
	int (*queue_start)(void *ctx, uint16_t queue);
	void (*queue_stop)(void *ctx, uint16_t queue);
	void (*queue_vector)(void *ctx, uint16_t queue);
	void (*config_changed)(void *ctx);
};

/**
 * struct virtio - a device's registers
 * @ops: callbacks
 * @ctx: for @ops
 * @offered: features that the device offers
 * @accepted: features that the driver accepts
 * @nr_queues: number of queues
 * @nr_vectors: number of MSI-X vectors
 * @max_size: maximum number of entries of a queue
 * @queues: the queues
 * @status: device_status
 * @generation: config_generation
 * @config_vector: vector for changes of the configuration
 */
struct virtio {
	const struct virtio_ops *ops;
	void *ctx;
	uint64_t offered;
	uint64_t accepted;
	uint16_t nr_queues;
	uint16_t nr_vectors;
	uint16_t max_size;
	struct virtio_queue *queues;
	uint8_t status;
	uint8_t generation;
	uint16_t config_vector;
	uint32_t offered_select;
	uint32_t accepted_select;
	uint16_t queue_select;
};

int virtio_init(struct virtio *v, const struct virtio_ops *ops, void *ctx,
		uint16_t nr_queues, uint16_t nr_vectors, uint16_t max_size);
void virtio_fini(struct virtio *v);
void virtio_read(struct virtio *v, uint64_t offset, void *buf, uint32_t count);
void virtio_write(struct virtio *v, uint64_t offset, const void *buf,
		  uint32_t count);
void virtio_reset(struct virtio *v);
void virtio_need_reset(struct virtio *v);

static inline bool virtio_has(const struct virtio *v, unsigned int feature)
{
	return v->accepted & VIRTIO_BIT(feature);
}

static inline bool virtio_running(const struct virtio *v)
{
	return v->status & VIRTIO_CONFIG_S_DRIVER_OK;
}

#endif
