/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct vhost_device: the parts of a device and what connects them.  The files
 * above this header each work on some of the parts.
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
 * struct vhost_queue - a queue besides its registers
 * @kick: eventfd the driver signals: the back-end's, or of the control queue
 * @call: eventfd for as long as the client has none for the queue's vector
 * @watch: on @call while the client uses INTx
 * @started: the back-end has the ring
 * @paused: the ring is to go on at @base: memory of it was unmapped, or migration
 *	has the device stopped
 * @base: where it stopped
 */
struct vhost_queue {
	int kick;
	int call;
	sd_event_source *watch;
	bool started;
	bool paused;
	uint32_t base;
};

/* Of the back-end's state in one piece. */
#define VHOST_PIECE_MAX 65536

/**
 * struct vhost_migration - what goes out or comes in
 * @buf: what is to go out next
 * @size: of @buf
 * @len: bytes in @buf
 * @pos: bytes of them that have gone
 * @ended: nothing comes after @buf
 * @in: what comes in
 * @backend: the back-end's own state is in it
 * @transfer: of that
 * @loading: the back-end has part of a state
 * @loaded: a state was taken over, and did not run yet
 */
struct vhost_migration {
	uint8_t *buf;
	size_t size;
	size_t len;
	size_t pos;
	bool ended;
	struct vhost_stream in;
	bool backend;
	struct vhost_transfer transfer;
	bool loading;
	bool loaded;
};

/**
 * struct vhost_device - the device
 * @options: of the user
 * @net: it is a network device
 * @server: the client's side
 * @conn: connection to the back end
 * @dma: DMA regions of the client
 * @log: of writes to it
 * @pci: configuration space
 * @msix: table and pending bits, which nobody relies on
 * @virtio: registers
 * @isr: of the ISR register
 * @config_pending: the configuration changed, its vector had no eventfd
 * @passed: features of the back-end
 * @config: device configuration
 * @queues: one for each of @virtio
 * @net_dev: configuration and control queue of a network device
 * @ctrl: the control queue while it runs
 * @ctrl_watch: on its kick, NULL while it does not
 * @ring_mem: way of @ctrl to memory
 * @inflight: layout of @inflight_fd
 * @inflight_fd: the back-end's memory of what is in flight, -1 without
 * @resuming: rings start where they were
 * @driver_ok_sent: the back-end heard of DRIVER_OK by its status
 * @stopped: migration has it stopped: no ring is served, whatever the driver
 *	does
 * @migration: see there
 * @can_migrate: the client was told that the device can migrate
 * @can_log: the client was told that writes can be logged
 * @live: the back-end was told all there is, and of all that changes
 * @event: event loop
 * @server_io: calls the server, NULL before vhost_device_serve()
 * @ending: being freed
 */
struct vhost_device {
	struct vhost_device_options options;
	bool net;
	struct vuser_server *server;
	struct vhost_connection conn;
	struct vhost_dma dma;
	struct vhost_log log;
	struct vhost_pci pci;
	struct vuser_msix msix;
	struct virtio virtio;
	uint8_t isr;
	bool config_pending;
	uint64_t passed;
	uint8_t config[VHOST_CONFIG_MAX];
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
	sd_event *event;
	sd_event_source *server_io;
	bool ending;
};

#endif
