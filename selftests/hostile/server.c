// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "server.h"
#include "trick.h"

void close_fds(struct message *msg)
{
	unsigned int i;

	for (i = 0; i < msg->nr_fds; i++)
		close(msg->fds[i]);
	msg->nr_fds = 0;
}

static void take_fds(struct message *msg, struct msghdr *mh)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(mh); cmsg; cmsg = CMSG_NXTHDR(mh, cmsg)) {
		size_t len = cmsg->cmsg_len - CMSG_LEN(0);

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(msg->fds, CMSG_DATA(cmsg), len);
		msg->nr_fds = len / sizeof(int);
	}
}

static int recv_header(int fd, struct message *msg)
{
	char control[CMSG_SPACE(HOSTILE_MAX_FDS * sizeof(int))];
	struct iovec iov = { &msg->hdr, sizeof(msg->hdr) };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(fd, &mh, MSG_WAITALL | MSG_CMSG_CLOEXEC);

	if (len < 0)
		return -errno;
	take_fds(msg, &mh);
	return len == sizeof(msg->hdr) ? 0 : -ECONNRESET;
}

int server_recv(struct server *s, struct message *msg)
{
	int ret;

	msg->nr_fds = 0;
	msg->len = 0;
	ret = recv_header(s->conn, msg);
	if (ret)
		return ret;
	if (msg->hdr.msg_size < sizeof(msg->hdr) ||
	    msg->hdr.msg_size - sizeof(msg->hdr) > sizeof(msg->data))
		return -EPROTO;
	msg->len = msg->hdr.msg_size - sizeof(msg->hdr);
	if (msg->len && recv(s->conn, msg->data, msg->len, MSG_WAITALL) !=
				(ssize_t)msg->len)
		return -ECONNRESET;
	return 0;
}

