// SPDX-License-Identifier: GPL-2.0
/*
 * The common configuration: a table of registers. A read may have any width and
 * offset. A write must have the width of the register, or be one half of a
 * register of 64 bits, as virtio demands from drivers. Other writes are
 * ignored.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "virtio.h"

/* The maximum queue size of virtio. */
#define QUEUE_SIZE_MAX 32768

static void queue_defaults(const struct virtio *v, struct virtio_queue *q)
{
	*q = (struct virtio_queue) {
		.size = v->max_size,
		.vector = VIRTIO_NO_VECTOR,
	};
}

static void defaults(struct virtio *v)
{
	uint16_t i;

	v->status = 0;
	v->accepted = 0;
	v->offered_select = 0;
	v->accepted_select = 0;
	v->queue_select = 0;
	v->config_vector = VIRTIO_NO_VECTOR;
	for (i = 0; i < v->nr_queues; i++)
		queue_defaults(v, &v->queues[i]);
}

/**
 * virtio_init - initialize the registers, as after a reset
 * @v: filled in
 * @ops: callbacks; must stay valid
 * @ctx: for @ops
 * @nr_queues: number of queues, at least 1
 * @nr_vectors: number of MSI-X vectors
 * @max_size: maximum size of a queue, a power of two
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int virtio_init(struct virtio *v, const struct virtio_ops *ops, void *ctx,
		uint16_t nr_queues, uint16_t nr_vectors, uint16_t max_size)
{
	if (!nr_queues || !max_size || max_size > QUEUE_SIZE_MAX ||
	    (max_size & (max_size - 1)))
		return -EINVAL;
	memset(v, 0, sizeof(*v));
	v->queues = calloc(nr_queues, sizeof(*v->queues));
	if (!v->queues)
		return -ENOMEM;
	v->ops = ops;
	v->ctx = ctx;
	v->nr_queues = nr_queues;
	v->nr_vectors = nr_vectors;
	v->max_size = max_size;
	defaults(v);
	return 0;
}

/** virtio_fini - free the registers */
void virtio_fini(struct virtio *v)
{
	free(v->queues);
	v->queues = NULL;
}

/** virtio_reset - reset the device, as a write of 0 to device_status does */
void virtio_reset(struct virtio *v)
{
	v->ops->reset(v->ctx);
	defaults(v);
}

