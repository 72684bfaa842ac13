// SPDX-License-Identifier: GPL-2.0
/*
 * The back-end's own state.  Like a request it is waited for, but not for ever
 * without a byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "transfer.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Until @events, an error or the end of the other side. */
static int wait_for(const struct vhost_transfer *t, short events)
{
	const int64_t deadline = now_ms() + t->timeout_ms;
	struct pollfd pfd = { .fd = t->fd, .events = events };
	int64_t left;
	int ret;

	do {
		left = deadline - now_ms();
		ret = poll(&pfd, 1, left > 0 ? left : 0);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	return ret ? 0 : -ETIMEDOUT;
}

/* Of any other file nobody knows how long a read takes. */
static bool can_be_waited_for(int fd)
{
	struct stat st;
	int flags;

	if (fstat(fd, &st) || (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		return false;
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && !fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/**
 * vhost_transfer_start - ask the back-end for its state, or to take one
 * @t: nothing is on its way; @t->timeout_ms is set
 * @b: the back-end, whose rings are stopped
 * @direction: VHOST_USER_STATE_SAVE or VHOST_USER_STATE_LOAD
 * @why: what went wrong, for a person
 *
 * Return: 0, or as a request of the back-end; -EPROTO when it wants to use a
 * file that is neither pipe nor socket.
 */
int vhost_transfer_start(struct vhost_transfer *t, struct vhost_backend *b,
			 uint32_t direction, const char **why)
{
	bool save = direction == VHOST_USER_STATE_SAVE;
	int pair[2], other = -1, ret;

	*why = "no pipe";
	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	ret = vhost_backend_set_device_state_fd(
		b, direction, VHOST_USER_PHASE_STOPPED, pair[save], &other);
	*why = vhost_backend_error(b);
	close(pair[save]);
	t->fd = pair[!save];
	/* It may have a better one. */
	if (other >= 0) {
		close(t->fd);
		t->fd = other;
	}
	if (!ret && !can_be_waited_for(t->fd)) {
		*why = "its file is neither pipe nor socket";
		ret = -EPROTO;
	}
	if (ret)
		vhost_transfer_abort(t);
	return ret;
}

/**
 * vhost_transfer_read - some of the state
 * @t: started to save
 * @buf: result
 * @len: of @buf
 *
 * Return: how much came, 0: that was all; -ETIMEDOUT; an errno of read(2).
 */
ssize_t vhost_transfer_read(struct vhost_transfer *t, void *buf, size_t len)
{
	ssize_t got;
	int ret;

	for (;;) {
		got = read(t->fd, buf, len);
		if (got >= 0)
			return got;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		ret = wait_for(t, POLLIN);
		if (ret)
			return ret;
	}
}

/**
 * vhost_transfer_write - some of the state
 * @t: started to load
 * @buf: the bytes
 * @len: of @buf
 *
 * SIGPIPE is ignored in this process.
 *
 * Return: 0 when all was written; -ETIMEDOUT; an errno of write(2), of which
 * EPIPE says that the back-end does not want more.
 */
int vhost_transfer_write(struct vhost_transfer *t, const void *buf, size_t len)
{
	const char *in = buf;
	ssize_t done;
	int ret;

	while (len) {
		done = write(t->fd, in, len);
		if (done > 0) {
			in += done;
			len -= done;
			continue;
		}
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno != EAGAIN)
			return -errno;
		ret = wait_for(t, POLLOUT);
		if (ret)
			return ret;
	}
	return 0;
}

/** vhost_transfer_finish - that was all: 0 when the back-end thinks so, too, or
 * as a request of it
 */
int vhost_transfer_finish(struct vhost_transfer *t, struct vhost_backend *b)
{
	vhost_transfer_abort(t);
	return vhost_backend_check_device_state(b);
}

/** vhost_transfer_abort - nothing is on its way any more; if anything was */
void vhost_transfer_abort(struct vhost_transfer *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
