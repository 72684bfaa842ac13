// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/sockios.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"

#define NR_REGIONS 9

/* Returns the number in attribute @type of a nest, or 0 if there is none. */
static uint64_t nest_u64(const struct nlattr *nest, uint16_t type)
{
	const char *pos = (const char *)nest + NLA_HDRLEN;
	const struct nlattr *attr;

	if (!nest)
		return 0;
	for (; pos < (const char *)nest + nest->nla_len;
	     pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const struct nlattr *)pos;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return nlt_u64(attr);
	}
	return 0;
}

static void take_info(void *data, const struct nlt_reply *reply)
{
	struct control_info *info = data;

	info->count++;
	info->id = nlt_u32(reply->attrs[VUSER_A_DEV_ID]);
	info->state = nlt_u32(reply->attrs[VUSER_A_DEV_STATE]);
	info->owner = nlt_u32(reply->attrs[VUSER_A_DEV_OWNER]);
	snprintf(info->endpoint, sizeof(info->endpoint), "%s",
		 nlt_string(reply->attrs[VUSER_A_DEV_ENDPOINT]));
	snprintf(info->error, sizeof(info->error), "%s",
		 nlt_string(reply->attrs[VUSER_A_DEV_ERROR]));
	info->has_token = reply->attrs[VUSER_A_DEV_TOKEN];
	info->described = reply->attrs[VUSER_A_DEV_REGION];
	info->unsent = nest_u64(reply->attrs[VUSER_A_DEV_COUNTERS],
				VUSER_A_COUNTERS_UNSENT);
}

void control_uuid_bytes(const char *uuid, uint8_t bytes[16])
{
	unsigned int value, i;

	for (i = 0; i < 16; i++, uuid += 2) {
		uuid += *uuid == '-';
		sscanf(uuid, "%2x", &value);
		bytes[i] = value;
	}
}

int control_get_by_uuid(struct nlt *nl, const char *uuid,
			struct control_info *info)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	uint8_t bytes[16];

	memset(info, 0, sizeof(*info));
	control_uuid_bytes(uuid, bytes);
	nlt_put(msg, VUSER_A_DEV_UUID, bytes, sizeof(bytes));
	return nlt_call(nl, msg, take_info, info);
}

int control_get(struct nlt *nl, uint32_t id, struct control_info *info)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);

	memset(info, 0, sizeof(*info));
	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	return nlt_call(nl, msg, take_info, info);
}

static void take_token(void *data, const struct nlt_reply *reply)
{
	*(uint64_t *)data = nlt_u64(reply->attrs[VUSER_A_DEV_TOKEN]);
}

int control_claim(struct nlt *nl, uint32_t id, uint64_t *token)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_CLAIM, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	return nlt_call(nl, msg, take_token, token);
}

int control_detach(struct nlt *nl, uint32_t id, uint64_t token,
		   const char *error)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_DETACH, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_u64(msg, VUSER_A_DEV_TOKEN, token);
	if (error)
		nlt_put_string(msg, VUSER_A_DEV_ERROR, error);
	return nlt_call(nl, msg, NULL, NULL);
}

void control_put_region(struct nlt_msg *msg, uint32_t index, uint64_t size)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, index);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, size);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS,
		    VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	nlt_nest_end(msg, nest);
}

struct nlt_msg *control_attach_new(uint32_t id, uint64_t token, int sock)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_ATTACH, 0);

	nlt_put_u32(msg, VUSER_A_DEV_ID, id);
	nlt_put_u64(msg, VUSER_A_DEV_TOKEN, token);
	nlt_put_u32(msg, VUSER_A_DEV_SOCKET_FD, sock);
	/* Minor version 0 has no DEVICE_FEATURE, which these tests would have to answer. */
	nlt_put_u32(msg, VUSER_A_DEV_MINOR, 0);
	nlt_put_u32(msg, VUSER_A_DEV_MAX_MSG_FDS, 8);
	nlt_put_u32(msg, VUSER_A_DEV_MAX_DATA_XFER_SIZE, 4096);
	nlt_put_u32(msg, VUSER_A_DEV_FLAGS, VFIO_DEVICE_FLAGS_PCI);
	return msg;
}

void control_put_regions(struct nlt_msg *msg)
{
	uint32_t i;

	for (i = 1; i < NR_REGIONS; i++)
		control_put_region(
			msg, i, i == VFIO_PCI_CONFIG_REGION_INDEX ? 0x100 : 0);
}

int control_attach(struct nlt *nl, uint32_t id, uint64_t token, int sock)
{
	struct nlt_msg *msg = control_attach_new(id, token, sock);

	control_put_region(msg, 0, 0x4000);
	control_put_regions(msg);
	return nlt_call(nl, msg, NULL, NULL);
}

bool control_hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, SOON_MS) == 1 && pfd.revents & POLLHUP;
}

int control_wait_read(int sock)
{
	long long end = clock_ms() + SOON_MS;
	int left;

	do {
		if (ioctl(sock, SIOCOUTQ, &left))
			return -errno;
		if (clock_ms() > end)
			return -ETIMEDOUT;
	} while (left);
	return 0;
}

int control_start(struct control *c)
{
	struct control_info info;
	int ret;

	ret = nlt_open(&c->nl);
	if (ret)
		return ret;
	uuid_new(c->uuid);
	ret = mdev_create(c->uuid);
	if (!ret)
		ret = control_get_by_uuid(&c->nl, c->uuid, &info);
	if (ret)
		return ret;
	c->id = info.id;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->sock))
		return -errno;
	return info.count == 1 ? 0 : -EBADMSG;
}

int control_stop(struct control *c)
{
	int ret;

	close(c->sock[0]);
	close(c->sock[1]);
	ret = mdev_remove(c->uuid);
	nlt_close(&c->nl);
	return ret;
}

int control_attach_twin(struct control *c, int twin)
{
	struct nlt_msg *msg;
	int ret = control_claim(&c->nl, c->id, &c->token);

	if (ret)
		return ret;
	msg = control_attach_new(c->id, c->token, c->sock[0]);
	nlt_put_u32(msg, VUSER_A_DEV_TWIN_FD, twin);
	control_put_region(msg, 0, 0x4000);
	control_put_regions(msg);
	return nlt_call(&c->nl, msg, NULL, NULL);
}
