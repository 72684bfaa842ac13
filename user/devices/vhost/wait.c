// SPDX-License-Identifier: GPL-2.0
/*
 * Each device has a thread, and only this thread waits for the back end. So a back end
 * that does not reply delays no other device. All requests for one command of the
 * client share one time limit, so that the client gets its reply in time.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "timeout.h"
#include "wait.h"

/* Time that a back end has for all its replies when the process is to end. */
#define END_MS 1000

/*
 * Time that an attempt to connect again, which no command started, may delay a command
 * of the client.
 */
#define RETRY_MS 100

/* Maximum number of file descriptors of the caller. */
#define FDS_MAX 2

/* The process is to end when this file is readable. */
static int stop_fd = -1;

/**
 * vhost_wait_stop_fd - set the eventfd that shortens all waits, because the process is
 * to end
 * @fd: the eventfd, or -1
 *
 * Call this function before the first thread starts.
 */
void vhost_wait_stop_fd(int fd)
{
	stop_fd = fd;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static uint64_t iteration_of(const struct vhost_device *dev)
{
	uint64_t iteration = 0;

	if (dev->event)
		sd_event_get_iteration(dev->event, &iteration);
	return iteration;
}

/**
 * vhost_wait_begin - start the time limit for requests to the back end
 * @dev: device. A command of the client is about to be served. During vhost_wait()
 *	nothing is done: such accesses need no request.
 *
 * Events do not need this function: the event loop handles one in each iteration, and the
 * first wait in an iteration starts the limit.
 */
void vhost_wait_begin(struct vhost_device *dev)
{
	if (dev->wait.serving)
		return;
	dev->wait.iteration = iteration_of(dev);
	dev->wait.begin = now_ms();
	dev->wait.deadline = 0;
	dev->wait.hurried = false;
}

/* The process is to end: shorten this wait and the next ones of the command. */
static void hurry(struct vhost_device *dev)
{
	int64_t soon = now_ms() + END_MS;

	dev->wait.hurried = true;
	if (dev->wait.deadline > soon)
		dev->wait.deadline = soon;
}

/**
 * struct files - what vhost_wait() waits for
 * @all: the file descriptors of the caller, followed by the other two
 * @client: the socket of the client, in @all
 * @stop: @stop_fd, in @all
 * @nr: number of file descriptors of the caller
 * @left: commands of the client are left until this wait ends
 */
struct files {
	struct pollfd all[FDS_MAX + 2];
	struct pollfd *client;
	struct pollfd *stop;
	unsigned int nr;
	bool left;
};

static void collect(const struct vhost_device *dev, struct files *f,
		    const struct pollfd *fds, unsigned int nr)
{
	int client = dev->server ? vuser_server_client_fd(dev->server) : -1;
	int stop = dev->wait.hurried ? -1 : stop_fd;

	memcpy(f->all, fds, nr * sizeof(*fds));
	f->client = &f->all[nr];
	f->stop = &f->all[nr + 1];
	*f->client = (struct pollfd) { .fd = client, .events = POLLIN };
	*f->stop = (struct pollfd) { .fd = stop, .events = POLLIN };
	f->nr = nr;
	f->left = false;
}

static bool caller_ready(const struct files *f)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++)
		if (f->all[i].revents)
			return true;
	return false;
}

static void serve_client(struct vhost_device *dev, struct files *f)
{
	int ret;

	dev->wait.serving = true;
	ret = vuser_server_process_accesses(dev->server);
	dev->wait.serving = false;
	f->left = ret;
	if (ret < 0)
		f->client->fd = -1;
}

/* The time to wait in ms, 0 or less: it is over. */
static int64_t limit(const struct vhost_device *dev, const struct files *f,
		     int64_t deadline)
{
	/* An attempt to connect again must not delay commands. */
	if (f->left && dev->conn.retrying &&
	    dev->wait.begin + RETRY_MS < deadline)
		deadline = dev->wait.begin + RETRY_MS;
	if (dev->wait.deadline < deadline)
		deadline = dev->wait.deadline;
	return deadline - now_ms();
}

