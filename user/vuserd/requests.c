// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/proto.h>

#include "device.h"
#include "helper.h"
#include "log.h"
#include "requests.h"

static int note(struct helper *helper, uint32_t dev, uint64_t id)
{
	struct request *grown;
	size_t max;

	if (helper->nr_requests == helper->max_requests) {
		max = helper->max_requests ? 2 * helper->max_requests : 16;
		grown = reallocarray(helper->requests, max, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		helper->requests = grown;
		helper->max_requests = max;
	}
	helper->requests[helper->nr_requests].dev = dev;
	helper->requests[helper->nr_requests].id = id;
	helper->nr_requests++;
	helper_defer(helper);
	return 0;
}

static int note_message(void *data, const struct vnl_msg *msg)
{
	struct nlattr *attrs[VUSER_A_REQUEST_MAX + 1];
	uint32_t dev;
	uint64_t id;

	if (vnl_msg_parse(msg, attrs, VUSER_A_REQUEST_MAX) ||
	    vnl_msg_u32(attrs[VUSER_A_REQUEST_DEV], &dev) ||
	    vnl_msg_u64(attrs[VUSER_A_REQUEST_ID], &id))
		return -EBADMSG;
	return note(data, dev, id);
}

void requests_rung(struct helper *helper, const struct vnl_msg *msg)
{
	note_message(helper, msg);
}

int requests_dump(struct helper *helper, struct vnl_sock *nl)
{
	struct nl_msg *msg;

	msg = vnl_sock_request(nl, VUSER_CMD_REQUEST_GET, NLM_F_DUMP, 0);
	if (!msg)
		return -ENOMEM;
	return vnl_sock_call(nl, msg, note_message, helper);
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
	struct nlattr *attrs[VUSER_A_REQUEST_MAX + 1];
	struct device *dev = data;

	if (vnl_msg_parse(msg, attrs, VUSER_A_REQUEST_MAX))
		return -EBADMSG;
	log_err("%s: the message was %s with %u file descriptors: iova 0x%llx size 0x%llx, index %u start %u count %u",
		dev->uuid,
		vuser_command_name(get_u32(attrs[VUSER_A_REQUEST_COMMAND])),
		get_u32(attrs[VUSER_A_REQUEST_NFDS]),
		(unsigned long long)get_u64(attrs[VUSER_A_REQUEST_IOVA]),
		(unsigned long long)get_u64(attrs[VUSER_A_REQUEST_SIZE]),
		get_u32(attrs[VUSER_A_REQUEST_INDEX]),
		get_u32(attrs[VUSER_A_REQUEST_START]),
		get_u32(attrs[VUSER_A_REQUEST_COUNT]));
	return 0;
}

/* It cannot be sent: let the consumer's ioctl fail now, not at its deadline. */
static void refuse(struct device *dev, uint64_t id, int error)
{
	struct vnl_sock *nl = &dev->helper->owner;
	struct nl_msg *msg;

	log_err("%s: cannot send message %llu: %s", dev->uuid,
		(unsigned long long)id, vnl_sock_error(nl, error));
	msg = vnl_sock_request(nl, VUSER_CMD_REQUEST_GET, 0, 0);
	if (msg) {
		nla_put_u32(msg, VUSER_A_REQUEST_DEV, dev->id);
		nla_put_u64(msg, VUSER_A_REQUEST_ID, id);
		vnl_sock_call(nl, msg, log_details, dev);
	}
	msg = vnl_sock_request(nl, VUSER_CMD_REQUEST_DONE, 0, 0);
	if (!msg)
		return;
	nla_put_u32(msg, VUSER_A_REQUEST_DEV, dev->id);
	nla_put_u64(msg, VUSER_A_REQUEST_ID, id);
	nla_put_u64(msg, VUSER_A_REQUEST_TOKEN, dev->token);
	nla_put_u32(msg, VUSER_A_REQUEST_STATUS, -error);
	vnl_sock_call(nl, msg, NULL, NULL);
}

static void send_one(struct device *dev, uint64_t id)
{
	struct vnl_sock *nl = &dev->helper->owner;
	struct nl_msg *msg;
	int ret;

	msg = vnl_sock_request(nl, VUSER_CMD_SEND, 0, 0);
	if (!msg)
		return;
	nla_put_u32(msg, VUSER_A_REQUEST_DEV, dev->id);
	nla_put_u64(msg, VUSER_A_REQUEST_ID, id);
	nla_put_u64(msg, VUSER_A_REQUEST_TOKEN, dev->token);
	nla_put_s32(msg, VUSER_A_REQUEST_NULL_FD, dev->helper->null_fd);
	ret = vnl_sock_call(nl, msg, NULL, NULL);
	log_debug("%s: message %llu: %s", dev->uuid, (unsigned long long)id,
		  ret ? vnl_sock_error(nl, ret) : "sent");
	switch (ret) {
	case 0:
	case -EAGAIN: /* no room: we are rung again when there is */
	case -ENOENT: /* sent already, or its consumer gave up */
	case -ENOTCONN: /* the server is gone, and so is the request */
	case -ENODEV:
		break;
	case -EPERM:
	case -ENOBUFS:
		helper_resync(dev->helper);
		break;
	default:
		refuse(dev, id, ret);
	}
}

void requests_send(struct helper *helper)
{
	size_t i, nr = helper->nr_requests;
	struct device *dev;

	if (!nr)
		return;
	for (i = 0; helper->ready && i < nr; i++) {
		dev = device_find(helper, helper->requests[i].dev);
		if (dev && dev->owned)
			send_one(dev, helper->requests[i].id);
	}
	/* A resync meanwhile may have left fewer. */
	if (nr > helper->nr_requests)
		nr = helper->nr_requests;
	/* Bells that rang meanwhile are behind: all else gets its turn first. */
	helper->nr_requests -= nr;
	memmove(helper->requests, helper->requests + nr,
		helper->nr_requests * sizeof(*helper->requests));
	if (helper->nr_requests)
		helper_defer(helper);
}
