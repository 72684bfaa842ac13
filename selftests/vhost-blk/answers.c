// SPDX-License-Identifier: GPL-2.0
/* Execute the requests of a front end. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session.h"

#define P(name) VHOST_USER_PROTOCOL(name)

static uint64_t device_features(void)
{
	return disk_features() | 1ULL << VIRTIO_F_VERSION_1 |
	       1ULL << VIRTIO_F_RING_PACKED |
	       1ULL << VIRTIO_RING_F_INDIRECT_DESC |
	       1ULL << VHOST_USER_F_PROTOCOL_FEATURES;
}

static uint64_t protocol_features(const struct session *s)
{
	return P(MQ) | P(REPLY_ACK) | P(CONFIG) | P(RESET_DEVICE) |
	       P(CONFIGURE_MEM_SLOTS) | P(STATUS) |
	       (s->opt->no_inflight ? 0 : P(INFLIGHT_SHMFD));
}

void session_reset(struct session *s)
{
	uint16_t i;

	for (i = 0; i < s->opt->queues; i++)
		queue_reset(&s->queues[i]);
}

static size_t inflight_length(const struct vhost_user_inflight *inflight)
{
	return inflight->num_queues * inflight_size(inflight->queue_size);
}

void session_drop_inflight(struct session *s)
{
	if (s->inflight_map)
		munmap(s->inflight_map, inflight_length(&s->inflight));
	s->inflight_map = NULL;
}

static int map_inflight(struct session *s,
			const struct vhost_user_inflight *inflight, int fd)
{
	void *map;

	if (inflight->mmap_size < inflight_length(inflight))
		return -EINVAL;
	map = mmap(NULL, inflight_length(inflight), PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, inflight->mmap_offset);
	if (map == MAP_FAILED)
		return -errno;
	session_drop_inflight(s);
	s->inflight = *inflight;
	s->inflight_map = map;
	return 0;
}

static int get_inflight(struct session *s, struct exchange *x)
{
	struct vhost_user_inflight *inflight = &x->reply.payload.inflight;
	int fd, ret;

	*inflight = x->msg->payload.inflight;
	inflight->mmap_size = inflight_length(inflight);
	inflight->mmap_offset = 0;
	fd = memfd_create("inflight", MFD_CLOEXEC);
	ret = fd < 0 || ftruncate(fd, inflight->mmap_size) ? -errno : 0;
	if (!ret)
		ret = map_inflight(s, inflight, fd);
	x->reply_fd = fd;
	return ret;
}

/* Return the in-flight memory of a queue, NULL if the front end sent none. */
static void *area_of(const struct session *s, uint16_t index)
{
	if (!s->inflight_map || index >= s->inflight.num_queues ||
	    s->queues[index].num > s->inflight.queue_size)
		return NULL;
	return (char *)s->inflight_map +
	       index * inflight_size(s->inflight.queue_size);
}

static int set_mem_table(struct session *s, const struct exchange *x)
{
	const struct vhost_user_memory *memory = &x->msg->payload.memory;
	int ret = 0;
	uint32_t i;

	memory_clear(&s->memory);
	for (i = 0; i < memory->nr && !ret; i++)
		ret = memory_add(&s->memory, &memory->regions[i], x->fds[i]);
	return ret;
}

static int set_features(struct session *s, uint64_t features)
{
	uint16_t i;

	if (features & ~device_features())
		return -EINVAL;
	s->features = features;
	for (i = 0; i < s->opt->queues; i++) {
		s->queues[i].packed = features & 1ULL << VIRTIO_F_RING_PACKED;
		s->queues[i].backwards = s->opt->backwards;
		if (!(features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES))
			s->queues[i].enabled = true;
	}
	return 0;
}

static int get_config(struct session *s, struct exchange *x)
{
	const struct vhost_user_config *asked = &x->msg->payload.config;
	struct vhost_user_config *config = &x->reply.payload.config;
	struct virtio_blk_config blk;

	/* An empty reply reports a failure. */
	config->size = 0;
	if (asked->offset > sizeof(blk) ||
	    asked->size > sizeof(blk) - asked->offset)
		return -EINVAL;
	disk_config(s->disk, s->opt->queues, &blk);
	config->offset = asked->offset;
	config->size = asked->size;
	memcpy(config->data, (char *)&blk + asked->offset, asked->size);
	return 0;
}

static int set_status(struct session *s, uint8_t status)
{
	if (!status)
		session_reset(s);
	s->status = status;
	return 0;
}

