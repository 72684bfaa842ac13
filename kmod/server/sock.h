/* SPDX-License-Identifier: GPL-2.0 */
/* One socket to the server: sends messages, and waits for room to send. */
#ifndef VUSER_SOCK_H
#define VUSER_SOCK_H

#include <linux/ktime.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <net/af_unix.h>

struct msghdr;
struct socket;
struct vuser_sock;

/**
 * enum vuser_tx - how much of the socket's send buffer a message may use
 * @VUSER_TX_POSTED: half of the send buffer, for posted writes.  The other half
 *	stays free for commands and for replies, so that a server that waits for
 *	a reply is never blocked by the consumer's stores
 * @VUSER_TX_ALL: the whole send buffer
 */
enum vuser_tx {
	VUSER_TX_POSTED,
	VUSER_TX_ALL,
};

/* The number of files in unread messages of a socket. */
static inline int vuser_sock_nr_files(struct sock *sk)
{
	return atomic_read(&unix_sk(sk)->scm_stat.nr_fds);
}

int vuser_sock_take_all(struct socket *sock, struct socket *twin);
void vuser_sock_init(struct vuser_sock *vsk);
int vuser_sock_start(struct vuser_sock *vsk);
void vuser_sock_stop(struct vuser_sock *vsk);
bool vuser_sock_readable(struct vuser_sock *vsk);
bool vuser_sock_has_room(struct vuser_sock *vsk);
int vuser_sock_try_send(struct vuser_sock *vsk, struct msghdr *msg,
			struct kvec *vec, size_t nr, size_t len,
			enum vuser_tx tx);
int vuser_sock_send_now(struct vuser_sock *vsk, struct msghdr *msg,
			struct kvec *vec);
int vuser_sock_send(struct vuser_sock *vsk, struct kvec *vec, size_t nr,
		    size_t len, enum vuser_tx tx, ktime_t deadline,
		    bool killable);
int vuser_sock_reply(struct vuser_sock *vsk, struct kvec *vec, size_t nr,
		     size_t len);

#endif /* VUSER_SOCK_H */
