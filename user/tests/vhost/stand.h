/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test stand: a device between a scripted back end and a client. The back end
 * runs in a thread and records the requests that it receives. The device runs in
 * another thread. The test is the client.
 */
#ifndef VHOST_STAND_H
#define VHOST_STAND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <vuser/client.h>

#include "../vhost-user/fake.h"
#include "../../devices/vhost/device.h"
#include "../../devices/vhost/virtio.h"

#define STAND_IOVA 0x100000
#define STAND_SIZE 0x10000

/*
 * Timeouts in milliseconds: for events that must happen, and for events that must
 * not happen.
 */
#define SOON  10000
#define NEVER 50

#define VERSION_1 VIRTIO_BIT(VIRTIO_F_VERSION_1)

/* The ring of queue 0 after stand_start(). */
#define STAND_DESC   STAND_IOVA
#define STAND_DRIVER (STAND_IOVA + 0x1000)
#define STAND_DEVICE (STAND_IOVA + 0x2000)

/**
 * struct stand - the back end, the device and the client
 * @fake: the back end
 * @listener: socket where the device connects to the back end
 * @path: path of @listener
 * @kick: kick eventfd of ring 0 that the back end received last, or -1
 * @call: call eventfd of ring 0 that the back end received last, or -1
 * @err: error eventfd of ring 0 that the back end received last, or -1
 * @announced: mask of the rings about which the back end received SET_VRING_ERR
 * @announced_before_inflight: @announced at the last message about requests in flight
 * @calls: number of call eventfds that the back end received
 * @base: base of ring 0 that the back end received
 * @stopped_at: base that the back end returns for a stopped ring
 * @stopped: number of stopped rings when the last memory region was removed
 * @features: the last features that the back end received
 * @protocol: the last protocol features that the back end received
 * @memory: file of the last memory region that the back end received, or -1
 * @region: the last memory region that the back end received
 * @inflight: file of the memory for requests in flight that the back end received last,
 *	or -1
 * @inflight_size: size of this memory
 * @object: file that the back end sends for each shared object, owned by the test; or -1
 * @log: file of the log of writes that the back end received, or -1
 * @log_size: size of the log
 * @addr: the last address of a ring that the back end received
 * @status: the last status that the back end received
 * @state: the back end's own state, which it sends when it saves
 * @state_len: bytes of @state
 * @state_features: @features when a transfer began
 * @state_bad: reply to CHECK_DEVICE_STATE: the transfer failed
 * @loaded: the state that the back end received
 * @moved: bytes of @state or @loaded transferred
 * @saving: direction of the transfer
 * @state_fd: pipe of the transfer
 * @mover: thread of the transfer
 * @moving: @mover runs
 * @refuse: a request that the back end refuses, or 0
 * @refuse_value: the reply to @refuse; 0 means 1
 * @config: the back end's configuration
 * @set_config: the last SET_CONFIG that the back end received
 * @device: the device under test
 * @thread: the device's event loop
 * @stop: eventfd that ends @thread
 * @client: client of the device
 * @sock: the socket of @client, for messages that @client cannot send
 * @fd: the client's memory
 */
struct stand {
	struct fake fake;
	int listener;
	char path[64];
	int kick;
	int call;
	int err;
	uint32_t announced;
	uint32_t announced_before_inflight;
	unsigned int calls;
	uint32_t base;
	uint32_t stopped_at;
	unsigned int stopped;
	uint64_t features;
	uint64_t protocol;
	int memory;
	struct vhost_user_region region;
	int inflight;
	uint64_t inflight_size;
	int object;
	int log;
	uint64_t log_size;
	struct vhost_vring_addr addr;
	uint8_t status;
	const uint8_t *state;
	size_t state_len;
	uint64_t state_features;
	bool state_bad;
	uint8_t loaded[1 << 18];
	size_t moved;
	bool saving;
	int state_fd;
	pthread_t mover;
	bool moving;
	uint32_t refuse;
	uint64_t refuse_value;
	uint8_t config[VHOST_CONFIG_MAX];
	struct vhost_user_config set_config;
	struct vhost_device *device;
	pthread_t thread;
	int stop;
	struct vuser_client *client;
	int sock;
	int fd;
};

/* Create a back end that can listen; the test may change stand->fake next. */
struct stand *stand_new(void);
/*
 * Create the device while the back end replies; returns as vhost_device_new().
 */
int stand_device(struct stand *stand, const struct vhost_device_options *opt);
/* Start the device's event loop and connect a client. */
void stand_serve(struct stand *stand);
/* Close the back end's connection. */
void stand_lose_backend(struct stand *stand);
/*
 * Start another back end at the same path and wait until the device connects.
 */
void stand_new_backend(struct stand *stand);
/* Stop everything; check that the front end broke no rule. */
void stand_free(struct stand *stand);

/* Access registers in BAR 0. */
uint64_t stand_read(struct stand *stand, uint64_t offset, uint32_t count);
void stand_write(struct stand *stand, uint64_t offset, uint32_t count,
		 uint64_t value);

/* Map STAND_SIZE bytes of the client's memory at STAND_IOVA. */
void stand_map(struct stand *stand);
/* Map this memory again, after it was unmapped. */
void stand_map_again(struct stand *stand);
void stand_unmap(struct stand *stand, uint64_t iova, uint64_t size);
/* Run a driver up to FEATURES_OK with @features. */
void stand_features(struct stand *stand, uint64_t features);
/* Set up and enable queue 0, as a driver does. */
void stand_queue(struct stand *stand, uint64_t desc, uint64_t driver,
		 uint64_t device, uint16_t vector);
/* The same for the queue @index. */
void stand_queue_at(struct stand *stand, uint16_t index, uint64_t desc,
		    uint64_t driver, uint64_t device, uint16_t vector);

/*
 * Create a back end with these features, the device and the client, and start the
 * event loop. No memory is mapped. stand_setup_default() leaves the features of the back
 * end as fake_init() sets them.
 */
struct stand *stand_setup_default(const char *type);
struct stand *stand_setup(const char *type, uint64_t features,
			  uint64_t protocol);
/* Run a driver up to DRIVER_OK, with queue 0. */
void stand_start(struct stand *stand, uint64_t features);

/* Read and write device_status; read the interrupt status, which clears it. */
uint8_t stand_status(struct stand *stand);
void stand_driver_ok(struct stand *stand);
uint8_t stand_isr(struct stand *stand);

/* Create an eventfd. */
int stand_eventfd(void);
/* Set the eventfd of an interrupt, or of an MSI-X vector. */
void stand_set_irq(struct stand *stand, uint32_t index, uint32_t start, int fd);
void stand_msix(struct stand *stand, uint32_t vector, int fd);
/* Wait for an eventfd; return its count, or 0 on timeout. */
uint64_t stand_event(int fd, int timeout_ms);

#endif