int server_send(struct server *s, const void *buf, size_t len, const int *fds,
		unsigned int nr_fds)
{
	union {
		char room[CMSG_SPACE(HOSTILE_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { (void *)buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (nr_fds) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, nr_fds * sizeof(int));
	}
	while (iov.iov_len) {
		sent = sendmsg(s->conn, &mh, MSG_NOSIGNAL);
		/* A socket that refuses descriptors fails with EPERM. */
		if (sent < 0 && errno == EPERM && mh.msg_controllen) {
			mh.msg_controllen = 0;
			continue;
		}
		if (sent < 0)
			return -errno;
		iov.iov_base = (char *)iov.iov_base + sent;
		iov.iov_len -= sent;
		mh.msg_controllen = 0;
	}
	return 0;
}

int server_send_message(struct server *s, struct message *msg)
{
	msg->hdr.msg_size = sizeof(msg->hdr) + msg->len;
	return server_send(s, msg, msg->hdr.msg_size, msg->fds, msg->nr_fds);
}

void server_command(struct message *msg, uint16_t id, uint16_t command,
		    const void *data, size_t len)
{
	msg->hdr = (struct vfio_user_header) {
		.msg_id = id,
		.command = command,
	};
	msg->nr_fds = 0;
	msg->len = len;
	memcpy(msg->data, data, len);
}

static bool is_reply(const struct message *msg)
{
	return (msg->hdr.flags & VFIO_USER_FLAGS_TYPE_MASK) ==
	       VFIO_USER_FLAGS_TYPE_REPLY;
}

static void count(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->cmd.hdr.command <= VFIO_USER_COMMAND_MAX)
		s->counts[s->cmd.hdr.command]++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Returns the trick to play on this command, or NULL. */
static const struct trick *trick_for_cmd(struct server *s)
{
	const struct trick *trick;

	pthread_mutex_lock(&s->lock);
	trick = s->trick;
	if (trick && (s->cmd.hdr.command != s->target.command ||
		      (s->target.match && !s->target.match(&s->cmd))))
		trick = NULL;
	if (trick)
		s->trick = NULL;
	pthread_mutex_unlock(&s->lock);
	return trick;
}

/* Replies to @s->cmd. */
static enum next answer(struct server *s)
{
	const struct trick *trick = trick_for_cmd(s);
	enum next next = NEXT_SERVE;
	bool wanted = good_reply(s);

	close_fds(&s->cmd);
	if (trick)
		next = trick->fn(s, trick);
	else if (wanted && server_send_message(s, &s->reply))
		next = NEXT_HANG_UP;
	s->last_id = s->cmd.hdr.msg_id;
	close_fds(&s->reply);
	count(s);
	return next;
}

int server_reply_to(struct server *s, uint16_t id)
{
	int ret;

	for (;;) {
		ret = server_recv(s, &s->cmd);
		if (ret)
			return ret;
		if (!is_reply(&s->cmd)) {
			if (good_reply(s))
				ret = server_send_message(s, &s->reply);
			close_fds(&s->reply);
			close_fds(&s->cmd);
			count(s);
			if (ret)
				return ret;
			continue;
		}
		close_fds(&s->cmd);
		if (s->cmd.hdr.msg_id != id)
			return -EBADMSG;
		if (s->cmd.hdr.flags & VFIO_USER_FLAGS_ERROR)
			return s->cmd.hdr.error_no ?: EPROTO;
		return 0;
	}
}

static void discard_all(struct server *s)
{
	struct message msg;

	while (!server_recv(s, &msg))
		close_fds(&msg);
}

static void wait_end(struct server *s)
{
	struct pollfd pfd = { .fd = s->conn };

	poll(&pfd, 1, -1);
}

static void serve(struct server *s)
{
	enum next next = NEXT_SERVE;

	while (next == NEXT_SERVE && !server_recv(s, &s->cmd)) {
		if (is_reply(&s->cmd)) {
			close_fds(&s->cmd);
			continue;
		}
		next = answer(s);
	}
	if (next == NEXT_SILENT)
		discard_all(s);
	else if (next == NEXT_DEAF)
		wait_end(s);
}

static void *run(void *arg)
{
	struct server *s = arg;
	int fd;

	for (;;) {
		while (sem_wait(&s->go))
			;
		if (s->stop)
			return NULL;
		fd = accept(s->listener, NULL, NULL);
		if (fd < 0)
			continue;
		s->conn = fd;
		/* An ID that the client does not use next. */
		s->last_id = 0x7f7f;
		serve(s);
		pthread_mutex_lock(&s->lock);
		s->conn = -1;
		close(fd);
		pthread_mutex_unlock(&s->lock);
		if (s->twin_fd >= 0)
			close(s->twin_fd);
		s->twin_fd = -1;
	}
}

static void drop(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->conn >= 0)
		shutdown(s->conn, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	if (s->listener >= 0) {
		shutdown(s->listener, SHUT_RDWR);
		close(s->listener);
		unlink(s->path);
	}
	s->listener = -1;
}

int server_next(struct server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	static atomic_uint nr_paths;
	int fd;

	drop(s);
	/* A trick may have truncated the file of the shared area. */
	if (ftruncate(s->area_fd, HOSTILE_AREA_SIZE))
		return -errno;
	snprintf(s->path, sizeof(s->path), "/run/hostile-%d-%u", getpid(),
		 atomic_fetch_add(&nr_paths, 1));
	strcpy(addr.sun_path, s->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8)) {
		close(fd);
		return -errno;
	}
	s->listener = fd;
	sem_post(&s->go);
	return 0;
}

int server_start(struct server *s)
{
	memset(s, 0, sizeof(*s));
	s->listener = -1;
	s->conn = -1;
	s->twin_fd = -1;
	s->area_fd = memfd_create("hostile", MFD_CLOEXEC);
	if (s->area_fd < 0 || ftruncate(s->area_fd, HOSTILE_AREA_SIZE))
		return -errno;
	sem_init(&s->go, 0, 0);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	return -pthread_create(&s->thread, NULL, run, s);
}

void server_stop(struct server *s)
{
	s->stop = true;
	drop(s);
	sem_post(&s->go);
	pthread_join(s->thread, NULL);
	close(s->area_fd);
}

void server_arm(struct server *s, const struct trick *trick,
		const struct target *target)
{
	pthread_mutex_lock(&s->lock);
	s->trick = trick;
	s->target = *target;
	s->failed[0] = '\0';
	pthread_mutex_unlock(&s->lock);
}

bool server_disarm(struct server *s)
{
	bool played;

	pthread_mutex_lock(&s->lock);
	played = !s->trick;
	s->trick = NULL;
	pthread_mutex_unlock(&s->lock);
	return played;
}

unsigned long server_count(struct server *s, uint16_t command)
{
	unsigned long nr;

	pthread_mutex_lock(&s->lock);
	nr = s->counts[command];
	pthread_mutex_unlock(&s->lock);
	return nr;
}

int server_wait(struct server *s, uint16_t command, unsigned long nr, int ms)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	pthread_mutex_lock(&s->lock);
	while (!ret && s->counts[command] < nr)
		ret = -pthread_cond_timedwait(&s->changed, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	return ret;
}
