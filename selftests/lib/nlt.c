// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../include/uapi/linux/vuser.h"
#include "nlt.h"

static struct nlt_msg request;
static char text[256];
static char answer[256 * 1024] __attribute__((aligned(8)));

struct nlt_msg *nlt_new(uint8_t cmd, uint16_t flags)
{
	struct nlt_msg *msg = &request;
	struct nlmsghdr *hdr = (struct nlmsghdr *)msg->buf;
	struct genlmsghdr *genl = NLMSG_DATA(hdr);

	msg->len = NLMSG_LENGTH(GENL_HDRLEN);
	msg->full = false;
	memset(msg->buf, 0, msg->len);
	hdr->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	genl->cmd = cmd;
	genl->version = VUSER_FAMILY_VERSION;
	return msg;
}

void nlt_put(struct nlt_msg *msg, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attr = (struct nlattr *)(msg->buf + msg->len);

	if (msg->len + NLA_ALIGN(NLA_HDRLEN + len) > sizeof(msg->buf)) {
		msg->full = true;
		return;
	}
	memset(attr, 0, NLA_ALIGN(NLA_HDRLEN + len));
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)attr + NLA_HDRLEN, data, len);
	msg->len += NLA_ALIGN(attr->nla_len);
}

void nlt_put_u32(struct nlt_msg *msg, uint16_t type, uint32_t value)
{
	nlt_put(msg, type, &value, sizeof(value));
}

void nlt_put_u64(struct nlt_msg *msg, uint16_t type, uint64_t value)
{
	nlt_put(msg, type, &value, sizeof(value));
}

void nlt_put_string(struct nlt_msg *msg, uint16_t type, const char *text)
{
	nlt_put(msg, type, text, strlen(text) + 1);
}

size_t nlt_nest(struct nlt_msg *msg, uint16_t type)
{
	size_t nest = msg->len;

	nlt_put(msg, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void nlt_nest_end(struct nlt_msg *msg, size_t nest)
{
	struct nlattr *attr = (struct nlattr *)(msg->buf + nest);

	attr->nla_len = msg->len - nest;
}

uint32_t nlt_u32(const struct nlattr *attr)
{
	uint32_t value = UINT32_MAX;

	if (attr && attr->nla_len >= NLA_HDRLEN + sizeof(value))
		memcpy(&value, (char *)attr + NLA_HDRLEN, sizeof(value));
	return value;
}

uint64_t nlt_u64(const struct nlattr *attr)
{
	uint64_t value = UINT64_MAX;

	if (attr && attr->nla_len >= NLA_HDRLEN + sizeof(value))
		memcpy(&value, (char *)attr + NLA_HDRLEN, sizeof(value));
	return value;
}

const char *nlt_string(const struct nlattr *attr)
{
	return attr ? (char *)attr + NLA_HDRLEN : "";
}

const struct nlattr *nlt_find(const char *pos, const char *end, uint16_t type)
{
	const struct nlattr *attr;

	for (; pos + NLA_HDRLEN <= end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const struct nlattr *)pos;
		if (attr->nla_len < NLA_HDRLEN)
			break;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	}
	return NULL;
}

static void parse(const struct nlmsghdr *hdr, struct nlt_reply *reply)
{
	const struct genlmsghdr *genl = NLMSG_DATA(hdr);
	char *pos = (char *)genl + GENL_HDRLEN;
	char *end = (char *)hdr + hdr->nlmsg_len;
	struct nlattr *attr;

	memset(reply, 0, sizeof(*reply));
	reply->cmd = genl->cmd;
	reply->begin = pos;
	reply->end = end;
	for (; pos + NLA_HDRLEN <= end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (struct nlattr *)pos;
		if (attr->nla_len < NLA_HDRLEN)
			break;
		if ((attr->nla_type & NLA_TYPE_MASK) < NLT_MAX_ATTR)
			reply->attrs[attr->nla_type & NLA_TYPE_MASK] = attr;
	}
}

/*
 * Takes the text that follows an error; the copied request is only its header.
 */
static void take_text(const struct nlmsghdr *hdr)
{
	const struct nlmsgerr *err = NLMSG_DATA(hdr);
	const char *pos = (const char *)(err + 1);
	const char *end = (const char *)hdr + hdr->nlmsg_len;
	const struct nlattr *attr;

	text[0] = '\0';
	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	for (; pos + NLA_HDRLEN <= end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const struct nlattr *)pos;
		if (attr->nla_len < NLA_HDRLEN)
			break;
		if (attr->nla_type == NLMSGERR_ATTR_MSG)
			snprintf(text, sizeof(text), "%s", nlt_string(attr));
		else if (attr->nla_type == NLMSGERR_ATTR_MISS_TYPE)
			snprintf(text, sizeof(text), "missing");
	}
}

