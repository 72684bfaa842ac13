/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket to the generic netlink family "vuser": requests and notifications.
 *
 * Unless stated otherwise, functions return 0 or a negative errno.  After a
 * request, the errno is that of the kernel, and vnl_sock_error() has the text.
 */
#ifndef VNL_SOCK_H
#define VNL_SOCK_H

#include <linux/vuser.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

/* Called for a message.  For a reply: 0, or an errno that becomes the result. */
typedef int (*vnl_sock_fn)(void *data, const struct vnl_msg *msg);

/**
 * struct vnl_sock - a socket to the family
 * @sk: socket of libnl, non-blocking
 * @family: number of the family
 * @seq: sequence number of the last request
 * @notify: called for each notification; with a NULL message when notifications were
 *          lost
 * @notify_data: for @notify
 * @error: text that the kernel sent with the error of the last request
 */
struct vnl_sock {
	struct nl_sock *sk;
	int family;
	uint32_t seq;
	vnl_sock_fn notify;
	void *notify_data;
	char error[256];
};

/**
 * vnl_sock_open - connect to the family
 * @nl: filled in; to be closed only on success
 *
 * Return: 0; -ENOENT if the kernel module is not loaded; or another errno.
 */
int vnl_sock_open(struct vnl_sock *nl);

/*
 * Close a socket. Does nothing if the socket is closed, or zeroed and never opened.
 */
void vnl_sock_close(struct vnl_sock *nl);

/* The file descriptor to poll for notifications. */
int vnl_sock_fd(const struct vnl_sock *nl);

/* The netlink port, by which the kernel knows the owner of a device. */
uint32_t vnl_sock_port(const struct vnl_sock *nl);

/*
 * Join the multicast group of the family, which receives the notifications of
 * devices.
 */
int vnl_sock_join(struct vnl_sock *nl);

/**
 * vnl_sock_request - begin a request
 * @nl: the socket
 * @cmd: VUSER_CMD_*
 * @flags: NLM_F_DUMP or 0
 * @size: of the attributes in bytes; 0: enough for each request except dev-attach
 *
 * Return: the message, which vnl_sock_call() frees; NULL without memory.
 */
struct nl_msg *vnl_sock_request(struct vnl_sock *nl, uint8_t cmd, int flags,
				size_t size);

/**
 * vnl_sock_call - send a request and process its reply
 * @nl: the socket
 * @msg: from vnl_sock_request(); freed
 * @fn: called for each message of the reply, may be NULL
 * @data: for @fn
 *
 * The kernel has replied by the time that sending returns, so this function never
 * waits. Notifications that arrive before the reply are passed to @nl->notify.
 *
 * Return: 0; the error of the kernel or of @fn; -ENOBUFS if the reply was lost.
 */
int vnl_sock_call(struct vnl_sock *nl, struct nl_msg *msg, vnl_sock_fn fn,
		  void *data);

/**
 * vnl_sock_notifications - pass all notifications that have arrived to @nl->notify
 * @nl: the socket
 *
 * Return: 0 when no notification is left; -ENOBUFS if notifications were lost.
 */
int vnl_sock_notifications(struct vnl_sock *nl);

/* The text of @error, which vnl_sock_call() returned.  Never empty. */
const char *vnl_sock_error(const struct vnl_sock *nl, int error);

#endif /* VNL_SOCK_H */
