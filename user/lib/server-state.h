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
 * @desc: copy of the description; its areas point to @areas
 * @areas: copy of the areas
 * @io_fds: entries for the client; fd_index is set when they are sent
 * @io_fd_nums: the eventfd of each entry
 * @nr_io_fds: entries of @io_fds and of @io_fd_nums
 */
struct vu_region {
	struct vuser_server_region desc;
	struct vfio_user_sparse_area *areas;
	struct vfio_user_io_fd *io_fds;
	int *io_fd_nums;
	uint32_t nr_io_fds;
};

/* One interrupt: its eventfd or -1, its mask, and whether it is pending. */
struct vu_irq {
	int fd;
	bool masked;
	bool pending;
};

/* One interrupt type. */
struct vu_irq_index {
	uint32_t flags;
	uint32_t count;
	struct vu_irq *irqs;
};

/**
 * struct vu_dma - an entry of the DMA table
 * @region: the region, for the device
 * @base: start of the mapping, page aligned
 * @base_size: size of the mapping, bytes
 * @users: number of references
 * @unmapping: the region is being unmapped: give no more references
 */
struct vu_dma {
	struct vuser_dma_region region;
	void *base;
	size_t base_size;
	unsigned int users;
	bool unmapping;
};

/**
 * struct vuser_server - a device at a socket
 * @ops: the callbacks
 * @data: for @ops
 * @config: the configuration, with all defaults set
 * @epoll_fd: waits for all other fds of the server
 * @listen_fd: the listening socket, or -1
 * @wake_fd: eventfd that other threads signal so that vuser_server_process() handles
 *           the connection
 * @path: path of the socket file, which vuser_server_free() removes; or NULL
 * @regions: by index; NULL: the region does not exist
 * @nr_regions: number of regions for the client
 * @irqs: by index
 * @nr_irqs: number of interrupt types for the client
 * @conn: the main socket of the client, or NULL; only the event loop's thread
 *        changes it
 * @twin: the twin socket, or NULL
 * @negotiated: the version is negotiated
 * @minor: the negotiated minor version
 * @peer: the capabilities of the client
 * @max_size: largest message to accept, bytes
 * @reply: buffer for payloads of replies
 * @reply_size: size of @reply, bytes
 * @reply_fds: file descriptors to send with the reply
 * @nr_reply_fds: entries of @reply_fds
 * @posted: the command that is being served has no reply
 * @mig_state: state of migration, if the device has migration
 * @log_page: bytes that one bit of the log stands for; 0: writes are not logged
 * @retry_fd: timer for the next try to accept a client
 * @starved: the last client could not be accepted for lack of fds or memory
 * @lock: protects @conn, @twin, @negotiated, @minor and @peer, since other threads
 *        read them
 * @irq_lock: protects the entries of @irqs, and @events
 * @events: state for signalling eventfds
 * @dma_lock: protects all members below
 * @dma_idle: broadcast when an entry that is being unmapped has no more users
 * @dma: the DMA regions, sorted by IOVA
 * @nr_dma: entries of @dma
 * @max_dma: size of @dma, entries
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
	bool posted;

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
