// SPDX-License-Identifier: BSD-3-Clause
/* Requests for rings. */
#include <errno.h>
#include <linux/virtio_config.h>

#include "call.h"
#include "connection.h"
#include "error.h"

static int call_state(struct vhost_backend *b, enum vhost_user_request request,
		      uint32_t vring, uint32_t num)
{
	struct vhu_call call;

	vhu_call_init(&call, request);
	call.msg.payload.state.index = vring;
	call.msg.payload.state.num = num;
	return vhu_call(b, &call);
}

int vhost_backend_set_vring_num(struct vhost_backend *b, uint32_t vring,
				uint32_t num)
{
	return call_state(b, VHOST_USER_SET_VRING_NUM, vring, num);
}

int vhost_backend_set_vring_addr(struct vhost_backend *b,
				 const struct vhost_vring_addr *addr)
{
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_SET_VRING_ADDR);
	call.msg.payload.addr = *addr;
	/* Writes that are not logged yet would be lost. */
	call.sync = addr->flags & 1 << VHOST_VRING_F_LOG;
	return vhu_call(b, &call);
}

/* The base of a split ring has 16 bits only. */
static bool is_base(const struct vhost_backend *b, uint32_t base)
{
	return b->acked & 1ULL << VIRTIO_F_RING_PACKED || base <= UINT16_MAX;
}

int vhost_backend_set_vring_base(struct vhost_backend *b, uint32_t vring,
				 uint32_t base)
{
	if (!is_base(b, base))
		return vhu_error(
			b, -EINVAL,
			"SET_VRING_BASE: a split ring's base has more than 16 bits");
	return call_state(b, VHOST_USER_SET_VRING_BASE, vring, base);
}

int vhost_backend_get_vring_base(struct vhost_backend *b, uint32_t vring,
				 uint32_t *base)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_GET_VRING_BASE);
	call.msg.payload.state.index = vring;
	ret = vhu_call(b, &call);
	if (ret)
		return ret;
	if (!is_base(b, call.answer.payload.state.num))
		return vhu_connection_fail(
			b, -EPROTO,
			"answer to GET_VRING_BASE: a split ring's base has more than 16 bits");
	*base = call.answer.payload.state.num;
	return 0;
}

static int call_eventfd(struct vhost_backend *b,
			enum vhost_user_request request, uint32_t vring, int fd)
{
	struct vhu_call call;

	if (vring > VHOST_USER_VRING_MASK)
		return vhu_error(
			b, -EINVAL, "%s: the ring's number is above 255",
			vhost_user_request_name(VHOST_USER_REQUEST, request));
	vhu_call_init(&call, request);
	call.msg.payload.u64 = vring | (fd < 0 ? VHOST_USER_VRING_NOFD : 0);
	call.fds = &fd;
	call.nr_fds = fd >= 0;
	return vhu_call(b, &call);
}

int vhost_backend_set_vring_kick(struct vhost_backend *b, uint32_t vring,
				 int fd)
{
	return call_eventfd(b, VHOST_USER_SET_VRING_KICK, vring, fd);
}

int vhost_backend_set_vring_call(struct vhost_backend *b, uint32_t vring,
				 int fd)
{
	return call_eventfd(b, VHOST_USER_SET_VRING_CALL, vring, fd);
}

int vhost_backend_set_vring_err(struct vhost_backend *b, uint32_t vring, int fd)
{
	return call_eventfd(b, VHOST_USER_SET_VRING_ERR, vring, fd);
}

int vhost_backend_set_vring_enable(struct vhost_backend *b, uint32_t vring,
				   bool enable)
{
	struct vhu_call call;

	if (b->fd >= 0 &&
	    !(b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES))
		return vhu_error(
			b, -EOPNOTSUPP,
			"SET_VRING_ENABLE: the back end has no protocol features");
	vhu_call_init(&call, VHOST_USER_SET_VRING_ENABLE);
	call.msg.payload.state.index = vring;
	call.msg.payload.state.num = enable;
	/* Kicks that it gets before are lost in some back ends. */
	call.sync = enable;
	return vhu_call(b, &call);
}

int vhost_backend_set_vring_endian(struct vhost_backend *b, uint32_t vring,
				   bool big)
{
	return call_state(b, VHOST_USER_SET_VRING_ENDIAN, vring, big);
}

int vhost_backend_vring_kick(struct vhost_backend *b, uint32_t vring)
{
	return call_state(b, VHOST_USER_VRING_KICK, vring, 0);
}
