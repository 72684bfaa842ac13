/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device between a back-end of the tests and a client: the back-end's thread
 * notes what it is told, the device's serves, the test is the client.
 */
#ifndef VHOST_STAND_H
#define VHOST_STAND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <vuser/client.h>

#include "../vhost-user/fake.h"
#include "../../devices/vhost/device.h"

#define STAND_IOVA 0x100000
#define STAND_SIZE 0x10000

/* Where stand_start() has queue 0. */
#define STAND_DESC   STAND_IOVA
#define STAND_DRIVER (STAND_IOVA + 0x1000)
#define STAND_DEVICE (STAND_IOVA + 0x2000)

/**
 * struct stand - all of it
 * @fake: back-end
 * @listener: where it is connected to
 * @path: of it
 * @kick: of ring 0, as the back-end has it, -1 before
 * @call: likewise
 * @calls: how often the back-end was given one
 * @base: of ring 0
 * @stopped_at: the base that it says a ring had when it was stopped
 * @stopped: rings it had stopped when memory was taken away last
 * @features: that it was told last
 * @protocol: likewise
 * @memory: of the region it was told of last, -1 before
 * @region: that region
 * @log: the log of writes, -1 before
 * @log_size: of it
 * @addr: of a ring, as told last
 * @status: that it was told last
 * @state: its own state, to be saved
 * @state_len: bytes of @state
 * @state_features: those that it had been told when a transfer began
 * @state_bad: it says that a transfer failed
 * @loaded: the state that it was given
 * @moved: bytes of @state or @loaded that have gone
 * @saving: the way they go
 * @state_fd: of the transfer
 * @mover: thread of the transfer
 * @moving: it is there
 * @refuse: a request that fails
 * @refuse_value: what it is answered with, 0: 1
 * @config: what it says its configuration is
 * @device: under test
 * @thread: its event loop
 * @stop: eventfd that ends it
 * @client: of the device
 * @fd: the client's memory
 */
struct stand {
	struct fake fake;
	int listener;
	char path[64];
	int kick;
	int call;
	unsigned int calls;
	uint32_t base;
	uint32_t stopped_at;
	unsigned int stopped;
	uint64_t features;
	uint64_t protocol;
	int memory;
	struct vhost_user_region region;
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
	struct vhost_device *device;
	pthread_t thread;
	int stop;
	struct vuser_client *client;
	int fd;
};

/* A back-end that listens; change stand->fake, then go on. */
struct stand *stand_new(void);
/* Make the device, while the back-end answers; as vhost_device_new(). */
int stand_device(struct stand *stand, const struct vhost_device_options *opt);
/* Its event loop, and a client. */
void stand_serve(struct stand *stand);
/* Have the back-end taken away, and wait until that is so. */
void stand_lose_backend(struct stand *stand);
/* Another one at the same path, which it waits for. */
void stand_new_backend(struct stand *stand);
void stand_free(struct stand *stand);

/* Registers in BAR 0, and in configuration space. */
uint64_t stand_read(struct stand *stand, uint64_t offset, uint32_t count);
void stand_write(struct stand *stand, uint64_t offset, uint32_t count,
		 uint64_t value);

/* The client maps STAND_SIZE bytes of memory at STAND_IOVA. */
void stand_map(struct stand *stand);
/* A driver up to FEATURES_OK, with what it accepts; and queue 0 as given. */
void stand_features(struct stand *stand, uint64_t features);
void stand_queue(struct stand *stand, uint64_t desc, uint64_t driver,
		 uint64_t device, uint16_t vector);

/* All of the above but the memory, for a back-end of these features. */
struct stand *stand_setup(const char *type, uint64_t features,
			  uint64_t protocol);
/* A driver up to DRIVER_OK, with queue 0. */
void stand_start(struct stand *stand, uint64_t features);

/* Wait for an eventfd: its count, 0 when nothing came. */
uint64_t stand_event(int fd, int timeout_ms);

#endif
