// SPDX-License-Identifier: GPL-2.0
/* Messages with file descriptors, which the kernel asks vuserd to send. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/proto.h>

#include "device.h"
#include "fdmsg.h"
#include "log.h"

static int append(struct fdmsg_queue *queue, uint32_t dev, uint64_t id)
{
	struct fdmsg *grown;
	size_t max;

	if (queue->nr == queue->max) {
		max = queue->max ? 2 * queue->max : 16;
		grown = reallocarray(queue->entries, max, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		queue->entries = grown;
		queue->max = max;
	}
	queue->entries[queue->nr].dev = dev;
	queue->entries[queue->nr].id = id;
	queue->nr++;
	queue->ops->defer(queue->ctx);
	return 0;
}

static int add_message(void *data, const struct vnl_msg *msg)
{
	struct nlattr *attrs[VUSER_A_FDMSG_MAX + 1];
	uint32_t dev;
	uint64_t id;

	if (vnl_msg_parse(msg, attrs, VUSER_A_FDMSG_MAX) ||
	    vnl_msg_u32(attrs[VUSER_A_FDMSG_DEV], &dev) ||
	    vnl_msg_u64(attrs[VUSER_A_FDMSG_ID], &id))
		return -EBADMSG;
	return append(data, dev, id);
}

void fdmsg_add(struct fdmsg_queue *queue, const struct vnl_msg *msg)
{
	add_message(queue, msg);
}

int fdmsg_dump(struct fdmsg_queue *queue, struct vnl_sock *nl)
{
	struct nl_msg *msg;

	msg = vnl_sock_request(nl, VUSER_CMD_FDMSG_GET, NLM_F_DUMP, 0);
	if (!msg)
		return -ENOMEM;
	return vnl_sock_call(nl, msg, add_message, queue);
}

static uint32_t get_u32(struct nlattr *attr)
{
	uint32_t val = 0;

	vnl_msg_u32(attr, &val);
	return val;
}

static uint64_t get_u64(struct nlattr *attr)
{
	uint64_t val = 0;

	vnl_msg_u64(attr, &val);
	return val;
}

static int log_details(void *data, const struct vnl_msg *msg)
{
	struct nlattr *attrs[VUSER_A_FDMSG_MAX + 1];
	struct device *dev = data;

	if (vnl_msg_parse(msg, attrs, VUSER_A_FDMSG_MAX))
		return -EBADMSG;
	log_err("%s: the message was %s with %u file descriptors: iova 0x%llx size 0x%llx, index %u start %u count %u",
		dev->uuid,
		vuser_command_name(get_u32(attrs[VUSER_A_FDMSG_COMMAND])),
		get_u32(attrs[VUSER_A_FDMSG_NFDS]),
		(unsigned long long)get_u64(attrs[VUSER_A_FDMSG_IOVA]),
		(unsigned long long)get_u64(attrs[VUSER_A_FDMSG_SIZE]),
		get_u32(attrs[VUSER_A_FDMSG_INDEX]),
		get_u32(attrs[VUSER_A_FDMSG_START]),
		get_u32(attrs[VUSER_A_FDMSG_COUNT]));
	return 0;
}

/*
 * The message cannot be sent: let the consumer's ioctl fail now, not after its
 * timeout.
 */
static void refuse(struct device *dev, uint64_t id, int error)
{
	struct vnl_sock *nl = dev->table->owner;
	struct nl_msg *msg;

	log_err("%s: cannot send message %llu: %s", dev->uuid,
		(unsigned long long)id, vnl_sock_error(nl, error));
	msg = vnl_sock_request(nl, VUSER_CMD_FDMSG_GET, 0, 0);
	if (msg) {
		nla_put_u32(msg, VUSER_A_FDMSG_DEV, dev->id);
		nla_put_u64(msg, VUSER_A_FDMSG_ID, id);
		vnl_sock_call(nl, msg, log_details, dev);
	}
	msg = vnl_sock_request(nl, VUSER_CMD_FDMSG_DONE, 0, 0);
	if (!msg)
		return;
	nla_put_u32(msg, VUSER_A_FDMSG_DEV, dev->id);
	nla_put_u64(msg, VUSER_A_FDMSG_ID, id);
	nla_put_u64(msg, VUSER_A_FDMSG_TOKEN, dev->token);
	nla_put_u32(msg, VUSER_A_FDMSG_STATUS, -error);
	vnl_sock_call(nl, msg, NULL, NULL);
}

static void send_one(struct fdmsg_queue *queue, struct device *dev, uint64_t id)
{
	struct vnl_sock *nl = dev->table->owner;
	struct nl_msg *msg;
	int ret;

	msg = vnl_sock_request(nl, VUSER_CMD_FDMSG_SEND, 0, 0);
	if (!msg)
		return;
	nla_put_u32(msg, VUSER_A_FDMSG_DEV, dev->id);
	nla_put_u64(msg, VUSER_A_FDMSG_ID, id);
	nla_put_u64(msg, VUSER_A_FDMSG_TOKEN, dev->token);
	nla_put_s32(msg, VUSER_A_FDMSG_NULL_FD, queue->null_fd);
	ret = vnl_sock_call(nl, msg, NULL, NULL);
	log_debug("%s: message %llu: %s", dev->uuid, (unsigned long long)id,
		  ret ? vnl_sock_error(nl, ret) : "sent");
	switch (ret) {
	case 0:
	case -EAGAIN: /* no room in the socket: the kernel notifies us of room */
	case -ENOENT: /* already sent, or the consumer does not wait any more */
	case -ENOTCONN: /* the server is gone, and the message too */
	case -ENODEV:
		break;
	case -EPERM:
	case -ENOBUFS:
		queue->ops->resync(queue->ctx);
		break;
	default:
		refuse(dev, id, ret);
	}
}

void fdmsg_send(struct fdmsg_queue *queue)
{
	size_t i, nr = queue->nr;
	struct device *dev;

	if (!nr)
		return;
	for (i = 0; i < nr && i < queue->nr; i++) {
		dev = device_find(queue->devices, queue->entries[i].dev);
		if (dev && dev->owned)
			send_one(queue, dev, queue->entries[i].id);
	}
	/* The queue may have been cleared meanwhile. */
	if (nr > queue->nr)
		nr = queue->nr;
	/*
	 * Messages that were added meanwhile stay.  The event loop handles other
	 * events before them.
	 */
	queue->nr -= nr;
	memmove(queue->entries, queue->entries + nr,
		queue->nr * sizeof(*queue->entries));
	if (queue->nr)
		queue->ops->defer(queue->ctx);
}

void fdmsg_clear(struct fdmsg_queue *queue)
{
	queue->nr = 0;
}

void fdmsg_free(struct fdmsg_queue *queue)
{
	fdmsg_clear(queue);
	free(queue->entries);
	queue->entries = NULL;
	queue->max = 0;
}
