// SPDX-License-Identifier: BSD-3-Clause
/* A device at a socket: accept clients, serve their commands, handle disconnects. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <vuser/guard.h>

#include "../libbase/abi.h"
#include "../libbase/unix.h"
#include "server-access.h"
#include "server-cmd.h"
#include "server-dirty.h"
#include "server-dma.h"
#include "server-feature.h"
#include "server-irq.h"
#include "server-log.h"
#include "server-migration.h"
#include "server-region.h"
#include "server-request.h"

/*
 * Maximum number of commands in one call, so that other fds of the loop get their
 * turn.
 */
#define BURST 64

/* The default of max_msg_fds: QEMU's client refuses servers with more than 16. */
#define OUR_MAX_MSG_FDS 16

#define DMA_TIMEOUT_MS 30000

/* The default of version_timeout_ms. */
#define VERSION_TIMEOUT_MS 30000

/* The default of max_deferred. */
#define MAX_DEFERRED 64

/* Time until the next try to accept a client, after a shortage of fds or memory. */
#define ACCEPT_RETRY_MS 100

/* Maximum size of a message without data, in bytes. */
#define SMALL_MAX (64 * 1024)

/* The size of struct vuser_server_config in the first release. */
#define CONFIG_SIZE_0 offsetof(struct vuser_server_config, max_deferred)

static void set_defaults(struct vuser_server *server)
{
	struct vuser_server_config *config = &server->config;

	if (!config->use_minor)
		config->minor = VFIO_USER_MINOR;
	if (!config->max_msg_fds)
		config->max_msg_fds = OUR_MAX_MSG_FDS;
	if (config->max_msg_fds > VUSER_MAX_MSG_FDS)
		config->max_msg_fds = VUSER_MAX_MSG_FDS;
	if (!config->max_data_xfer_size)
		config->max_data_xfer_size =
			VFIO_USER_DEFAULT_MAX_DATA_XFER_SIZE;
	if (config->max_data_xfer_size > VUSER_MAX_XFER_SIZE)
		config->max_data_xfer_size = VUSER_MAX_XFER_SIZE;
	if (!config->max_dma_maps)
		config->max_dma_maps = VFIO_USER_DEFAULT_MAX_DMA_MAPS;
	if (!config->dma_timeout_ms)
		config->dma_timeout_ms = DMA_TIMEOUT_MS;
	if (!config->version_timeout_ms)
		config->version_timeout_ms = VERSION_TIMEOUT_MS;
	if (!config->max_deferred)
		config->max_deferred = MAX_DEFERRED;
	if (server->ops.reset)
		config->device_flags |= VFIO_DEVICE_FLAGS_RESET;
	if (config->device_flags & VFIO_DEVICE_FLAGS_PCI) {
		server->nr_regions = VFIO_PCI_NUM_REGIONS;
		server->nr_irqs = VFIO_PCI_NUM_IRQS;
	}
	server->max_size = sizeof(struct vfio_user_header) + SMALL_MAX +
			   config->max_data_xfer_size;
	server->reply_size = server->max_size;
}

static int watch(struct vuser_server *server, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno :
									0;
}

static void unwatch(struct vuser_server *server, int fd)
{
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static int open_fds(struct vuser_server *server)
{
	int ret;

	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0)
		return -errno;
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake_fd < 0)
		return -errno;
	server->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->timer_fd < 0)
		return -errno;
	ret = watch(server, server->wake_fd);
	return ret ?: watch(server, server->timer_fd);
}

int vuser_server_new(const struct vuser_server_ops *ops,
		     const struct vuser_server_config *config, void *data,
		     struct vuser_server **result)
{
	struct vuser_server *server = calloc(1, sizeof(*server));
	int ret;

