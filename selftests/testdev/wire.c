// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "kept.h"
#include "corrupt.h"
#include "shadow.h"
#include "wire.h"

#define LOG_SIZE 16384

/* The rule for a command and its reply. */
struct rule {
	bool hold;
	int error;
	unsigned int nr_errors;
	enum corrupt_kind corrupt;
};

struct held {
	struct held *next;
	struct vuser_msg msg;
};

struct wire {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int listen_fd;
	int connections;
	bool shadow_io_fds;
	int wake; /* eventfd: the rules have changed */
	int client; /* -1: no client */
	int server;
	struct vuser_msg from_client;
	struct vuser_msg from_server;

	struct rule rules[VFIO_USER_COMMAND_MAX + 1];
	unsigned long counts[VFIO_USER_COMMAND_MAX + 1];
	bool strip_fds;
	bool answer_posted; /* reply to posted writes */
	bool keep;
	bool release;
	struct held *held;
	struct held **held_tail;
	unsigned int nr_held;

	bool log_on;
	unsigned int nr_log;
	struct wire_access log[LOG_SIZE];

	bool raw_done;
	int raw_error;
};

static const char *const command_names[VFIO_USER_COMMAND_MAX + 1] = {
	[VFIO_USER_VERSION] = "version",
	[VFIO_USER_DMA_MAP] = "dma-map",
	[VFIO_USER_DMA_UNMAP] = "dma-unmap",
	[VFIO_USER_DEVICE_GET_INFO] = "info",
	[VFIO_USER_DEVICE_GET_REGION_INFO] = "region-info",
	[VFIO_USER_DEVICE_GET_REGION_IO_FDS] = "io-fds",
	[VFIO_USER_DEVICE_GET_IRQ_INFO] = "irq-info",
	[VFIO_USER_DEVICE_SET_IRQS] = "set-irqs",
	[VFIO_USER_REGION_READ] = "read",
	[VFIO_USER_REGION_WRITE] = "write",
	[VFIO_USER_DEVICE_RESET] = "reset",
	[VFIO_USER_REGION_WRITE_MULTI] = "write-multi",
	[VFIO_USER_DEVICE_FEATURE] = "feature",
	[VFIO_USER_MIG_DATA_READ] = "mig-read",
	[VFIO_USER_MIG_DATA_WRITE] = "mig-write",
};

int wire_command(const char *name)
{
	int i;

	for (i = 0; i <= VFIO_USER_COMMAND_MAX; i++) {
		if (command_names[i] && !strcmp(command_names[i], name))
			return i;
	}
	return -EINVAL;
}

static void wake(struct wire *w)
{
	eventfd_write(w->wake, 1);
}

static bool is_reply(const struct vfio_user_header *hdr)
{
	return (hdr->flags & VFIO_USER_FLAGS_TYPE_MASK) ==
	       VFIO_USER_FLAGS_TYPE_REPLY;
}

/* Wait with the lock held until the condition holds or @ms have passed. */
#define WAIT_FOR(w, cond, ms)                                               \
	({                                                                  \
		struct timespec until_ = deadline(ms);                      \
		int err_ = 0;                                               \
                                                                            \
		while (!(cond) && !err_)                                    \
			err_ = pthread_cond_timedwait(&(w)->changed,        \
						      &(w)->lock, &until_); \
		(cond) ? 0 : -ETIMEDOUT;                                    \
	})

static struct timespec deadline(int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000L;
	}
	return ts;
}

static int forward(int fd, struct vuser_msg *msg)
{
	struct iovec iov = { msg->payload, msg->len };

	return vuser_msg_send(fd, &msg->hdr, &iov, 1, msg->fds, msg->nr_fds,
			      -1);
}

static void log_one(struct wire *w, char dir, uint32_t region, uint64_t offset,
		    uint32_t size, const void *data)
{
	struct wire_access *acc;

	if (!w->log_on || w->nr_log == LOG_SIZE)
		return;
	acc = &w->log[w->nr_log++];
	acc->dir = dir;
	acc->region = region;
	acc->offset = offset;
	acc->size = size;
	acc->value = 0;
	if (data)
		memcpy(&acc->value, data, size < 8 ? size : 8);
}

static void log_multi(struct wire *w, const struct vuser_msg *msg, char dir)
{
	const struct vfio_user_write_multi *multi = msg->payload;
	const struct vfio_user_single_write *wr;
	uint64_t i;

	if (msg->len < sizeof(*multi))
		return;
	for (i = 0; i < multi->wr_cnt; i++) {
		wr = &multi->wrs[i];
		if ((const char *)(wr + 1) >
		    (const char *)msg->payload + msg->len)
			return;
		log_one(w, dir, wr->region, wr->offset, wr->count, wr->data);
	}
}