/** virtio_need_reset - set DEVICE_NEEDS_RESET, and tell the driver */
void virtio_need_reset(struct virtio *v)
{
	if (v->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (virtio_running(v))
		v->ops->config_changed(v->ctx);
}

static struct virtio_queue *selected(struct virtio *v)
{
	return v->queue_select < v->nr_queues ? &v->queues[v->queue_select] :
						NULL;
}

static bool vector_ok(const struct virtio *v, uint16_t vector)
{
	return vector < v->nr_vectors;
}

/*
 * The device must offer the features that the driver accepts, and the driver
 * must accept virtio 1.0.
 */
static bool features_ok(const struct virtio *v)
{
	return !(v->accepted & ~v->offered) &&
	       virtio_has(v, VIRTIO_F_VERSION_1);
}

static void write_status(struct virtio *v, uint8_t value)
{
	uint8_t added = value & ~v->status;

	if (!value) {
		virtio_reset(v);
		return;
	}
	/*
	 * A driver can only add bits, and only the device sets
	 * DEVICE_NEEDS_RESET.
	 */
	value |= v->status;
	if (!(v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		value &= ~VIRTIO_CONFIG_S_NEEDS_RESET;
	if (added & VIRTIO_CONFIG_S_FEATURES_OK && !features_ok(v)) {
		value &= ~VIRTIO_CONFIG_S_FEATURES_OK;
		added &= ~VIRTIO_CONFIG_S_DRIVER_OK;
		value &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	}
	if (!(value & VIRTIO_CONFIG_S_FEATURES_OK)) {
		value &= ~VIRTIO_CONFIG_S_DRIVER_OK;
		added &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	}
	v->status = value;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK && v->ops->start(v->ctx))
		virtio_need_reset(v);
}

static void write_feature(struct virtio *v, uint32_t value)
{
	unsigned int shift = v->accepted_select * 32;

	if (v->accepted_select > 1 || v->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	v->accepted &= ~((uint64_t)UINT32_MAX << shift);
	v->accepted |= (uint64_t)value << shift;
}

static void write_enable(struct virtio *v, struct virtio_queue *q,
			 uint64_t value)
{
	if (value != 1 || q->enabled)
		return;
	q->enabled = true;
	if (virtio_running(v) && v->ops->queue_start(v->ctx, v->queue_select))
		virtio_need_reset(v);
}

static void write_queue_reset(struct virtio *v, struct virtio_queue *q,
			      uint64_t value)
{
	if (value != 1 || !virtio_has(v, VIRTIO_F_RING_RESET))
		return;
	if (q->enabled && virtio_running(v))
		v->ops->queue_stop(v->ctx, v->queue_select);
	queue_defaults(v, q);
}

static void write_queue_vector(struct virtio *v, struct virtio_queue *q,
			       uint16_t value)
{
	q->vector = vector_ok(v, value) ? value : VIRTIO_NO_VECTOR;
	if (q->enabled && virtio_running(v))
		v->ops->queue_vector(v->ctx, v->queue_select);
}

/* A write to a register of the selected queue, which exists. */
static void write_queue(struct virtio *v, uint32_t reg, uint64_t value)
{
	struct virtio_queue *q = selected(v);

	if (reg == VIRTIO_PCI_COMMON_Q_MSIX) {
		write_queue_vector(v, q, value);
		return;
	}
	if (reg == VIRTIO_PCI_COMMON_Q_RESET) {
		write_queue_reset(v, q, value);
		return;
	}
	/* The other registers do not change while the queue is in use. */
	if (q->enabled)
		return;
	switch (reg) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (value && value <= v->max_size)
			q->size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		write_enable(v, q, value);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		q->desc = value;
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		q->driver = value;
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		q->device = value;
		break;
	}
}

static void write_reg(struct virtio *v, uint32_t reg, uint64_t value)
{
	switch (reg) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		v->offered_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		v->accepted_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		write_feature(v, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		v->config_vector = vector_ok(v, value) ? value :
							 VIRTIO_NO_VECTOR;
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		write_status(v, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		v->queue_select = value;
		break;
	default:
		if (selected(v))
			write_queue(v, reg, value);
	}
}

static uint64_t read_queue(struct virtio *v, uint32_t reg)
{
	const struct virtio_queue *q = selected(v);

	if (!q)
		return reg == VIRTIO_PCI_COMMON_Q_MSIX ? VIRTIO_NO_VECTOR : 0;
	switch (reg) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return v->queue_select;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return q->desc;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return q->driver;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return q->device;
	default:
		/*
		 * A reset of a queue has completed when the write to
		 * queue_reset returns.
		 */
		return 0;
	}
}

static uint32_t feature_page(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : features >> select * 32;
}

static uint64_t read_reg(struct virtio *v, uint32_t reg)
{
	switch (reg) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return v->offered_select;
	case VIRTIO_PCI_COMMON_DF:
		return feature_page(v->offered, v->offered_select);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return v->accepted_select;
	case VIRTIO_PCI_COMMON_GF:
		return feature_page(v->accepted, v->accepted_select);
	case VIRTIO_PCI_COMMON_MSIX:
		return v->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return v->nr_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return v->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return v->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return v->queue_select;
	default:
		return read_queue(v, reg);
	}
}

static const struct reg {
	uint8_t offset;
	uint8_t size;
} regs[] = {
	{ VIRTIO_PCI_COMMON_DFSELECT, 4 },
	{ VIRTIO_PCI_COMMON_DF, 4 },
	{ VIRTIO_PCI_COMMON_GFSELECT, 4 },
	{ VIRTIO_PCI_COMMON_GF, 4 },
	{ VIRTIO_PCI_COMMON_MSIX, 2 },
	{ VIRTIO_PCI_COMMON_NUMQ, 2 },
	{ VIRTIO_PCI_COMMON_STATUS, 1 },
	{ VIRTIO_PCI_COMMON_CFGGENERATION, 1 },
	{ VIRTIO_PCI_COMMON_Q_SELECT, 2 },
	{ VIRTIO_PCI_COMMON_Q_SIZE, 2 },
	{ VIRTIO_PCI_COMMON_Q_MSIX, 2 },
	{ VIRTIO_PCI_COMMON_Q_ENABLE, 2 },
	{ VIRTIO_PCI_COMMON_Q_NOFF, 2 },
	{ VIRTIO_PCI_COMMON_Q_DESCLO, 8 },
	{ VIRTIO_PCI_COMMON_Q_AVAILLO, 8 },
	{ VIRTIO_PCI_COMMON_Q_USEDLO, 8 },
	{ VIRTIO_PCI_COMMON_Q_NDATA, 2 },
	{ VIRTIO_PCI_COMMON_Q_RESET, 2 },
};

#define NR_REGS (sizeof(regs) / sizeof(regs[0]))

/**
 * virtio_read - read the common configuration
 * @v: registers
 * @offset: offset in the common configuration; bytes after its end read as 0
 * @buf: filled in
 * @count: bytes
 */
void virtio_read(struct virtio *v, uint64_t offset, void *buf, uint32_t count)
{
	uint8_t image[VIRTIO_COMMON_SIZE] = { 0 };
	uint64_t value;
	size_t i, len;

	memset(buf, 0, count);
	if (offset >= sizeof(image))
		return;
	for (i = 0; i < NR_REGS; i++) {
		value = htole64(read_reg(v, regs[i].offset));
		memcpy(image + regs[i].offset, &value, regs[i].size);
	}
	len = sizeof(image) - offset;
	memcpy(buf, image + offset, count < len ? count : len);
}

static const struct reg *find_reg(uint64_t offset)
{
	size_t i;

	for (i = 0; i < NR_REGS; i++)
		if (offset >= regs[i].offset &&
		    offset < regs[i].offset + regs[i].size)
			return &regs[i];
	return NULL;
}

/**
 * virtio_write - write the common configuration
 * @v: registers
 * @offset: offset in the common configuration
 * @buf: the data
 * @count: bytes
 */
void virtio_write(struct virtio *v, uint64_t offset, const void *buf,
		  uint32_t count)
{
	const struct reg *reg = find_reg(offset);
	uint64_t value = 0;
	size_t within;

	if (!reg)
		return;
	within = offset - reg->offset;
	if (count != reg->size &&
	    !(reg->size == 8 && count == 4 && !(within % 4)))
		return;
	if (within + count > reg->size)
		return;
	if (count != reg->size)
		value = htole64(read_reg(v, reg->offset));
	memcpy((char *)&value + within, buf, count);
	write_reg(v, reg->offset, le64toh(value));
}