const char *nlt_ext_ack(void)
{
	return text;
}

/*
 * Walks over one datagram: 1 at the end of an answer, with the result in
 * *@error.
 */
static int walk(struct nlt *nl, int len, nlt_fn fn, void *data, int *error)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)answer;
	struct nlt_reply reply;

	for (; NLMSG_OK(hdr, len); hdr = NLMSG_NEXT(hdr, len)) {
		if (hdr->nlmsg_seq != nl->seq)
			continue;
		if (hdr->nlmsg_type == NLMSG_ERROR ||
		    hdr->nlmsg_type == NLMSG_DONE) {
			memcpy(error, NLMSG_DATA(hdr), sizeof(*error));
			if (hdr->nlmsg_type == NLMSG_ERROR)
				take_text(hdr);
			return 1;
		}
		parse(hdr, &reply);
		if (fn)
			fn(data, &reply);
	}
	return 0;
}

int nlt_call(struct nlt *nl, struct nlt_msg *msg, nlt_fn fn, void *data)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)msg->buf;
	int len, error = 0;

	if (msg->full)
		return -ENOBUFS;
	hdr->nlmsg_len = msg->len;
	if (!hdr->nlmsg_type)
		hdr->nlmsg_type = nl->family;
	hdr->nlmsg_seq = ++nl->seq;
	if (send(nl->fd, msg->buf, msg->len, 0) < 0)
		return -errno;
	do {
		len = recv(nl->fd, answer, sizeof(answer), 0);
		if (len < 0)
			return -errno;
	} while (!walk(nl, len, fn, data, &error));
	return error;
}

int nlt_event(struct nlt *nl, int ms, struct nlt_reply *reply)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)answer;
	struct pollfd pfd = { .fd = nl->fd, .events = POLLIN };
	int len;

	do {
		if (poll(&pfd, 1, ms) != 1)
			return -ETIMEDOUT;
		len = recv(nl->fd, answer, sizeof(answer), 0);
		if (len < 0)
			return -errno;
	} while (hdr->nlmsg_seq || hdr->nlmsg_type != nl->family);
	parse(hdr, reply);
	return 0;
}

/* Takes the family's ID and the number of its only group. */
static void take_family(void *data, const struct nlt_reply *reply)
{
	const struct nlattr *groups = reply->attrs[CTRL_ATTR_MCAST_GROUPS];
	struct nlt *nl = data;
	const char *pos, *end;

	if (reply->attrs[CTRL_ATTR_FAMILY_ID])
		memcpy(&nl->family,
		       (char *)reply->attrs[CTRL_ATTR_FAMILY_ID] + NLA_HDRLEN,
		       sizeof(nl->family));
	if (!groups)
		return;
	/* The attributes of the first group, inside the nest of groups. */
	pos = (char *)groups + 2 * NLA_HDRLEN;
	end = (char *)groups + groups->nla_len;
	while (pos + NLA_HDRLEN < end) {
		const struct nlattr *attr = (const struct nlattr *)pos;

		if ((attr->nla_type & NLA_TYPE_MASK) == CTRL_ATTR_MCAST_GRP_ID)
			nl->group = nlt_u32(attr);
		pos += NLA_ALIGN(attr->nla_len);
	}
}

static int find_family(struct nlt *nl)
{
	struct nlt_msg *msg = nlt_new(CTRL_CMD_GETFAMILY, 0);

	((struct nlmsghdr *)msg->buf)->nlmsg_type = GENL_ID_CTRL;
	nlt_put_string(msg, CTRL_ATTR_FAMILY_NAME, VUSER_FAMILY_NAME);
	return nlt_call(nl, msg, take_family, nl);
}

int nlt_open(struct nlt *nl)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	if (bind(nl->fd, (struct sockaddr *)&addr, sizeof(addr)))
		ret = -errno;
	else
		ret = find_family(nl);
	if (ret)
		nlt_close(nl);
	return ret;
}

void nlt_close(struct nlt *nl)
{
	if (nl->fd >= 0)
		close(nl->fd);
	nl->fd = -1;
}

int nlt_enable_ext_ack(struct nlt *nl)
{
	int one = 1;

	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one,
		       sizeof(one)) ||
	    setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)))
		return -errno;
	return 0;
}

int nlt_join(struct nlt *nl)
{
	int group = nl->group;

	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group)) ?
		       -errno :
		       0;
}
