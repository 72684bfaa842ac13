// SPDX-License-Identifier: GPL-2.0
/*
 * The state of a device as bytes: little endian, no padding, reserved fields
 * are 0. A change of this format needs a new version number in stream.c.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <vuser/pci.h>

#include "state.h"

#define FLAG_BACKEND	    0x01
#define FLAG_CONFIG_PENDING 0x02
#define FLAG_INFLIGHT	    0x04

#define NET_ANNOUNCE 0x01
#define NET_PROMISC  0x02
#define NET_ALLMULTI 0x04

#define QUEUE_ENABLED 0x01
#define QUEUE_KEPT    0x02

struct wire_device {
	uint16_t id;
	uint16_t nr_queues;
	uint16_t nr_vectors;
	uint16_t max_size;
	uint16_t config_size;
	uint16_t max_pairs;
	uint8_t flags;
	uint8_t status;
	uint8_t generation;
	uint8_t isr;
	uint64_t accepted;
	uint32_t offered_select;
	uint32_t accepted_select;
	uint16_t queue_select;
	uint16_t config_vector;
	uint16_t pairs;
	uint8_t net_flags;
	uint8_t reserved;
	uint8_t mac[ETH_ALEN];
	uint8_t first_mac[ETH_ALEN];
	uint32_t reserved2;
	uint64_t inflight_size;
	uint16_t inflight_queues;
	uint16_t inflight_queue_size;
	uint32_t reserved3;
	uint8_t config[VHOST_CONFIG_MAX];
};

struct wire_queue {
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
	uint32_t base;
	uint16_t size;
	uint16_t vector;
	uint8_t flags;
	uint8_t reserved[7];
};

_Static_assert(sizeof(struct wire_device) == 72 + VHOST_CONFIG_MAX, "holes");
_Static_assert(sizeof(struct wire_queue) == 40, "holes");

/* Offsets of the parts that follow the two structures. */
static size_t queues_at(void)
{
	return sizeof(struct wire_device);
}

static size_t msix_at(const struct vhost_state *s)
{
	return queues_at() + s->virtio.nr_queues * sizeof(struct wire_queue);
}

static size_t pci_at(const struct vhost_state *s)
{
	return msix_at(s) + s->virtio.nr_vectors * PCI_MSIX_ENTRY_SIZE;
}

/** vhost_state_size - bytes of an encoded state */
size_t vhost_state_size(const struct vhost_state *s)
{
	return pci_at(s) + VUSER_PCIE_CFG_SIZE;
}

static void encode_device(const struct vhost_state *s, struct wire_device *w)
{
	const struct vhost_net *net = &s->net;
	const struct virtio *v = &s->virtio;

	*w = (struct wire_device) {
		.id = htole16(s->id),
		.nr_queues = htole16(v->nr_queues),
		.nr_vectors = htole16(v->nr_vectors),
		.max_size = htole16(v->max_size),
		.config_size = htole16(s->config_size),
		.max_pairs = htole16(net->max_pairs),
		.flags = (s->backend ? FLAG_BACKEND : 0) |
			 (s->config_pending ? FLAG_CONFIG_PENDING : 0) |
			 (s->inflight.mmap_size ? FLAG_INFLIGHT : 0),
		.status = v->status,
		.generation = v->generation,
		.isr = s->isr,
		.accepted = htole64(v->accepted),
		.offered_select = htole32(v->offered_select),
		.accepted_select = htole32(v->accepted_select),
		.queue_select = htole16(v->queue_select),
		.config_vector = htole16(v->config_vector),
		.pairs = htole16(net->pairs),
		.net_flags = (net->announce ? NET_ANNOUNCE : 0) |
			     (net->promisc ? NET_PROMISC : 0) |
			     (net->allmulti ? NET_ALLMULTI : 0),
		.inflight_size = htole64(s->inflight.mmap_size),
		.inflight_queues = htole16(s->inflight.num_queues),
		.inflight_queue_size = htole16(s->inflight.queue_size),
	};
	memcpy(w->mac, net->mac, sizeof(w->mac));
	memcpy(w->first_mac, net->first_mac, sizeof(w->first_mac));
	memcpy(w->config, s->config, sizeof(w->config));
}

