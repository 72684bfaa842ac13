/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the device share. */
#ifndef VHOST_INTERNAL_H
#define VHOST_INTERNAL_H

#include <systemd/sd-event.h>
#include <vuser/pci.h>
#include <vuser/server.h>

#include "device.h"
#include "link.h"
#include "log.h"
#include "memory.h"
#include "migration.h"
#include "net.h"
#include "pci.h"
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

/**
 * struct vhost_device - the device
 * @options: of the user
 * @net: it is a network device
 * @server: the client's side
 * @link: the back-end's side
 * @mem: the client's memory
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
 * @told: the back-end heard of DRIVER_OK by its status
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
	struct vhost_link link;
	struct vhost_mem mem;
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
	bool told;
	bool stopped;
	struct vhost_migration migration;
	bool can_migrate;
	bool can_log;
	bool live;
	sd_event *event;
	sd_event_source *server_io;
	bool ending;
};

__attribute__((format(printf, 2, 3))) void
vhost_say(const struct vhost_device *dev, const char *fmt, ...);

/* config.c: the device configuration, and features. */
int vhost_config_init(struct vhost_device *dev);
int vhost_config_refresh(struct vhost_device *dev);
void vhost_config_read(struct vhost_device *dev, uint64_t offset, void *buf,
		       uint32_t count);
void vhost_config_write(struct vhost_device *dev, uint64_t offset,
			const void *buf, uint32_t count);
uint64_t vhost_features_offer(const struct vhost_device *dev);
uint64_t vhost_features_pass(const struct vhost_device *dev);
bool vhost_can_log(const struct vhost_device *dev);

/* rings.c: the rings at the back-end. */
extern const struct virtio_ops vhost_ring_ops;
int vhost_ring_start(struct vhost_device *dev, uint16_t queue);
int vhost_ring_stop(struct vhost_device *dev, uint16_t index);
int vhost_rings_start(struct vhost_device *dev);
void vhost_rings_stop(struct vhost_device *dev);
int vhost_rings_resume(struct vhost_device *dev);
int vhost_report(struct vhost_device *dev, const char *what, int ret);
void vhost_rings_lost(struct vhost_device *dev);
int vhost_rings_enable(struct vhost_device *dev);
int vhost_rings_log(struct vhost_device *dev);
int vhost_rings_log_base(struct vhost_device *dev);
void vhost_ring_sizes(const struct vhost_device *dev,
		      const struct virtio_queue *q, uint64_t sizes[3]);
void vhost_rings_call(struct vhost_device *dev, uint16_t queue);

/* inflight.c: what is in flight at the back-end. */
int vhost_inflight_give(struct vhost_device *dev);
void vhost_inflight_forget(struct vhost_device *dev);
bool vhost_inflight_kept(const struct vhost_device *dev);

/* pause.c: rings that stop and go on. */
bool vhost_ring_waits(struct vhost_device *dev, uint16_t index);
void vhost_rings_pause(struct vhost_device *dev, uint64_t iova, uint64_t len);
void vhost_rings_unpause(struct vhost_device *dev);
int vhost_rings_suspend(struct vhost_device *dev);
int vhost_rings_continue(struct vhost_device *dev);

/* dirty.c: the log of writes. */
int vhost_dirty_start(void *data, uint64_t *page_size);
void vhost_dirty_stop(void *data);
int vhost_dirty_report(void *data, uint64_t iova, uint64_t len,
		       uint64_t page_size, uint64_t *bitmap);
int vhost_dirty_map(struct vhost_device *dev);
void vhost_dirty_ring(struct vhost_device *dev, uint16_t queue);
void vhost_dirty_all(struct vhost_device *dev);

/* migration.c: migration. */
bool vhost_can_migrate(const struct vhost_device *dev);
int vhost_migrate(void *data, enum vfio_device_mig_state from,
		  enum vfio_device_mig_state to);
ssize_t vhost_migration_read(void *data, void *buf, size_t count);
int vhost_migration_write(void *data, const void *buf, size_t count);
void vhost_migration_reset(struct vhost_device *dev);

/* device.c: the configuration may have changed; a back-end comes and goes. */
void vhost_config_changed(struct vhost_device *dev);
bool vhost_can_go_on(const struct vhost_device *dev);

/* control.c: the control queue of a network device. */
bool vhost_is_control(const struct vhost_device *dev, uint16_t queue);
int vhost_control_start(struct vhost_device *dev, uint16_t queue);
void vhost_control_stop(struct vhost_device *dev);
void vhost_control_suspend(struct vhost_device *dev);

/* irq.c: interrupts. */
int vhost_irq_call_fd(struct vhost_device *dev, uint16_t queue);
void vhost_irq_queue(struct vhost_device *dev, uint16_t queue);
void vhost_irq_config(struct vhost_device *dev);
void vhost_irq_changed(struct vhost_device *dev, uint32_t index, uint32_t start,
		       uint32_t count);
void vhost_irq_reset(struct vhost_device *dev);
void vhost_irq_resume(struct vhost_device *dev);
uint8_t vhost_irq_take_isr(struct vhost_device *dev);
void vhost_irq_watch(struct vhost_device *dev);

/* serve.c: as a vfio-user server. */
int vhost_serve_init(struct vhost_device *dev);
void vhost_serve_reset(struct vhost_device *dev);

#endif
