// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the family, and notifications from it.
 *
 * libnl resolves the family, builds messages and receives datagrams. This file
 * reads the messages in a datagram itself, for two reasons: replies and
 * notifications arrive mixed on the socket of an owner, and libnl does not
 * return the error text of the kernel.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sock.h"

/*
 * Large enough for the largest description of a device, which is one request.
 */
#define SNDBUF (4 << 20)
/* Large enough for notifications of some hundred devices at once. */
#define RCVBUF (4 << 20)

/* The limit of the kernel. */
#define MAX_ERRNO 4095

/* For the attributes of a request: an endpoint, and 1 KiB for all others. */
#define DEFAULT_SIZE (VUSER_ENDPOINT_MAX + 1024)

/* Whether a received message completes the reply to a request. */
enum progress {
	MORE,
	DONE,
};

static void set_options(int fd)
{
	int one = 1, snd = SNDBUF, rcv = RCVBUF;

	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));

	/*
	 * Without privileges the limit of the system applies, which is large
	 * enough.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &snd, sizeof(snd)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &snd, sizeof(snd));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof(rcv)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof(rcv));
}

/* The kernel has the family in the initial network namespace only. */
static const char *why_no_family(void)
{
	if (!access("/sys/module/vuser", F_OK))
		return "devices can only be managed in the host's network namespace: run nsenter -n -t 1";
	return "the kernel module is not loaded: run modprobe vuser";
}

int vnl_sock_open(struct vnl_sock *nl)
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
		snprintf(nl->error, sizeof(nl->error), "%s", why_no_family());
		ret = -ENOENT;
		goto err_free;
	}
	set_options(vnl_sock_fd(nl));
	nl_socket_set_nonblocking(nl->sk);
	return 0;

err_free:
	nl_socket_free(nl->sk);
	nl->sk = NULL;
	return ret;
}

void vnl_sock_close(struct vnl_sock *nl)
{
	if (nl->sk)
		nl_socket_free(nl->sk);
	nl->sk = NULL;
}

int vnl_sock_fd(const struct vnl_sock *nl)
{
	return nl_socket_get_fd(nl->sk);
}

uint32_t vnl_sock_port(const struct vnl_sock *nl)
{
	return nl_socket_get_local_port(nl->sk);
}

int vnl_sock_join(struct vnl_sock *nl)
{
	struct nl_sock *ctrl;
	int group = -NLE_NOMEM;

	/*
	 * Use another socket: libnl needs a blocking socket for this, and @nl
	 * does not block.
	 */
	ctrl = nl_socket_alloc();
	if (ctrl && !genl_connect(ctrl))
		group = genl_ctrl_resolve_grp(ctrl, VUSER_FAMILY_NAME,
					      VUSER_MCGRP_DEVICES);
	nl_socket_free(ctrl);
	if (group < 0)
		return group == -NLE_OBJ_NOTFOUND ? -ENOENT : -EIO;
	return nl_socket_add_membership(nl->sk, group) ? -errno : 0;
}

struct nl_msg *vnl_sock_request(struct vnl_sock *nl, uint8_t cmd, int flags,
				size_t size)
{
	struct nl_msg *msg;

	msg = nlmsg_alloc_size((size ?: DEFAULT_SIZE) + NLMSG_HDRLEN +
			       GENL_HDRLEN);
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

/* Keep the text that the kernel sent with an error, or with a success. */
static void take_text(struct vnl_sock *nl, struct nlmsghdr *hdr)
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

static enum progress take_ack(struct vnl_sock *nl, struct nlmsghdr *hdr,
			      int *result)
{
	int error = 0;

	if (nlmsg_datalen(hdr) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(hdr), sizeof(error));
	if (error > 0 || error < -MAX_ERRNO)
		error = -EBADMSG;
	if (hdr->nlmsg_type == NLMSG_ERROR)
		take_text(nl, hdr);
	if (!*result)
		*result = error;
	return DONE;
}

static enum progress take_message(struct vnl_sock *nl, struct nlmsghdr *hdr,
				  vnl_sock_fn fn, void *data, int *result)
{
	struct vnl_msg msg = { .seq = hdr->nlmsg_seq, .hdr = hdr };
	bool ours = hdr->nlmsg_seq && hdr->nlmsg_seq == nl->seq;
	int ret;

	if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE)
		return ours ? take_ack(nl, hdr, result) : MORE;
	if (hdr->nlmsg_type != nl->family || !genlmsg_valid_hdr(hdr, 0))
		return MORE;
	msg.cmd = genlmsg_hdr(hdr)->cmd;
	if (!hdr->nlmsg_seq) {
		if (nl->notify)
			nl->notify(nl->notify_data, &msg);
		return MORE;
	}
	if (ours && fn && !*result) {
		ret = fn(data, &msg);
		if (ret)
			*result = ret;
	}
	return MORE;
}

/* Receive one datagram: MORE or DONE, or -EAGAIN, -ENOBUFS, ... */
static int receive(struct vnl_sock *nl, vnl_sock_fn fn, void *data, int *result)
{
	enum progress progress = MORE;
	unsigned char *buf = NULL;
	struct sockaddr_nl from;
	struct nlmsghdr *hdr;
	int len;

	len = nl_recv(nl->sk, &from, &buf, NULL);
	if (len == -NLE_AGAIN || len == 0)
		return -EAGAIN;
	if (len < 0)
		return len == -NLE_NOMEM ? -ENOBUFS : -EIO;

	/* Ignore messages that are not from the kernel. */
	if (!from.nl_pid)
		for (hdr = (struct nlmsghdr *)buf; nlmsg_ok(hdr, len);
		     hdr = nlmsg_next(hdr, &len))
			if (take_message(nl, hdr, fn, data, result) == DONE)
				progress = DONE;
	free(buf);
	return progress;
}

int vnl_sock_call(struct vnl_sock *nl, struct nl_msg *msg, vnl_sock_fn fn,
		  void *data)
{
	int ret, result = 0;

	nl->error[0] = '\0';
	ret = nl_send_auto(nl->sk, msg);
	nlmsg_free(msg);
	if (ret < 0)
		return ret == -NLE_MSGSIZE ? -EMSGSIZE : -EIO;
	do {
		ret = receive(nl, fn, data, &result);
		/*
		 * Notifications were lost. The caller handles this in its event
		 * loop.
		 */
		if (ret == -ENOBUFS && nl->notify)
			nl->notify(nl->notify_data, NULL);
	} while (ret == MORE || ret == -ENOBUFS);
	if (ret == DONE)
		return result;
	return ret == -EAGAIN ? -ENOBUFS : ret;
}

int vnl_sock_notifications(struct vnl_sock *nl)
{
	int ret, result = 0, lost = 0;

	do {
		ret = receive(nl, NULL, NULL, &result);
		if (ret == -ENOBUFS)
			lost = -ENOBUFS;
	} while (ret == MORE || ret == DONE || ret == -ENOBUFS);
	return ret == -EAGAIN ? lost : ret;
}

const char *vnl_sock_error(const struct vnl_sock *nl, int error)
{
	return nl->error[0] ? nl->error : strerror(-error);
}
