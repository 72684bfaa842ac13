// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "genl.h"

static char reply[32768];
static size_t reply_len;

void genl_put(struct genl_msg *msg, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attr = (struct nlattr *)(msg->buf + msg->len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(attr + 1, data, len);
	msg->len += NLA_ALIGN(attr->nla_len);
}

void genl_put_u32(struct genl_msg *msg, uint16_t type, uint32_t value)
{
	genl_put(msg, type, &value, sizeof(value));
}

void genl_put_u64(struct genl_msg *msg, uint16_t type, uint64_t value)
{
	genl_put(msg, type, &value, sizeof(value));
}

size_t genl_nest(struct genl_msg *msg, uint16_t type)
{
	size_t start = msg->len;

	genl_put(msg, type | NLA_F_NESTED, NULL, 0);
	return start;
}

void genl_nest_end(struct genl_msg *msg, size_t start)
{
	struct nlattr *attr = (struct nlattr *)(msg->buf + start);

	attr->nla_len = msg->len - start;
}

static void begin(struct genl *nl, struct genl_msg *msg, uint16_t family,
		  uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *genl;

	memset(msg, 0, sizeof(*msg));
	msg->hdr.nlmsg_type = family;
	msg->hdr.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg->hdr.nlmsg_seq = ++nl->seq;
	genl = (struct genlmsghdr *)(msg->buf + NLMSG_HDRLEN);
	genl->cmd = cmd;
	genl->version = 1;
	msg->len = NLMSG_HDRLEN + GENL_HDRLEN;
}

void genl_begin(struct genl *nl, struct genl_msg *msg, uint8_t cmd,
		uint16_t flags)
{
	begin(nl, msg, nl->family, cmd, flags);
}

/*
 * Reads one datagram: 1 if more follow, 0 at the end, with the result in *@err.
 */
static int take(const char *buf, int len, int *err)
{
	const struct nlmsghdr *hdr = (const void *)buf;

	for (; NLMSG_OK(hdr, (unsigned int)len); hdr = NLMSG_NEXT(hdr, len)) {
		if (hdr->nlmsg_type == NLMSG_ERROR) {
			*err = ((const struct nlmsgerr *)NLMSG_DATA(hdr))->error;
			return 0;
		}
		if (hdr->nlmsg_type == NLMSG_DONE) {
			*err = 0;
			return 0;
		}
		reply_len = hdr->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
		memcpy(reply, (const char *)NLMSG_DATA(hdr) + GENL_HDRLEN,
		       reply_len);
	}
	return 1;
}

int genl_send(struct genl *nl, struct genl_msg *msg)
{
	char buf[32768];
	ssize_t len;
	int err = 0;

	reply_len = 0;
	msg->hdr.nlmsg_len = msg->len;
	if (send(nl->fd, msg->buf, msg->len, 0) < 0)
		return -errno;
	do {
		len = recv(nl->fd, buf, sizeof(buf), 0);
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	} while (take(buf, len, &err));
	return err;
}

int64_t genl_get(uint16_t type)
{
	const struct nlattr *attr;
	int64_t value = 0;
	size_t off;

	for (off = 0; off + NLA_HDRLEN <= reply_len;
	     off += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(reply + off);
		if (attr->nla_len < NLA_HDRLEN)
			break;
		if ((attr->nla_type & NLA_TYPE_MASK) != type)
			continue;
		memcpy(&value, attr + 1,
		       attr->nla_len - NLA_HDRLEN < 8 ?
			       attr->nla_len - NLA_HDRLEN :
			       8);
		return value;
	}
	return -1;
}

static int find_family(struct genl *nl)
{
	struct genl_msg msg;
	int ret;

	begin(nl, &msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	genl_put(&msg, CTRL_ATTR_FAMILY_NAME, "vuser", sizeof("vuser"));
	ret = genl_send(nl, &msg);
	if (ret)
		return ret;
	nl->family = genl_get(CTRL_ATTR_FAMILY_ID);
	return 0;
}

int genl_open(struct genl *nl)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct timeval limit = { .tv_sec = 10 };
	int ret;

	nl->seq = 0;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	if (bind(nl->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		ret = -errno;
	else
		ret = find_family(nl);
	if (ret)
		genl_close(nl);
	return ret;
}

void genl_close(struct genl *nl)
{
	close(nl->fd);
	nl->fd = -1;
}
