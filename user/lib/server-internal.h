/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the server share. */
#ifndef VUSER_SERVER_INTERNAL_H
#define VUSER_SERVER_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <syslog.h>

#include <vuser/server.h>
#include <vuser/sock.h>

#include "conn.h"
#include "event.h"

/**
 * struct vu_region - a region of the device
 * @desc: as the device gave it; areas point to @areas
 * @areas: copy
 * @io_fds: data for the client; fd_index is not set here
 * @io_fd_nums: eventfd of each
 * @nr_io_fds: entries of both
 */
struct vu_region {
	struct vuser_server_region desc;
	struct vfio_user_sparse_area *areas;
	struct vfio_user_io_fd *io_fds;
	int *io_fd_nums;
	uint32_t nr_io_fds;
};

/* One interrupt: its eventfd or -1, and whether it may fire. */
struct vu_irq {
	int fd;
	bool masked;
	bool pending;
};

struct vu_irq_index {
	uint32_t flags;
	uint32_t count;
	struct vu_irq *irqs;
};

/**
 * struct vu_dma - an entry of the DMA table
 * @region: what the device sees
 * @base: of the mapping, which starts at whole pages
 * @base_size: of the mapping
 * @users: references that are held
 * @going: no more references are given
 */
struct vu_dma {
	struct vuser_dma_region region;
	void *base;
	size_t base_size;
	unsigned int users;
	bool going;
};

/**
 * struct vuser_server - a device at a socket
 * @ops: of the device
 * @data: for @ops
 * @config: with the defaults filled in
 * @epoll_fd: all that process() looks at
 * @listen_fd: -1 without
 * @wake_fd: eventfd: look at the connection
 * @path: of the socket file, to be removed; NULL without
 * @regions: by index, NULL where there is none
 * @nr_regions: as told to the client
 * @irqs: by index
 * @nr_irqs: as told to the client
 * @conn: the client, NULL without; changed by the event loop's thread only
 * @twin: the socket of our commands, NULL without
 * @negotiated: the version was
 * @minor: negotiated
 * @peer: the client's capabilities
 * @max_size: largest message taken
 * @reply: room for any reply payload
 * @reply_size: of it
 * @reply_fds: to go with the reply
 * @nr_reply_fds: number of them
 * @mig_state: of migration, where the device has that
 * @log_page: bytes that a bit of the log of writes is about, 0: nothing is logged
 * @retry_fd: timer: accept again what there was no room for
 * @starved: there was none
 * @lock: for @conn and @twin when read by other threads
 * @irq_lock: for the entries of @irqs and @events
 * @events: signals eventfds
 * @dma_lock: for all that follows
 * @dma_idle: broadcast when an entry that goes has no more users
 * @dma: entries, sorted by IOVA
 * @nr_dma: entries used
 * @max_dma: entries there is room for
 */
struct vuser_server {
	struct vuser_server_ops ops;
	void *data;
	struct vuser_server_config config;
	int epoll_fd;
	int listen_fd;
	int wake_fd;
	char *path;

	struct vu_region *regions[VUSER_MAX_REGIONS];
	uint32_t nr_regions;
	struct vu_irq_index irqs[VUSER_MAX_IRQ_INDEXES];
	uint32_t nr_irqs;

	struct vu_conn *conn;
	struct vu_conn *twin;
	bool negotiated;
	uint16_t minor;
	struct vuser_caps peer;
	size_t max_size;
	char *reply;
	size_t reply_size;
	int reply_fds[VUSER_MAX_MSG_FDS];
	uint32_t nr_reply_fds;

	enum vfio_device_mig_state mig_state;
	uint64_t log_page;

	int retry_fd;
	bool starved;

	pthread_mutex_t lock;
	pthread_mutex_t irq_lock;
	struct vu_event_port events;
	pthread_mutex_t dma_lock;
	pthread_cond_t dma_idle;
	struct vu_dma **dma;
	uint32_t nr_dma;
	uint32_t max_dma;
};

__attribute__((format(printf, 3, 4))) void
vu_log(struct vuser_server *server, int level, const char *fmt, ...);

/* server-cmd.c: serve one command; not 0: the client has to go. */
int vu_serve(struct vuser_server *server, struct vuser_msg *msg);

/* server-feature.c: the length of server->reply, or -errno. */
ssize_t vu_feature(struct vuser_server *server, struct vuser_msg *msg);
/* The client has gone: nothing is logged any more. */
void vu_log_clear(struct vuser_server *server);

/* server-migration.c.  Likewise; a feature has its data at @data, which has room
 * for @size bytes, and returns the length of what it has to say.
 */
ssize_t vu_mig_read(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_mig_write(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_mig_flags(struct vuser_server *server, bool set, void *data,
		     size_t len, size_t size);
ssize_t vu_mig_state(struct vuser_server *server, bool set, void *data,
		     size_t len, size_t size);
/* The device was reset, or has no client any more: it is RUNNING. */
void vu_mig_reset(struct vuser_server *server);

/* server-region.c.  Each returns the length of server->reply, or -errno. */
ssize_t vu_get_region_info(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_get_region_io_fds(struct vuser_server *server,
			     struct vuser_msg *msg);
ssize_t vu_region_read(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_region_write(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_region_write_multi(struct vuser_server *server,
			      struct vuser_msg *msg);
void vu_region_free(struct vu_region *region);

/* server-irq.c */
ssize_t vu_get_irq_info(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_set_irqs(struct vuser_server *server, struct vuser_msg *msg);
void vu_irqs_clear(struct vuser_server *server);
void vu_irqs_free(struct vuser_server *server);

/* server-dma.c */
ssize_t vu_dma_map(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_dma_unmap(struct vuser_server *server, struct vuser_msg *msg);
void vu_dma_clear(struct vuser_server *server);

#endif /* VUSER_SERVER_INTERNAL_H */