	if (!server)
		return -ENOMEM;
	server->data = data;
	server->epoll_fd = -1;
	server->listen_fd = -1;
	server->wake_fd = -1;
	server->timer_fd = -1;
	server->mig_state = VFIO_DEVICE_STATE_RUNNING;
	server->events = (struct vu_event_port)VU_EVENT_PORT_INIT;
	pthread_mutex_init(&server->lock, NULL);
	pthread_mutex_init(&server->irq_lock, NULL);
	pthread_mutex_init(&server->dirty.lock, NULL);
	pthread_mutex_init(&server->dma_lock, NULL);
	pthread_cond_init(&server->dma_idle, NULL);
	ret = vu_abi_read(&server->ops, sizeof(server->ops), ops,
			  offsetof(struct vuser_server_ops, mig_size));
	if (!ret)
		ret = vu_abi_read(&server->config, sizeof(server->config),
				  config, CONFIG_SIZE_0);
	if (!ret) {
		set_defaults(server);
		if (!server->config.no_sigbus)
			ret = vuser_guard_init();
	}
	if (!ret)
		ret = open_fds(server);
	if (!ret)
		ret = vu_server_request_init(server);
	if (!ret) {
		server->reply = malloc(server->reply_size);
		ret = server->reply ? 0 : -ENOMEM;
	}
	if (ret) {
		vuser_server_free(server);
		return ret;
	}
	*result = server;
	return 0;
}

/*
 * Accept a client only while no client is connected; the others wait in the queue.
 */
static void watch_listen(struct vuser_server *server, bool on)
{
	struct epoll_event event = {
		.events = on ? EPOLLIN : 0,
		.data.fd = server->listen_fd,
	};

	if (server->listen_fd >= 0)
		epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listen_fd,
			  &event);
}

/* The client closed its end, or vuser_server_disconnect() closed ours. */
static bool is_normal(int error)
{
	return error == -ENODATA || error == -EPIPE || error == -ECANCELED;
}

/*
 * The second half of the end: remove what belongs to the client. Regions that the device
 * still uses are removed later.
 */
static void remove_client(struct vuser_server *server)
{
	vu_server_feature_stop_log(server);
	vu_server_migration_reset(server);
	vu_server_dma_clear(server);
	vu_server_irq_clear(server);
}

/* The device has answered the callback disconnected. */
static void disconnect_answered(struct vuser_server *server,
				struct vuser_request *request)
{
	(void)request;
	server->end_deferred = false;
	remove_client(server);
}

/* Call the callback disconnected. Return: whether the device defers its answer. */
static bool call_disconnected(struct vuser_server *server, int error)
{
	struct vu_callback callback = { 0 };
	struct vuser_request *request;

	if (!server->negotiated || !server->ops.disconnected)
		return false;
	vu_server_request_begin(server, &callback);
	server->ops.disconnected(server->data, is_normal(error) ? 0 : error);
	request = vu_server_request_end(server);
	if (!request)
		return false;
	request->resume = disconnect_answered;
	return true;
}

/* The device has no requests and references of the client: accept the next one. */
static void finish_end(struct vuser_server *server)
{
	struct vu_conn *conn = server->conn, *twin = server->twin;

	server->ending = false;
	server->end_deferred = false;
	pthread_mutex_lock(&server->lock);
	server->conn = NULL;
	server->twin = NULL;
	server->negotiated = false;
	pthread_mutex_unlock(&server->lock);
	vu_conn_put(conn);
	if (twin)
		vu_conn_put(twin);
	watch_listen(server, true);
}

/* Disconnect the client, in the order that <vuser/server.h> documents. */
static void end_client(struct vuser_server *server, int error)
{
	if (!is_normal(error))
		vu_server_log(server, LOG_WARNING, "client disconnected: %s",
			      strerror(-error));
	vu_conn_fail(server->conn, -ENOTCONN);
	if (server->twin)
		vu_conn_fail(server->twin, -ENOTCONN);
	unwatch(server, server->conn->fd);
	server->muted = false;
	/* No reply is sent any more. */
	server->ending = true;
	if (server->unmap_waits)
		vu_server_request_clear(&server->unmap_cmd);
	server->unmap_waits = false;
	server->end_deferred = call_disconnected(server, error);
	if (!server->end_deferred)
		remove_client(server);
}