static void encode_queue(const struct vhost_state_queue *q,
			 struct wire_queue *w)
{
	*w = (struct wire_queue) {
		.desc = htole64(q->regs.desc),
		.driver = htole64(q->regs.driver),
		.device = htole64(q->regs.device),
		.base = htole32(q->kept ? q->base : 0),
		.size = htole16(q->regs.size),
		.vector = htole16(q->regs.vector),
		.flags = (q->regs.enabled ? QUEUE_ENABLED : 0) |
			 (q->kept ? QUEUE_KEPT : 0),
	};
}

/**
 * vhost_state_encode - write a state
 * @s: the device
 * @buf: result, vhost_state_size() bytes
 */
void vhost_state_encode(const struct vhost_state *s, void *buf)
{
	struct wire_device device;
	struct wire_queue queue;
	uint8_t *out = buf;
	uint16_t i;

	encode_device(s, &device);
	memcpy(out, &device, sizeof(device));
	for (i = 0; i < s->virtio.nr_queues; i++) {
		encode_queue(&s->queues[i], &queue);
		memcpy(out + queues_at() + i * sizeof(queue), &queue,
		       sizeof(queue));
	}
	memcpy(out + msix_at(s), s->msix,
	       s->virtio.nr_vectors * PCI_MSIX_ENTRY_SIZE);
	memcpy(out + pci_at(s), s->pci, VUSER_PCIE_CFG_SIZE);
}

/* Check the properties that must be the same in both devices. */
static const char *check_shape(const struct vhost_state *s,
			       const struct wire_device *w)
{
	if (le16toh(w->id) != s->id)
		return "it belongs to another type of device";
	if (le16toh(w->nr_queues) != s->virtio.nr_queues ||
	    le16toh(w->nr_vectors) != s->virtio.nr_vectors)
		return "the number of queues differs";
	if (le16toh(w->max_size) != s->virtio.max_size)
		return "the maximum size of queues differs";
	if (le16toh(w->config_size) != s->config_size)
		return "the size of the configuration differs";
	if (le16toh(w->max_pairs) != s->net.max_pairs)
		return "the number of queue pairs differs";
	return NULL;
}

static bool vector_ok(const struct virtio *v, uint16_t vector)
{
	return vector == VIRTIO_NO_VECTOR || vector < v->nr_vectors;
}

/*
 * Check that the registers are consistent, and that this device supports them.
 */
static const char *check_registers(const struct virtio *v)
{
	bool settled = v->status & VIRTIO_CONFIG_S_FEATURES_OK;

	/* Before FEATURES_OK a driver may have accepted anything. */
	if (settled && v->accepted & ~v->offered)
		return "its driver accepted features that are not offered here";
	if (settled && !virtio_has(v, VIRTIO_F_VERSION_1))
		return "its driver is for virtio before 1.0";
	if (virtio_running(v) && !settled)
		return "its driver runs without negotiated features";
	if (!vector_ok(v, v->config_vector))
		return "it uses a vector that does not exist";
	return NULL;
}

/*
 * The largest memory for requests in flight: 32 bytes for each entry of a ring, more than
 * enough for the head of each ring, and rounding by the back end.
 */
static uint64_t inflight_max(const struct virtio *v)
{
	const uint64_t head = 4096, rounding = 2 << 20;

	return v->nr_queues * (v->max_size * UINT64_C(32) + head) + rounding;
}

static const char *decode_inflight(struct vhost_state *s,
				   const struct wire_device *w)
{
	s->inflight = (struct vhost_user_inflight) {
		.mmap_size = le64toh(w->inflight_size),
		.num_queues = le16toh(w->inflight_queues),
		.queue_size = le16toh(w->inflight_queue_size),
	};
	if (w->reserved3)
		return "a reserved field is not 0";
	if (!(w->flags & FLAG_INFLIGHT))
		return w->inflight_size || w->inflight_queues ||
				       w->inflight_queue_size ?
			       "it describes requests in flight that it does not have" :
			       NULL;
	if (!s->inflight.mmap_size || !s->inflight.num_queues ||
	    !s->inflight.queue_size ||
	    s->inflight.mmap_size > inflight_max(&s->virtio))
		return "its memory for requests in flight has an invalid size";
	return NULL;
}

