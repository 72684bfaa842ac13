// SPDX-License-Identifier: BSD-3-Clause
/* Requests for memory. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "call.h"
#include "error.h"

/* Make a SET_MEM_TABLE; @fds has room for VHOST_USER_MAX_REGIONS. */
static int make_table(struct vhost_backend *b, struct vhu_call *call,
		      const struct vhost_region *mem, uint32_t nr, int *fds)
{
	struct vhost_user_memory *memory;
	uint32_t i;

	vhu_call_init(call, VHOST_USER_SET_MEM_TABLE);
	if (nr > VHOST_USER_MAX_REGIONS)
		return vhu_error(b, -EINVAL,
				 "SET_MEM_TABLE: more than 8 regions");
	memory = &call->msg.payload.memory;
	memory->nr = nr;
	for (i = 0; i < nr; i++) {
		memory->regions[i] = mem[i].region;
		fds[i] = mem[i].fd;
	}
	call->fds = fds;
	call->nr_fds = nr;
	return 0;
}

int vhost_backend_set_mem_table(struct vhost_backend *b,
				const struct vhost_region *mem, uint32_t nr)
{
	int fds[VHOST_USER_MAX_REGIONS];
	struct vhu_call call;
	int ret = make_table(b, &call, mem, nr, fds);

	/* The caller may unmap memory that is not in the table any more. */
	call.sync = true;
	return ret ?: vhu_call(b, &call);
}

static int need_pagefault(struct vhost_backend *b)
{
	if (b->fd < 0 || vhost_backend_has(b, VHOST_USER_PROTOCOL(PAGEFAULT)))
		return 0;
	return vhu_error(b, -EOPNOTSUPP, "postcopy needs PAGEFAULT");
}

int vhost_backend_set_mem_table_postcopy(struct vhost_backend *b,
					 const struct vhost_region *mem,
					 uint32_t nr, uint64_t *bases)
{
	int fds[VHOST_USER_MAX_REGIONS];
	struct vhu_call call;
	int ret = need_pagefault(b);
	uint32_t i;

	if (!ret)
		ret = make_table(b, &call, mem, nr, fds);
	if (ret)
		return ret;
	call.kind = VHOST_USER_POSTCOPY_ANSWER;
	ret = vhu_call(b, &call);
	for (i = 0; !ret && i < nr; i++)
		bases[i] = call.answer.payload.memory.regions[i].user_addr;
	return ret;
}

int vhost_backend_ack_mem_table(struct vhost_backend *b)
{
	struct vhu_call call;
	int ret = need_pagefault(b);

	if (ret)
		return ret;
	/* A table without regions is 8 bytes of 0, as back ends expect. */
	vhu_call_init(&call, VHOST_USER_SET_MEM_TABLE);
	call.no_answer = true;
	return vhu_call(b, &call);
}

int vhost_backend_get_max_mem_slots(struct vhost_backend *b, uint64_t *slots)
{
	return vhu_call_get(b, VHOST_USER_GET_MAX_MEM_SLOTS, slots);
}

int vhost_backend_add_mem_reg(struct vhost_backend *b,
			      const struct vhost_region *mem)
{
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_ADD_MEM_REG);
	call.msg.payload.mem_reg.region = mem->region;
	call.fds = &mem->fd;
	call.nr_fds = 1;
	/* A kick that comes by an eventfd may overtake the request. */
	call.sync = true;
	return vhu_call(b, &call);
}

int vhost_backend_add_mem_reg_postcopy(struct vhost_backend *b,
				       const struct vhost_region *mem,
				       uint64_t *base)
{
	struct vhu_call call;
	int ret = need_pagefault(b);

	if (ret)
		return ret;
	vhu_call_init(&call, VHOST_USER_ADD_MEM_REG);
	call.msg.payload.mem_reg.region = mem->region;
	call.fds = &mem->fd;
	call.nr_fds = 1;
	call.kind = VHOST_USER_POSTCOPY_ANSWER;
	ret = vhu_call(b, &call);
	if (!ret)
		*base = call.answer.payload.mem_reg.region.user_addr;
	return ret;
}

int vhost_backend_rem_mem_reg(struct vhost_backend *b,
			      const struct vhost_user_region *region)
{
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_REM_MEM_REG);
	call.msg.payload.mem_reg.region = *region;
	/* The caller may unmap the memory afterwards. */
	call.sync = true;
	return vhu_call(b, &call);
}

int vhost_backend_set_log_base(struct vhost_backend *b, uint64_t size,
			       uint64_t offset, int fd)
{
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_SET_LOG_BASE);
	call.msg.payload.log.size = size;
	call.msg.payload.log.offset = offset;
	call.fds = &fd;
	call.nr_fds = 1;
	return vhu_call(b, &call);
}

int vhost_backend_set_log_fd(struct vhost_backend *b, int fd)
{
	return vhu_call_fd(b, VHOST_USER_SET_LOG_FD, fd);
}

int vhost_backend_iotlb_msg(struct vhost_backend *b,
			    const struct vhost_iotlb_msg *msg)
{
	struct vhu_call call;

	if (b->fd >= 0 && !(b->acked & 1ULL << VIRTIO_F_ACCESS_PLATFORM))
		return vhu_error(b, -EOPNOTSUPP,
				 "IOTLB_MSG needs VIRTIO_F_ACCESS_PLATFORM");
	vhu_call_init(&call, VHOST_USER_IOTLB_MSG);
	/* Member by member, so that the padding stays 0. */
	call.msg.payload.iotlb.iova = msg->iova;
	call.msg.payload.iotlb.size = msg->size;
	call.msg.payload.iotlb.uaddr = msg->uaddr;
	call.msg.payload.iotlb.perm = msg->perm;
	call.msg.payload.iotlb.type = msg->type;
	return vhu_call(b, &call);
}

int vhost_backend_get_inflight_fd(struct vhost_backend *b,
				  struct vhost_user_inflight *inflight, int *fd)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_GET_INFLIGHT_FD);
	call.msg.payload.inflight.num_queues = inflight->num_queues;
	call.msg.payload.inflight.queue_size = inflight->queue_size;
	ret = vhu_call(b, &call);
	if (ret)
		return ret;
	if (call.fd < 0)
		return vhu_error(
			b, -ENODATA,
			"the back end has no memory for requests in flight");
	*inflight = call.answer.payload.inflight;
	*fd = call.fd;
	return 0;
}

int vhost_backend_set_inflight_fd(struct vhost_backend *b,
				  const struct vhost_user_inflight *inflight,
				  int fd)
{
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_SET_INFLIGHT_FD);
	call.msg.payload.inflight = *inflight;
	call.fds = &fd;
	call.nr_fds = 1;
	return vhu_call(b, &call);
}
