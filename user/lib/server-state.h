/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a server, which the files server*.c share. */
#ifndef VUSER_SERVER_STATE_H
#define VUSER_SERVER_STATE_H

#include <pthread.h>
#include <stdbool.h>

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

#endif /* VUSER_SERVER_STATE_H */