/* Continue what waited for the device: for answers, and for references to DMA regions. */
static void resume(struct vuser_server *server)
{
	vu_server_request_process(server, false);
	if (!vu_server_dma_settle(server))
		return;
	if (server->unmap_waits)
		vu_server_dma_resume(server);
	if (server->ending && !server->end_deferred && !server->nr_requests)
		finish_end(server);
}

/* The server is being freed: the device has no requests any more. */
static void end_now(struct vuser_server *server)
{
	if (!server->ending)
		end_client(server, -ECANCELED);
	else if (server->end_deferred)
		remove_client(server);
	vu_server_dma_settle(server);
	finish_end(server);
}

void vuser_server_free(struct vuser_server *server)
{
	uint32_t i;

	if (!server)
		return;
	server->freeing = true;
	if (server->conn)
		end_now(server);
	vu_server_request_free(server);
	if (server->path) {
		unlink(server->path);
		free(server->path);
	}
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (server->wake_fd >= 0)
		close(server->wake_fd);
	if (server->timer_fd >= 0)
		close(server->timer_fd);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	vu_event_port_clear(&server->events);
	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		vu_server_region_free(server->regions[i]);
	vu_server_irq_free(server);
	free(server->dma);
	vu_server_dirty_free(server);
	free(server->reply);
	pthread_cond_destroy(&server->dma_idle);
	pthread_mutex_destroy(&server->dma_lock);
	pthread_mutex_destroy(&server->irq_lock);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int vuser_server_listen_fd(struct vuser_server *server, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int ret = 0;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		ret = -errno;
	else if (server->listen_fd >= 0)
		ret = -EBUSY;
	else
		ret = watch(server, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	server->listen_fd = fd;
	watch_listen(server, !server->conn);
	return 0;
}

/* Listen on the socket @fd at @path, or return the errno @fd. */
static int listen_at(struct vuser_server *server, const char *path, int fd)
{
	char *copy;
	int ret;

	if (fd < 0)
		return fd;
	copy = strdup(path);
	if (!copy) {
		close(fd);
		unlink(path);
		return -ENOMEM;
	}
	ret = vuser_server_listen_fd(server, fd);
	if (ret) {
		unlink(path);
		free(copy);
		return ret;
	}
	server->path = copy;
	return 0;
}

int vuser_server_listen(struct vuser_server *server, const char *path)
{
	return listen_at(server, path, vu_unix_listen(path));
}

int vuser_server_listen_mode(struct vuser_server *server, const char *path,
			     mode_t mode)
{
	return listen_at(server, path, vu_unix_listen_mode(path, mode));
}

int vuser_server_peer(const struct vuser_server *server, pid_t *pid, uid_t *uid,
		      gid_t *gid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (!server->conn || server->ending)
		return -ENOTCONN;
	if (getsockopt(server->conn->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	*pid = cred.pid;
	*uid = cred.uid;
	*gid = cred.gid;
	return 0;
}

/* Start the timer; 0: stop it. */
static void set_timer(struct vuser_server *server, int ms)
{
	const struct itimerspec spec = {
		.it_value.tv_sec = ms / 1000,
		.it_value.tv_nsec = ms % 1000 * 1000000L,
	};

	timerfd_settime(server->timer_fd, 0, &spec, NULL);
}

/*
 * The time is over: until the next try to accept a client, or for the client to negotiate
 * the version.
 */
static void on_timer(struct vuser_server *server)
{
	if (!server->conn)
		watch_listen(server, true);
	else if (!server->negotiated)
		vu_conn_fail(server->conn, -ETIMEDOUT);
}

int vuser_server_serve(struct vuser_server *server, int fd)
{
	struct vuser_version version = { .struct_size = sizeof(version) };
	struct vu_conn *conn;
	int ret = -EBUSY;

	/* The device may have released the last client just now. */
	if (server->ending && !server->processing)
		resume(server);
	if (server->conn)
		goto close;
	conn = vu_conn_new(fd, server->wake_fd, true, server->max_size,
			   server->config.max_msg_fds);
	ret = -ENOMEM;
	if (!conn)
		goto close;
	ret = watch(server, fd);
	if (ret) {
		vu_conn_put(conn);
		return ret;
	}
	vuser_version_default(&version);
	pthread_mutex_lock(&server->lock);
	server->conn = conn;
	server->peer = version.caps;
	pthread_mutex_unlock(&server->lock);
	watch_listen(server, false);
	if (server->config.version_timeout_ms > 0)
		set_timer(server, server->config.version_timeout_ms);
	else
		set_timer(server, 0);
	return 0;
close:
	close(fd);
	return ret;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM;
}

/* Leave clients in the queue of the socket, and accept again later. */
static void accept_later(struct vuser_server *server, int error)
{
	if (!server->starved)
		vu_server_log(server, LOG_WARNING,
			      "cannot accept a client now, trying again: %s",
			      strerror(error));
	server->starved = true;
	watch_listen(server, false);
	set_timer(server, ACCEPT_RETRY_MS);
}

/* Accept a client. Ignore errors that concern only this client. */
static int accept_client(struct vuser_server *server)
{
	int fd, ret;

	if (server->listen_fd < 0)
		return 0;
	fd = accept4(server->listen_fd, NULL, NULL,
		     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return 0;
		if (!is_shortage(errno)) {
			ret = -errno;
			vu_server_log(server, LOG_ERR,
				      "cannot accept clients: %s",
				      strerror(-ret));
			return ret;
		}
		accept_later(server, errno);
		return 0;
	}
	server->starved = false;
	ret = vuser_server_serve(server, fd);
	if (ret)
		vu_server_log(server, LOG_ERR, "cannot serve a client: %s",
			      strerror(-ret));
	return 0;
}

/*
 * Wait for commands of the client, or only for its disconnect: it may have sent more
 * commands than the server receives before the device has answered.
 */
static void mute(struct vuser_server *server, bool on)
{
	struct epoll_event event = {
		.events = on ? EPOLLRDHUP : EPOLLIN,
		.data.fd = server->conn->fd,
	};

	if (server->muted == on)
		return;
	server->muted = on;
	epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->conn->fd, &event);
}

/* Whether the client has closed its end, while further commands are not received. */
static bool is_gone(const struct vuser_server *server)
{
	struct pollfd pfd = {
		.fd = server->conn->fd,
		.events = POLLRDHUP,
	};

	return server->muted && poll(&pfd, 1, 0) == 1;
}

/* Serve all commands that have arrived and may be served now, but at most BURST. */
static int serve_commands(struct vuser_server *server)
{
	struct vuser_msg msg;
	int i, ret = 0;

	for (i = 0; i < BURST && !ret; i++) {
		ret = vu_server_access_next(server, &msg);
		if (ret)
			break;
		ret = vu_server_cmd_serve(server, &msg);
		vuser_msg_clear(&msg);
	}
	/*
	 * Commands in the queue do not make a socket readable: wake up the event
	 * loop.
	 */
	if (i == BURST)
		eventfd_write(server->wake_fd, 1);
	return ret;
}

static void serve_client(struct vuser_server *server)
{
	int ret = is_gone(server) ? -ENODATA : serve_commands(server);

	mute(server, ret == -EBUSY);
	if (ret == -EAGAIN || ret == -EBUSY)
		ret = 0;
	if (!ret && server->twin)
		ret = vu_conn_error(server->twin);
	if (ret) {
		end_client(server, ret);
		resume(server);
	}
}

int vuser_server_process(struct vuser_server *server)
{
	eventfd_t count;
	int ret = 0;

	server->processing = true;
	eventfd_read(server->wake_fd, &count);
	if (read(server->timer_fd, &count, sizeof(count)) > 0)
		on_timer(server);
	resume(server);
	if (!server->conn)
		ret = accept_client(server);
	if (server->conn && !server->ending)
		serve_client(server);
	server->processing = false;
	return ret;
}

int vuser_server_fd(const struct vuser_server *server)
{
	return server->epoll_fd;
}

void vuser_server_disconnect(struct vuser_server *server)
{
	if (server->conn)
		vu_conn_fail(server->conn, -ECANCELED);
	/* Wake up threads that wait for a reply on the twin socket. */
	if (server->twin)
		vu_conn_fail(server->twin, -ECANCELED);
}
