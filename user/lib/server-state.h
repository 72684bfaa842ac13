/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a server, which the files server*.c share. */
#ifndef VUSER_SERVER_STATE_H
#define VUSER_SERVER_STATE_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include <vuser/server.h>
#include <vuser/sock.h>

#include "conn.h"
#include "event.h"

/* A handler of a command returns this when the device answers later. */
#define VU_LATER INT_MAX

struct vu_answers;

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

/*
 * One interrupt: its eventfd or -1, whether this is a file that is not an eventfd but takes
 * its writes, its mask, and whether it is pending.
 */
struct vu_irq {
	int fd;
	bool plain;
	bool masked;
	bool pending;
};

/* One interrupt type; @nr_fds of its interrupts have an eventfd. */
struct vu_irq_index {
	uint32_t flags;
	uint32_t count;
	uint32_t nr_fds;
	struct vu_irq *irqs;
};

/**
 * struct vu_dma - an entry of the DMA table
 * @region: the region, for the device
 * @base: start of the mapping, page aligned
 * @base_size: size of the mapping, bytes
 * @users: number of references
 * @unmapping: the region is being unmapped: give no more references
 * @announced: the callback dma_unmap was called
 * @deferred: the device has not answered the callback yet
 * @next: next entry of the list of regions that are being unmapped
 */
struct vu_dma {
	struct vuser_dma_region region;
	void *base;
	size_t base_size;
	unsigned int users;
	bool unmapping;
	bool announced;
	bool deferred;
	struct vu_dma *next;
};

/**
 * struct vu_access - an access of a region, which may be made in parts
 * @region: the region
 * @index: its index
 * @write: write to the region
 * @offset: of the next part
 * @left: bytes that are left
 * @part: bytes of the part that the device has deferred
 * @buf: the data that are left
 */
struct vu_access {
	struct vu_region *region;
	uint32_t index;
	bool write;
	uint64_t offset;
	uint32_t left;
	uint32_t part;
	char *buf;
};

/**
 * struct vu_cmd - a command that is served
 * @hdr: its header
 * @payload: its payload; owned by the command while it is suspended
 * @len: length of @payload, bytes
 * @reply: owned buffer for the reply; NULL: use the buffer of the server
 * @reply_len: length of the reply to a read, bytes
 * @access: the access of a region
 * @writes: the writes of REGION_WRITE_MULTI, in @payload
 * @nr_writes: entries of @writes
 * @nr_written: writes that are done
 * @mig_step: the state of migration that the device changes to
 * @mig_state: the state of migration that the client wants
 */
struct vu_cmd {
	struct vfio_user_header hdr;
	void *payload;
	size_t len;
	char *reply;
	size_t reply_len;
	struct vu_access access;
	const struct vfio_user_single_write *writes;
	uint32_t nr_writes;
	uint32_t nr_written;
	uint32_t mig_step;
	uint32_t mig_state;
};

/* Continue a command. Return: the length of the reply, -errno or VU_LATER. */
typedef ssize_t (*vu_cmd_step)(struct vuser_server *server,
			       struct vuser_request *request);

/**
 * struct vu_callback - a callback of the device that runs and may defer its answer
 * @outer: the callback that called vuser_server_process_accesses(), or NULL
 * @access: it makes an access of a region
 * @count: bytes of the access
 * @data: the data of a write, or NULL
 * @reply_len: length of the reply to a read, bytes; otherwise 0
 * @request: set when the callback defers its answer
 */
struct vu_callback {
	struct vu_callback *outer;
	bool access;
	uint32_t count;
	const void *data;
	size_t reply_len;
	struct vuser_request *request;
};

struct vu_dirty_chunk;
struct vu_dirty_hold;

/**
 * struct vu_dirty - the log of writes that the library keeps itself
 * @lock: protects all members below
 * @on: writes are logged
 * @lost: the log is incomplete, for lack of memory
 * @chunks: parts of the log, sorted by address
 * @nr: entries of @chunks
 * @max: size of @chunks, entries
 * @holds: list of the references of the device
 */
struct vu_dirty {
	pthread_mutex_t lock;
	bool on;
	bool lost;
	struct vu_dirty_chunk **chunks;
	size_t nr;
	size_t max;
	struct vu_dirty_hold *holds;
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
 * @cmd: the command that is being served, or NULL
 * @callback: the callback that runs and may defer its answer, or NULL
 * @answers: answered requests
 * @nr_requests: requests that the device has not answered
 * @nr_posted: suspended commands that no other command may overtake
 * @unmapping: list of the DMA regions that are being unmapped
 * @unmap_cmd: the DMA_UNMAP that is suspended, if @unmap_waits
 * @unmap_waits: a DMA_UNMAP is suspended
 * @ending: the client is gone, but the device still has requests or references
 * @end_deferred: the device has not answered the callback disconnected() yet
 * @muted: the event loop does not wait for commands of the client
 * @processing: vuser_server_process() runs
 * @freeing: vuser_server_free() runs
 * @mig_state: state of migration, if the device has migration
 * @log_page: bytes that one bit of the log stands for; 0: writes are not logged
 * @timer_fd: timer for the next try to accept a client, and for the negotiation
 * @starved: the last client could not be accepted for lack of fds or memory
 * @lock: protects @conn, @twin, @negotiated, @minor and @peer, since other threads
 *        read them
 * @irq_lock: protects the entries of @irqs, and @events
 * @events: state for signalling eventfds
 * @dirty: the log of writes
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

	struct vu_cmd *cmd;
	struct vu_callback *callback;
	struct vu_answers *answers;
	uint32_t nr_requests;
	uint32_t nr_posted;
	struct vu_dma *unmapping;
	struct vu_cmd unmap_cmd;
	bool unmap_waits;
	bool ending;
	bool end_deferred;
	bool muted;
	bool processing;
	bool freeing;

	enum vfio_device_mig_state mig_state;
	uint64_t log_page;

	int timer_fd;
	bool starved;

	pthread_mutex_t lock;
	pthread_mutex_t irq_lock;
	struct vu_event_port events;
	struct vu_dirty dirty;
	pthread_mutex_t dma_lock;
	pthread_cond_t dma_idle;
	struct vu_dma **dma;
	uint32_t nr_dma;
	uint32_t max_dma;
};

#endif /* VUSER_SERVER_STATE_H */