static void log_message(struct wire *w, const struct vuser_msg *msg)
{
	const struct vfio_user_region_access *acc = msg->payload;
	char dir = msg->hdr.flags & VFIO_USER_FLAGS_NO_REPLY ? 'p' : 'w';

	if (msg->hdr.command == VFIO_USER_REGION_WRITE_MULTI)
		log_multi(w, msg, dir);
	if (msg->len < sizeof(*acc))
		return;
	if (msg->hdr.command == VFIO_USER_REGION_READ)
		log_one(w, 'r', acc->region, acc->offset, acc->count, NULL);
	else if (msg->hdr.command == VFIO_USER_REGION_WRITE &&
		 msg->len >= sizeof(*acc) + acc->count)
		log_one(w, dir, acc->region, acc->offset, acc->count,
			acc->data);
}

/*
 * Reply to a posted write that the server has not answered, as version 0.1.3 of
 * the Rust crate vfio_user does.
 */
static int answer_posted(struct wire *w, const struct vuser_msg *msg)
{
	struct vfio_user_header hdr = {
		.msg_id = msg->hdr.msg_id,
		.command = msg->hdr.command,
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	struct iovec iov = { msg->payload,
			     sizeof(struct vfio_user_region_access) };

	if (msg->len < iov.iov_len)
		return 0;
	return vuser_msg_send(w->client, &hdr, &iov, 1, NULL, 0, -1);
}

/*
 * Reply instead of the server; to a posted command as well, as some servers do.
 * A server that answers posted writes marks all its error replies as commands.
 */
static int refuse(struct wire *w, const struct vuser_msg *msg, int error)
{
	struct vfio_user_header hdr = {
		.msg_id = msg->hdr.msg_id,
		.command = msg->hdr.command,
		.flags = VFIO_USER_FLAGS_TYPE_REPLY | VFIO_USER_FLAGS_ERROR,
		.error_no = error,
	};

	if (w->answer_posted)
		hdr.flags = VFIO_USER_FLAGS_TYPE_COMMAND |
			    VFIO_USER_FLAGS_ERROR;
	return vuser_msg_send(w->client, &hdr, NULL, 0, NULL, 0, -1);
}

static void keep_fd(const struct vuser_msg *msg)
{
	const struct vfio_user_dma_map *map = msg->payload;

	if (msg->nr_fds && msg->hdr.command == VFIO_USER_DEVICE_SET_IRQS)
		kept_set_irq(msg->fds[0]);
	else if (msg->nr_fds && msg->len >= sizeof(*map))
		kept_set(msg->fds[0], map->offset, map->size);
}

static void strip_fds(struct vuser_msg *msg)
{
	struct vfio_user_dma_map *map = msg->payload;
	uint32_t i;

	for (i = 0; i < msg->nr_fds; i++)
		close(msg->fds[i]);
	msg->nr_fds = 0;
	if (msg->len >= sizeof(*map))
		map->offset = 0;
}

/*
 * Handle a command of the client; return 0 to forward it, or an errno to refuse
 * it.
 */
static int take_command(struct wire *w, struct vuser_msg *msg)
{
	struct rule *rule = &w->rules[msg->hdr.command];
	int error = 0;

	pthread_mutex_lock(&w->lock);
	w->counts[msg->hdr.command]++;
	log_message(w, msg);
	if (rule->nr_errors) {
		rule->nr_errors--;
		error = rule->error;
	} else if (msg->hdr.command == VFIO_USER_DMA_MAP) {
		if (w->keep)
			keep_fd(msg);
		if (w->strip_fds)
			strip_fds(msg);
	} else if (msg->hdr.command == VFIO_USER_DEVICE_SET_IRQS && w->keep) {
		keep_fd(msg);
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return error;
}

static int client_message(struct wire *w, struct vuser_msg *msg)
{
	int error;

	if (is_reply(&msg->hdr)) {
		if (msg->hdr.msg_id < WIRE_RAW_ID)
			return forward(w->server, msg);
		pthread_mutex_lock(&w->lock);
		w->raw_done = true;
		w->raw_error = msg->hdr.flags & VFIO_USER_FLAGS_ERROR ?
				       msg->hdr.error_no :
				       0;
		pthread_cond_broadcast(&w->changed);
		pthread_mutex_unlock(&w->lock);
		return 0;
	}
	if (msg->hdr.command > VFIO_USER_COMMAND_MAX)
		return forward(w->server, msg);
	error = take_command(w, msg);
	if (error)
		return refuse(w, msg, error);
	if (w->answer_posted && msg->hdr.flags & VFIO_USER_FLAGS_NO_REPLY)
		error = answer_posted(w, msg);
	return error ? error : forward(w->server, msg);
}

/* Take over the message if its reply must be held. */
static bool hold_reply(struct wire *w, struct vuser_msg *msg)
{
	struct held *held;

	if (!w->rules[msg->hdr.command].hold)
		return false;
	held = calloc(1, sizeof(*held));
	if (!held)
		return false;
	held->msg = *msg;
	vuser_msg_init(msg);
	*w->held_tail = held;
	w->held_tail = &held->next;
	w->nr_held++;
	pthread_cond_broadcast(&w->changed);
	return true;
}

static int server_message(struct wire *w, struct vuser_msg *msg)
{
	enum corrupt_kind kind;
	struct rule *rule;

	if (!is_reply(&msg->hdr) || msg->hdr.command > VFIO_USER_COMMAND_MAX)
		return forward(w->client, msg);
	rule = &w->rules[msg->hdr.command];
	pthread_mutex_lock(&w->lock);
	if (hold_reply(w, msg)) {
		pthread_mutex_unlock(&w->lock);
		return 0;
	}
	kind = rule->corrupt;
	rule->corrupt = CORRUPT_NONE;
	pthread_mutex_unlock(&w->lock);
	if (kind != CORRUPT_NONE)
		return corrupt_send(w->client, msg, kind);
	if (w->shadow_io_fds && !msg->hdr.error_no &&
	    msg->hdr.command == VFIO_USER_DEVICE_GET_REGION_IO_FDS)
		return shadow_send(w->client, msg);
	return forward(w->client, msg);
}

/* Send the held replies, or drop them if there is no client. */
static int flush_held(struct wire *w)
{
	struct held *held, *next;
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	held = w->held;
	w->held = NULL;
	w->held_tail = &w->held;
	w->nr_held = 0;
	w->release = false;
	pthread_mutex_unlock(&w->lock);
	for (; held; held = next) {
		next = held->next;
		if (w->client >= 0 && !ret)
			ret = forward(w->client, &held->msg);
		vuser_msg_clear(&held->msg);
		free(held);
	}
	return ret;
}

static int pump(int fd, struct wire *w, struct vuser_msg *msg,
		int (*handle)(struct wire *, struct vuser_msg *))
{
	int ret =
		vuser_msg_recv(fd, msg, VUSER_MAX_XFER_SIZE, VUSER_MAX_MSG_FDS);

	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	ret = handle(w, msg);
	vuser_msg_clear(msg);
	return ret;
}

static void hang_up(struct wire *w)
{
	close(w->client);
	close(w->server);
	w->client = -1;
	w->server = -1;
	vuser_msg_clear(&w->from_client);
	vuser_msg_clear(&w->from_server);
	flush_held(w);
}

static void accept_client(struct wire *w)
{
	int pair[2];
	int fd =
		accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair)) {
		close(fd);
		return;
	}
	w->client = fd;
	w->server = pair[0];
	if (write(w->connections, &pair[1], sizeof(int)) != sizeof(int)) {
		close(pair[1]);
		hang_up(w);
	}
}

