// SPDX-License-Identifier: GPL-2.0
/*
 * The transfer of the back end's state. It blocks, as requests to the back end
 * do, but not longer than they do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transfer.h"

/* Wait for @events, for an error, or until the other side closes. */
static int wait_for(const struct vhost_transfer *t, short events)
{
	struct pollfd pfd = { .fd = t->fd, .events = events };

	return t->wait(t->ctx, &pfd);
}

/* A time limit works only with pipes and sockets. */
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
 * vhost_transfer_start - have the back end save or load its state
 * @t: no transfer is in progress; @t->wait is set
 * @b: the back end, whose rings are stopped
 * @direction: VHOST_USER_STATE_SAVE or VHOST_USER_STATE_LOAD
 * @why: after an error: the reason as text
 *
 * Return: 0; the error of the request to the back end; or -EPROTO if the back
 * end sends a file that is neither a pipe nor a socket.
 */
int vhost_transfer_start(struct vhost_transfer *t, struct vhost_backend *b,
			 uint32_t direction, const char **why)
{
	bool save = direction == VHOST_USER_STATE_SAVE;
	int pair[2], other = -1, ret;

	*why = "cannot create a pipe";
	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	ret = vhost_backend_set_device_state_fd(
		b, direction, VHOST_USER_PHASE_STOPPED, pair[save], &other);
	*why = vhost_backend_error(b);
	close(pair[save]);
	t->fd = pair[!save];
	/* The back end may send another file, which then replaces the pipe. */
	if (other >= 0) {
		close(t->fd);
		t->fd = other;
	}
	if (!ret && !can_be_waited_for(t->fd)) {
		*why = "its file is neither a pipe nor a socket";
		ret = -EPROTO;
	}
	if (ret)
		vhost_transfer_abort(t);
	return ret;
}

/**
 * vhost_transfer_read - read a part of the state
 * @t: started with VHOST_USER_STATE_SAVE
 * @buf: result
 * @len: of @buf
 *
 * Return: the number of bytes, 0 at the end; the error of @t->wait; or an errno of
 * read(2).
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
 * vhost_transfer_write - write a part of the state
 * @t: started with VHOST_USER_STATE_LOAD
 * @buf: the bytes
 * @len: of @buf
 *
 * The process must ignore SIGPIPE.
 *
 * Return: 0 when all bytes are written; the error of @t->wait; or an errno of write(2).
 * EPIPE means that the back end has rejected the state.
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

/**
 * vhost_transfer_finish - end the transfer; 0 if the back end confirms that it
 * was complete, or the error of the request to it
 */
int vhost_transfer_finish(struct vhost_transfer *t, struct vhost_backend *b)
{
	vhost_transfer_abort(t);
	return vhost_backend_check_device_state(b);
}

/** vhost_transfer_abort - end the transfer, if one is in progress */
void vhost_transfer_abort(struct vhost_transfer *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
