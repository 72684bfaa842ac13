// SPDX-License-Identifier: BSD-3-Clause
/* The state of a connection to a back end, which all files share. */
#include "../libbase/deadline.h"
#include "state.h"

struct vhu_wire_wait vhu_state_wait(const struct vhost_backend *b)
{
	return (struct vhu_wire_wait) {
		.wait = b->ops.wait,
		.data = b->opt.data,
		.begin = vu_deadline_after(0),
		.deadline = vu_deadline_after(b->opt.timeout_ms),
	};
}

bool vhost_backend_connected(const struct vhost_backend *b)
{
	return b->fd >= 0;
}

int vhost_backend_fd(const struct vhost_backend *b)
{
	return b->fd;
}

int vhost_backend_req_fd(const struct vhost_backend *b)
{
	return b->req_fd;
}

const char *vhost_backend_error(const struct vhost_backend *b)
{
	return b->error;
}

uint64_t vhost_backend_features(const struct vhost_backend *b)
{
	return b->features;
}

uint64_t vhost_backend_protocol(const struct vhost_backend *b)
{
	return b->protocol;
}

uint64_t vhost_backend_offered(const struct vhost_backend *b)
{
	return b->offered;
}

bool vhost_backend_has(const struct vhost_backend *b, uint64_t mask)
{
	return (b->protocol & mask) == mask;
}

uint64_t vhost_backend_queues(const struct vhost_backend *b)
{
	return b->queues;
}

uint64_t vhost_backend_mem_slots(const struct vhost_backend *b)
{
	return b->slots;
}
