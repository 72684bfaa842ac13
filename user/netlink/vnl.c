// SPDX-License-Identifier: GPL-2.0
/*
 * Requests and events of the family.
 *
 * libnl resolves the family, builds messages and receives datagrams.  What is
 * in a datagram is walked here: an owner's socket gets answers and doorbells
 * mixed, and the kernel's own words about an error are worth showing.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vnl.h"

/* A description with all that a server may claim must fit one request. */
#define VNL_SNDBUF (4 << 20)
/* Doorbells and changes of some hundred devices at once. */
#define VNL_RCVBUF (4 << 20)

/* The kernel's own limit. */
#define VNL_MAX_ERRNO 4095

/* What a received message meant to a caller who waits for an answer. */
enum vnl_progress {
	VNL_MORE,
	VNL_DONE,
};

static void vnl_set_options(int fd)
{
	int one = 1, snd = VNL_SNDBUF, rcv = VNL_RCVBUF;

	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));

	/* Without privileges the system's limit holds, which is enough. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &snd, sizeof(snd)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &snd, sizeof(snd));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof(rcv)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof(rcv));
}

int vnl_open(struct vnl *nl)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->sk = nl_socket_alloc();
	if (!nl->sk)
		return -ENOMEM;
	if (genl_connect(nl->sk)) {
		ret = errno ? -errno : -EIO;
		goto err_free;
	}
	nl->family = genl_ctrl_resolve(nl->sk, VUSER_FAMILY_NAME);
	if (nl->family < 0 && nl->family != -NLE_OBJ_NOTFOUND) {
		ret = -EIO;
		goto err_free;
	}
	if (nl->family < 0) {
		snprintf(nl->error, sizeof(nl->error),
			 "the kernel module is not loaded: run modprobe vuser");
		ret = -ENOENT;
		goto err_free;
	}
	vnl_set_options(vnl_fd(nl));
	nl_socket_set_nonblocking(nl->sk);
	return 0;

err_free:
	nl_socket_free(nl->sk);
	nl->sk = NULL;
	return ret;
}

void vnl_close(struct vnl *nl)
{
	if (nl->sk)
		nl_socket_free(nl->sk);
	nl->sk = NULL;
}

int vnl_fd(const struct vnl *nl)
{
	return nl_socket_get_fd(nl->sk);
}

uint32_t vnl_port(const struct vnl *nl)
{
	return nl_socket_get_local_port(nl->sk);
}

int vnl_join(struct vnl *nl)
{
	struct nl_sock *ctrl;
	int group = -NLE_NOMEM;

	/* A socket of its own: @nl does not block, which libnl counts on. */
	ctrl = nl_socket_alloc();
	if (ctrl && !genl_connect(ctrl))
		group = genl_ctrl_resolve_grp(ctrl, VUSER_FAMILY_NAME,
					      VUSER_MCGRP_DEVICES);
	nl_socket_free(ctrl);
	if (group < 0)
		return group == -NLE_OBJ_NOTFOUND ? -ENOENT : -EIO;
	return nl_socket_add_membership(nl->sk, group) ? -errno : 0;
}

struct nl_msg *vnl_request(struct vnl *nl, uint8_t cmd, int flags, size_t size)
{
	struct nl_msg *msg;

	msg = size ? nlmsg_alloc_size(size + NLMSG_HDRLEN + GENL_HDRLEN) :
		     nlmsg_alloc();
	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, ++nl->seq, nl->family, 0,
			 NLM_F_REQUEST | NLM_F_ACK | flags, cmd,
			 VUSER_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* The text that came with an error, or with a success. */
static void vnl_take_text(struct vnl *nl, struct nlmsghdr *hdr)
{
	struct nlmsgerr *err = nlmsg_data(hdr);
	struct nlattr *attr, *text;
	int len = nlmsg_datalen(hdr) - (int)sizeof(*err);

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS) || len <= 0)
		return;
	attr = (struct nlattr *)(err + 1);
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED)) {
		int skip =
			NLMSG_ALIGN(err->msg.nlmsg_len) - (int)sizeof(err->msg);

		if (skip < 0 || skip >= len)
			return;
		attr = (struct nlattr *)((char *)attr + skip);
		len -= skip;
	}
	text = nla_find(attr, len, NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(nl->error, sizeof(nl->error), "%.*s", nla_len(text),
			 (char *)nla_data(text));
}