static const char *decode_device(struct vhost_state *s,
				 const struct wire_device *w)
{
	struct vhost_net *net = &s->net;
	struct virtio *v = &s->virtio;
	const char *rule = check_shape(s, w);

	if (rule)
		return rule;
	if (w->flags & ~(FLAG_BACKEND | FLAG_CONFIG_PENDING | FLAG_INFLIGHT) ||
	    w->net_flags & ~(NET_ANNOUNCE | NET_PROMISC | NET_ALLMULTI) ||
	    w->isr & ~(VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG) || w->reserved ||
	    w->reserved2)
		return "a reserved field is not 0";
	s->backend = w->flags & FLAG_BACKEND;
	s->config_pending = w->flags & FLAG_CONFIG_PENDING;
	s->isr = w->isr;
	v->status = w->status;
	v->generation = w->generation;
	v->accepted = le64toh(w->accepted);
	v->offered_select = le32toh(w->offered_select);
	v->accepted_select = le32toh(w->accepted_select);
	v->queue_select = le16toh(w->queue_select);
	v->config_vector = le16toh(w->config_vector);
	net->pairs = le16toh(w->pairs);
	net->announce = w->net_flags & NET_ANNOUNCE;
	net->promisc = w->net_flags & NET_PROMISC;
	net->allmulti = w->net_flags & NET_ALLMULTI;
	memcpy(net->mac, w->mac, sizeof(net->mac));
	memcpy(net->first_mac, w->first_mac, sizeof(net->first_mac));
	memcpy(s->config, w->config, sizeof(s->config));
	if (net->pairs > net->max_pairs || (net->max_pairs && !net->pairs))
		return "its driver uses queue pairs that do not exist";
	rule = decode_inflight(s, w);
	return rule ? rule : check_registers(v);
}

/* An index in a packed ring must be below the size of the ring. */
static bool base_ok(const struct virtio *v, const struct vhost_state_queue *q)
{
	if (!virtio_has(v, VIRTIO_F_RING_PACKED))
		return q->base <= UINT16_MAX;
	return (q->base & 0x7fff) < q->regs.size &&
	       (q->base >> 16 & 0x7fff) < q->regs.size;
}

static const char *decode_queue(const struct virtio *v,
				struct vhost_state_queue *q,
				const struct wire_queue *w)
{
	static const uint8_t zero[sizeof(w->reserved)];

	if (w->flags & ~(QUEUE_ENABLED | QUEUE_KEPT) ||
	    memcmp(w->reserved, zero, sizeof(zero)))
		return "a reserved field of a queue is not 0";
	*q = (struct vhost_state_queue) {
		.regs = {
			.size = le16toh(w->size),
			.vector = le16toh(w->vector),
			.enabled = w->flags & QUEUE_ENABLED,
			.desc = le64toh(w->desc),
			.driver = le64toh(w->driver),
			.device = le64toh(w->device),
		},
		.kept = w->flags & QUEUE_KEPT,
		.base = le32toh(w->base),
	};
	if (!q->regs.size || q->regs.size > v->max_size)
		return "a queue has an invalid size";
	if (!vector_ok(v, q->regs.vector))
		return "a queue uses a vector that does not exist";
	if (q->kept && (!q->regs.enabled || !virtio_running(v)))
		return "a queue has a position, but was not in use";
	if (q->kept ? !base_ok(v, q) : q->base)
		return "the position of a queue is outside of its ring";
	return NULL;
}

/**
 * vhost_state_decode - read and check an encoded state
 * @s: in: the device that loads the state, of which type, numbers, sizes and
 *	offered features are checked; out: the state. Undefined after an error.
 * @buf: encoded state; @s->msix and @s->pci point into it afterwards
 * @len: size of @buf
 * @rule: set to the rule that the state breaks
 *
 * Return: 0 or -EINVAL.
 */
int vhost_state_decode(struct vhost_state *s, const void *buf, size_t len,
		       const char **rule)
{
	const uint8_t *in = buf;
	struct wire_device device;
	struct wire_queue queue;
	uint16_t i;

	*rule = "its length does not match this device";
	if (len != vhost_state_size(s))
		return -EINVAL;
	memcpy(&device, in, sizeof(device));
	*rule = decode_device(s, &device);
	for (i = 0; i < s->virtio.nr_queues && !*rule; i++) {
		memcpy(&queue, in + queues_at() + i * sizeof(queue),
		       sizeof(queue));
		*rule = decode_queue(&s->virtio, &s->queues[i], &queue);
	}
	s->msix = in + msix_at(s);
	s->pci = in + pci_at(s);
	return *rule ? -EINVAL : 0;
}