static void wire_poll(struct wire *w)
{
	bool idle = w->client < 0;
	struct pollfd pfds[] = {
		{ .fd = w->wake, .events = POLLIN },
		{ .fd = idle ? w->listen_fd : -1, .events = POLLIN },
		{ .fd = w->client, .events = POLLIN },
		{ .fd = w->server, .events = POLLIN },
	};
	eventfd_t count;
	int ret = 0;

	if (poll(pfds, 4, -1) <= 0)
		return;
	if (pfds[0].revents)
		eventfd_read(w->wake, &count);
	if (w->release)
		ret = flush_held(w);
	if (pfds[1].revents)
		accept_client(w);
	if (!ret && pfds[2].revents)
		ret = pump(w->client, w, &w->from_client, client_message);
	if (!ret && pfds[3].revents)
		ret = pump(w->server, w, &w->from_server, server_message);
	if (ret)
		hang_up(w);
}

static void *wire_thread(void *arg)
{
	for (;;)
		wire_poll(arg);
	return NULL;
}

int wire_start(const char *path, int connections, bool shadow_io_fds,
	       struct wire **wire)
{
	struct wire *w = calloc(1, sizeof(*w));
	pthread_t thread;
	int ret;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	vuser_msg_init(&w->from_client);
	vuser_msg_init(&w->from_server);
	w->held_tail = &w->held;
	w->log_on = true;
	w->connections = connections;
	w->shadow_io_fds = shadow_io_fds;
	w->client = -1;
	w->server = -1;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->listen_fd = vuser_sock_listen(path);
	ret = w->listen_fd < 0 ? w->listen_fd : w->wake < 0 ? -EMFILE : 0;
	if (!ret)
		ret = -pthread_create(&thread, NULL, wire_thread, w);
	if (ret) {
		free(w);
		return ret;
	}
	*wire = w;
	return 0;
}