static enum vnl_progress vnl_take_ack(struct vnl *nl, struct nlmsghdr *hdr,
				      int *result)
{
	int error = 0;

	if (nlmsg_datalen(hdr) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(hdr), sizeof(error));
	if (error > 0 || error < -VNL_MAX_ERRNO)
		error = -EBADMSG;
	if (hdr->nlmsg_type == NLMSG_ERROR)
		vnl_take_text(nl, hdr);
	if (!*result)
		*result = error;
	return VNL_DONE;
}

static enum vnl_progress vnl_take(struct vnl *nl, struct nlmsghdr *hdr,
				  vnl_fn fn, void *data, int *result)
{
	struct vnl_msg msg = { .seq = hdr->nlmsg_seq, .hdr = hdr };
	bool ours = hdr->nlmsg_seq && hdr->nlmsg_seq == nl->seq;
	int ret;

	if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE)
		return ours ? vnl_take_ack(nl, hdr, result) : VNL_MORE;
	if (hdr->nlmsg_type != nl->family || !genlmsg_valid_hdr(hdr, 0))
		return VNL_MORE;
	msg.cmd = genlmsg_hdr(hdr)->cmd;
	if (!hdr->nlmsg_seq) {
		if (nl->event)
			nl->event(nl->event_data, &msg);
		return VNL_MORE;
	}
	if (ours && fn && !*result) {
		ret = fn(data, &msg);
		if (ret)
			*result = ret;
	}
	return VNL_MORE;
}

/* Takes one datagram: VNL_*, or -EAGAIN, -ENOBUFS, ... */
static int vnl_recv(struct vnl *nl, vnl_fn fn, void *data, int *result)
{
	enum vnl_progress progress = VNL_MORE;
	unsigned char *buf = NULL;
	struct sockaddr_nl from;
	struct nlmsghdr *hdr;
	int len;

	len = nl_recv(nl->sk, &from, &buf, NULL);
	if (len == -NLE_AGAIN || len == 0)
		return -EAGAIN;
	if (len < 0)
		return len == -NLE_NOMEM ? -ENOBUFS : -EIO;

	/* Only the kernel may speak here. */
	if (!from.nl_pid)
		for (hdr = (struct nlmsghdr *)buf; nlmsg_ok(hdr, len);
		     hdr = nlmsg_next(hdr, &len))
			if (vnl_take(nl, hdr, fn, data, result) == VNL_DONE)
				progress = VNL_DONE;
	free(buf);
	return progress;
}

int vnl_call(struct vnl *nl, struct nl_msg *msg, vnl_fn fn, void *data)
{
	int ret, result = 0;

	nl->error[0] = '\0';
	ret = nl_send_auto(nl->sk, msg);
	nlmsg_free(msg);
	if (ret < 0)
		return ret == -NLE_MSGSIZE ? -EMSGSIZE : -EIO;
	do {
		ret = vnl_recv(nl, fn, data, &result);
		/* Doorbells were lost: the caller's event loop sees to it. */
		if (ret == -ENOBUFS && nl->event)
			nl->event(nl->event_data, NULL);
	} while (ret == VNL_MORE || ret == -ENOBUFS);
	if (ret == VNL_DONE)
		return result;
	return ret == -EAGAIN ? -ENOBUFS : ret;
}

int vnl_events(struct vnl *nl)
{
	int ret, result = 0, lost = 0;

	do {
		ret = vnl_recv(nl, NULL, NULL, &result);
		if (ret == -ENOBUFS)
			lost = -ENOBUFS;
	} while (ret == VNL_MORE || ret == VNL_DONE || ret == -ENOBUFS);
	return ret == -EAGAIN ? lost : ret;
}

const char *vnl_error(const struct vnl *nl, int error)
{
	return nl->error[0] ? nl->error : strerror(-error);
}

int vnl_parse(const struct vnl_msg *msg, struct nlattr **attrs, int max)
{
	return genlmsg_parse(msg->hdr, 0, attrs, max, NULL) ? -EBADMSG : 0;
}

static int vnl_number(struct nlattr *attr, void *val, int size)
{
	if (!attr || nla_len(attr) < size)
		return -EBADMSG;
	memcpy(val, nla_data(attr), size);
	return 0;
}

int vnl_u32(struct nlattr *attr, uint32_t *val)
{
	return vnl_number(attr, val, sizeof(*val));
}

int vnl_u64(struct nlattr *attr, uint64_t *val)
{
	return vnl_number(attr, val, sizeof(*val));
}