/* Replace a descriptor of a ring. */
static void set_fd(int *place, struct exchange *x)
{
	if (*place >= 0)
		close(*place);
	*place = -1;
	if (x->nr_fds) {
		*place = x->fds[0];
		x->fds[0] = -1;
	}
}

static int set_num(struct queue *q, uint32_t num)
{
	if (num > QUEUE_MAX || (!q->packed && num & (num - 1)))
		return -EINVAL;
	q->num = num;
	return 0;
}

/* Execute requests about the ring @index. */
static int answer_vring(struct session *s, struct exchange *x, uint16_t index)
{
	const union vhost_user_payload *payload = &x->msg->payload;
	struct queue *q = &s->queues[index];

	switch (x->msg->hdr.request) {
	case VHOST_USER_SET_VRING_NUM:
		return q->running ? -EBUSY : set_num(q, payload->state.num);
	case VHOST_USER_SET_VRING_ADDR:
		q->addr = payload->addr;
		return 0;
	case VHOST_USER_SET_VRING_BASE:
		if (q->running)
			return -EBUSY;
		queue_set_base(q, payload->state.num);
		return 0;
	case VHOST_USER_GET_VRING_BASE:
		x->reply.payload.state.index = index;
		x->reply.payload.state.num = queue_base(q);
		queue_stop(q);
		return 0;
	case VHOST_USER_SET_VRING_CALL:
		set_fd(&q->call, x);
		return 0;
	case VHOST_USER_SET_VRING_ERR:
		set_fd(&q->err, x);
		return 0;
	case VHOST_USER_SET_VRING_KICK:
		set_fd(&q->kick, x);
		break;
	case VHOST_USER_SET_VRING_ENABLE:
		q->enabled = payload->state.num;
		break;
	}
	queue_start(q, area_of(s, index));
	queue_process(q);
	return 0;
}

/* Return the ring that a request is about, or -1. */
static int ring_of(const struct vhost_user_msg *msg)
{
	switch (msg->hdr.request) {
	case VHOST_USER_SET_VRING_NUM:
	case VHOST_USER_SET_VRING_BASE:
	case VHOST_USER_GET_VRING_BASE:
	case VHOST_USER_SET_VRING_ENABLE:
		return msg->payload.state.index;
	case VHOST_USER_SET_VRING_ADDR:
		return msg->payload.addr.index;
	case VHOST_USER_SET_VRING_KICK:
	case VHOST_USER_SET_VRING_CALL:
	case VHOST_USER_SET_VRING_ERR:
		return msg->payload.u64 & VHOST_USER_VRING_MASK;
	default:
		return -1;
	}
}

int session_answer(struct session *s, struct exchange *x)
{
	const union vhost_user_payload *payload = &x->msg->payload;
	uint64_t *number = &x->reply.payload.u64;
	int ring = ring_of(x->msg);

	if (ring >= s->opt->queues)
		return -ENXIO;
	if (ring >= 0)
		return answer_vring(s, x, ring);
	switch (x->msg->hdr.request) {
	case VHOST_USER_GET_FEATURES:
		*number = device_features();
		return 0;
	case VHOST_USER_SET_FEATURES:
		return set_features(s, payload->u64);
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		*number = protocol_features(s);
		return 0;
	case VHOST_USER_SET_PROTOCOL_FEATURES:
		s->protocol = payload->u64;
		return s->protocol & ~protocol_features(s) ? -EINVAL : 0;
	case VHOST_USER_SET_OWNER:
	case VHOST_USER_RESET_OWNER:
		return 0;
	case VHOST_USER_GET_QUEUE_NUM:
		*number = s->opt->queues;
		return 0;
	case VHOST_USER_GET_MAX_MEM_SLOTS:
		*number = MEMORY_SLOTS;
		return 0;
	case VHOST_USER_SET_MEM_TABLE:
		return set_mem_table(s, x);
	case VHOST_USER_ADD_MEM_REG:
		return memory_add(&s->memory, &payload->mem_reg.region,
				  x->fds[0]);
	case VHOST_USER_REM_MEM_REG:
		return memory_remove(&s->memory, &payload->mem_reg.region);
	case VHOST_USER_GET_CONFIG:
		return get_config(s, x);
	case VHOST_USER_GET_INFLIGHT_FD:
		return get_inflight(s, x);
	case VHOST_USER_SET_INFLIGHT_FD:
		return map_inflight(s, &payload->inflight, x->fds[0]);
	case VHOST_USER_RESET_DEVICE:
		session_reset(s);
		return 0;
	case VHOST_USER_SET_STATUS:
		return set_status(s, payload->u64);
	case VHOST_USER_GET_STATUS:
		*number = s->status;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
