/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct vhost_device: the parts of a device and what connects them. Each file
 * that includes this header works on some of the parts.
 *
 * Each device has a thread with an event loop, and only this thread uses the device, so
 * there are no locks. Devices share nothing except standard error and the table in shared.c,
 * which has a lock. A request to the back end blocks this thread until the back end replies;
 * meanwhile vhost_wait() serves the accesses for which vhost_regions_access_now() returns
 * true.
 */
#ifndef VHOST_PARTS_H
#define VHOST_PARTS_H

#include <systemd/sd-event.h>
#include <vuser/pci.h>
#include <vuser/server.h>

#include "connection.h"
#include "log.h"
#include "dma.h"
#include "net.h"
#include "options.h"
#include "pci.h"
#include "stream.h"
#include "transfer.h"
#include "virtio.h"
#include "vqueue.h"

/**
 * struct vhost_queue - a queue, without its registers
 * @kick: eventfd that the driver signals, for the back end or the control queue
 * @call: eventfd that the back end signals while the client has none for the
 *	queue's vector
 * @err: eventfd that the back end signals when the ring has an error
 * @err_watch: watches @err while the ring runs at the back end
 * @watch: watches @call while the client uses INTx
 * @started: the ring runs at the back end
 * @draining: the ring is stopped, and the back end may still complete requests
 * @paused: the ring is stopped and continues later: its memory was unmapped, migration has
 *	stopped the device, or the back end was lost
 * @unfinished: requests were left when the ring stopped: it continues at its used index, as
 *	a new back end expects, and not at @base
 * @base: position at which the ring stopped
 */
struct vhost_queue {
	int kick;
	int call;
	int err;
	sd_event_source *err_watch;
	sd_event_source *watch;
	bool started;
	bool draining;
	bool paused;
	bool unfinished;
	uint32_t base;
};

/* Bytes of the text that says why a back end was rejected. */
#define VHOST_REJECTION_MAX 160

/* Bytes of the back end's state in one piece of the stream. */
#define VHOST_PIECE_MAX 65536

/**
 * struct vhost_migration - a migration in progress
 * @buf: the next part of the outgoing stream
 * @size: size of @buf
 * @len: bytes in @buf
 * @pos: bytes of @buf that have been read
 * @ended: @buf is the last part
 * @in: the incoming stream
 * @inflight_left: bytes of the memory for requests in flight that are not transferred yet;
 *	they come before the state of the back end
 * @backend: the stream contains the state of the back end
 * @transfer: transfer of the back end's state
 * @loading: the back end has loaded a part of a state
 * @loaded: a state was loaded, and the device has not run since
 */
struct vhost_migration {
	uint8_t *buf;
	size_t size;
	size_t len;
	size_t pos;
	bool ended;
	struct vhost_stream in;
	uint64_t inflight_left;
	bool backend;
	struct vhost_transfer transfer;
	bool loading;
	bool loaded;
};

/**
 * struct vhost_waiting - the time limit of a command or an event, see vhost_wait()
 * @iteration: iteration of the event loop in which it began
 * @begin: start of the command, CLOCK_MONOTONIC in ms
 * @deadline: end of all waits for the back end; 0: none has begun
 * @hurried: @deadline was reduced because the process is to end
 * @serving: an access of the client is made while a request to the back end waits
 */
struct vhost_waiting {
	uint64_t iteration;
	int64_t begin;
	int64_t deadline;
	bool hurried;
	bool serving;
};

struct vhost_keep;

/**
 * struct vhost_device - the device
 * @options: options of the user
 * @net: this is a network device
 * @server: the vfio-user server, which the client is connected to
 * @conn: connection to the back end
 * @wait: the time limit for requests to the back end
 * @dma: DMA regions of the client
 * @log: log of writes to the client's memory
 * @pci: configuration space
 * @msix: MSI-X table and pending bits; no part of the device depends on them
 * @virtio: registers of virtio
 * @isr: value of the ISR register
 * @config_pending: the configuration has changed while its vector had no
 *	eventfd
 * @config: device configuration
 * @select: what the driver has written to the first bytes of a configuration that
 *	selects its content
 * @queues: as many as @virtio has
 * @net_dev: configuration and control queue of a network device
 * @ctrl: the control queue, while it runs
 * @ctrl_watch: watches the kick of the control queue, NULL while it does not
 *	run
 * @ring_mem: access of @ctrl to memory
 * @inflight: layout of @inflight_fd
 * @inflight_fd: memory in which the back end tracks requests in flight, or -1
 * @resuming: rings start where the previous back end was lost
 * @driver_ok_sent: the back end's status is not 0
 * @stopped: migration has stopped the device: no ring runs, whatever the driver
 *	does
 * @migration: the migration in progress
 * @can_migrate: the client may migrate the device
 * @can_log: the client may have writes logged
 * @live: the back end is set up, and gets every change
 * @connected: a back end is connected, and the device has accepted it
 * @rejection: why the last back end was rejected, so that this is said once
 * @slots: memory slots that the device announced to the client
 * @shared_fd: file of the shared object that the back end has got last, or -1
 * @config_needed: the device has the configuration of its back end
 * @event: event loop
 * @server_io: calls the server, NULL before vhost_device_serve()
 * @keep: the state file, or NULL
 * @ending: the device is being freed
 */
struct vhost_device {
	struct vhost_device_options options;
	bool net;
	struct vuser_server *server;
	struct vhost_connection conn;
	struct vhost_waiting wait;
	struct vhost_dma dma;
	struct vhost_log log;
	struct vhost_pci pci;
	struct vuser_msix msix;
	struct virtio virtio;
	uint8_t isr;
	bool config_pending;
	uint8_t config[VHOST_CONFIG_MAX];
	uint8_t select[VHOST_SELECT_SIZE];
	struct vhost_queue *queues;
	struct vhost_net net_dev;
	struct vqueue ctrl;
	sd_event_source *ctrl_watch;
	struct vqueue_mem ring_mem;
	struct vhost_user_inflight inflight;
	int inflight_fd;
	bool resuming;
	bool driver_ok_sent;
	bool stopped;
	struct vhost_migration migration;
	bool can_migrate;
	bool can_log;
	bool live;
	bool connected;
	char rejection[VHOST_REJECTION_MAX];
	uint16_t slots;
	int shared_fd;
	bool config_needed;
	sd_event *event;
	sd_event_source *server_io;
	struct vhost_keep *keep;
	bool ending;
};

#endif