void wire_restore(struct wire *w)
{
	pthread_mutex_lock(&w->lock);
	memset(w->rules, 0, sizeof(w->rules));
	w->strip_fds = false;
	w->answer_posted = false;
	w->keep = false;
	w->release = true;
	w->log_on = true;
	w->nr_log = 0;
	w->raw_done = false;
	pthread_mutex_unlock(&w->lock);
	wake(w);
}

void wire_log_clear(struct wire *w)
{
	pthread_mutex_lock(&w->lock);
	w->nr_log = 0;
	w->log_on = true;
	pthread_mutex_unlock(&w->lock);
}

void wire_log_stop(struct wire *w)
{
	pthread_mutex_lock(&w->lock);
	w->log_on = false;
	pthread_mutex_unlock(&w->lock);
}

unsigned int wire_log_count(struct wire *w)
{
	unsigned int nr;

	pthread_mutex_lock(&w->lock);
	nr = w->nr_log;
	pthread_mutex_unlock(&w->lock);
	return nr;
}

int wire_log_get(struct wire *w, unsigned int nr, struct wire_access *acc)
{
	int ret = -ENOENT;

	pthread_mutex_lock(&w->lock);
	if (nr < w->nr_log) {
		*acc = w->log[nr];
		ret = 0;
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

unsigned long wire_count(struct wire *w, int command)
{
	unsigned long nr;

	pthread_mutex_lock(&w->lock);
	nr = w->counts[command];
	pthread_mutex_unlock(&w->lock);
	return nr;
}

int wire_wait(struct wire *w, int command, unsigned long nr, int ms)
{
	int ret;

	pthread_mutex_lock(&w->lock);
	ret = WAIT_FOR(w, w->counts[command] >= nr, ms);
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void wire_hold(struct wire *w, int command)
{
	pthread_mutex_lock(&w->lock);
	w->rules[command].hold = true;
	pthread_mutex_unlock(&w->lock);
}

int wire_wait_held(struct wire *w, unsigned int nr, int ms)
{
	int ret;

	pthread_mutex_lock(&w->lock);
	ret = WAIT_FOR(w, w->nr_held >= nr, ms);
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void wire_release(struct wire *w)
{
	int i;

	pthread_mutex_lock(&w->lock);
	for (i = 0; i <= VFIO_USER_COMMAND_MAX; i++)
		w->rules[i].hold = false;
	w->release = true;
	pthread_mutex_unlock(&w->lock);
	wake(w);
}

void wire_fail(struct wire *w, int command, int error, unsigned int nr)
{
	pthread_mutex_lock(&w->lock);
	w->rules[command].error = error;
	w->rules[command].nr_errors = nr;
	pthread_mutex_unlock(&w->lock);
}

int wire_corrupt(struct wire *w, int command, const char *kind)
{
	enum corrupt_kind corrupt = corrupt_kind_by_name(kind);

	if (corrupt == CORRUPT_NONE)
		return -EINVAL;
	pthread_mutex_lock(&w->lock);
	w->rules[command].corrupt = corrupt;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

void wire_strip_fds(struct wire *w, bool on)
{
	pthread_mutex_lock(&w->lock);
	w->strip_fds = on;
	pthread_mutex_unlock(&w->lock);
}

void wire_answer_posted(struct wire *w, bool on)
{
	pthread_mutex_lock(&w->lock);
	w->answer_posted = on;
	pthread_mutex_unlock(&w->lock);
}

void wire_keep(struct wire *w, bool on)
{
	pthread_mutex_lock(&w->lock);
	w->keep = on;
	pthread_mutex_unlock(&w->lock);
}

int wire_raw(struct wire *w, const void *buf, size_t len)
{
	ssize_t sent;

	pthread_mutex_lock(&w->lock);
	w->raw_done = false;
	pthread_mutex_unlock(&w->lock);
	sent = send(w->client, buf, len, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EAGAIN;
}

int wire_raw_wait(struct wire *w, int ms)
{
	int ret;

	pthread_mutex_lock(&w->lock);
	ret = WAIT_FOR(w, w->raw_done, ms);
	if (!ret)
		ret = w->raw_error;
	pthread_mutex_unlock(&w->lock);
	return ret;
}