/* Wait once; 1 when a file of the caller is ready, 0 to wait again, or -errno. */
static int wait_once(struct vhost_device *dev, struct files *f,
		     int64_t deadline)
{
	int64_t left = limit(dev, f, deadline);
	int ret;

	if (left <= 0)
		return -ETIMEDOUT;
	ret = poll(f->all, f->nr + 2, left);
	if (ret < 0)
		return errno == EINTR ? 0 : -errno;
	if (caller_ready(f))
		return 1;
	if (f->stop->revents) {
		hurry(dev);
		f->stop->fd = -1;
	}
	if (f->client->revents)
		serve_client(dev, f);
	return 0;
}

/* Wait until one of the files of @f is ready or @deadline has come; as vhost_wait(). */
static int wait_files(struct vhost_device *dev, struct files *f,
		      const struct pollfd *fds, unsigned int nr,
		      int64_t deadline)
{
	int ret;

	if (dev->wait.iteration != iteration_of(dev))
		vhost_wait_begin(dev);
	/* Most commands do not wait, and need not read the attributes. */
	if (!dev->wait.deadline)
		dev->wait.deadline =
			dev->wait.begin + vhost_timeout_ms(&dev->options);
	collect(dev, f, fds, nr);
	do {
		ret = wait_once(dev, f, deadline);
	} while (!ret);
	return ret < 0 ? ret : 0;
}

/**
 * vhost_wait - wait for the back end, and serve the client meanwhile
 * @dev: device
 * @fds: as for poll(2); @revents is set
 * @nr: entries of @fds, 2 at most
 * @timeout_ms: the maximum time to wait; the time limit of vhost_wait_begin() may end
 *	before
 *
 * Return: 0 when one of @fds is ready; -ETIMEDOUT; or an errno of poll(2).
 */
int vhost_wait(struct vhost_device *dev, struct pollfd *fds, unsigned int nr,
	       int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
	struct files f;
	int ret;

	if (nr > FDS_MAX)
		return -EINVAL;
	ret = wait_files(dev, &f, fds, nr, deadline);
	if (!ret)
		memcpy(fds, f.all, nr * sizeof(*fds));
	return ret;
}

/**
 * vhost_wait_moment - wait for something at the back end that gives no event, and serve the
 *	client meanwhile
 * @dev: device
 * @fds: as for poll(2); @revents is set
 * @nr: entries of @fds, 2 at most
 * @ms: time until the caller looks again
 *
 * Return: 0 after this time; 1 when one of @fds is ready; -ETIMEDOUT when three quarters of
 * the time limit of vhost_wait_begin() have passed, so that the rest of the command has time;
 * or an errno of poll(2).
 */
int vhost_wait_moment(struct vhost_device *dev, struct pollfd *fds,
		      unsigned int nr, int ms)
{
	int64_t rest;
	struct files f;
	int ret;

	if (nr > FDS_MAX)
		return -EINVAL;
	ret = wait_files(dev, &f, fds, nr, now_ms() + ms);
	if (!ret) {
		memcpy(fds, f.all, nr * sizeof(*fds));
		return 1;
	}
	rest = (dev->wait.deadline - dev->wait.begin) / 4;
	if (ret == -ETIMEDOUT && limit(dev, &f, INT64_MAX) > rest)
		return 0;
	return ret;
}

/**
 * vhost_wait_first - wait without a limit for the first back end that connects
 * @dev: device without clients
 * @fd: for poll(2)
 *
 * Return: 0 when @fd is ready, and the time limit for requests starts; -ECANCELED when
 * the process is to end; or an errno of poll(2).
 */
int vhost_wait_first(struct vhost_device *dev, struct pollfd *fd)
{
	struct pollfd fds[2] = { *fd, { .fd = stop_fd, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (fds[1].revents)
		return -ECANCELED;
	vhost_wait_begin(dev);
	return 0;
}
