/* SPDX-License-Identifier: GPL-2.0 */
/* Steps of migration that several tests share. */
#ifndef TESTS_MIGRATE_H
#define TESTS_MIGRATE_H

#include "stand.h"

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR

#define ALL UINT64_MAX
/* Nothing follows the device's state in the stream. */
#define NO_STATE                               \
	(~(VHOST_USER_PROTOCOL(DEVICE_STATE) | \
	   VHOST_USER_PROTOCOL(GET_VRING_BASE_INFLIGHT)))
#define NO_INFLIGHT (~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD))

#define STREAM_MAX (1 << 20)
#define STATE_LEN  200000

/* The stream that mig_read() fills and mig_write() sends. */
extern uint8_t mig_stream[STREAM_MAX];
/* The state of each back end. */
extern uint8_t mig_backend_state[STATE_LEN];

/* Set up a stand whose back end has mig_backend_state. */
struct stand *mig_setup(const char *type, uint64_t protocol);
/* Change the migration state; return 0 or -errno. */
int mig_go(struct stand *stand, uint32_t to);
/* Return the migration state. */
int mig_where(struct stand *stand);
/*
 * Read the complete stream in parts of @part bytes; return its length or
 * -errno.
 */
ssize_t mig_read(struct stand *stand, size_t part);
/* Write @len bytes of the stream in parts; return 0 or -errno. */
int mig_write(struct stand *stand, size_t len, size_t part);
/* Run a driver up to DRIVER_OK, and write some more registers. */
void mig_run_source(struct stand *stand);
/*
 * Run a source as mig_run_source() does, read its stream, and free it. Return the
 * length of the stream.
 */
ssize_t mig_get_stream(const char *type, uint64_t protocol);

/* Read or write four bytes of configuration space. */
void mig_cfg(struct stand *stand, uint64_t offset, void *value, bool write);

#endif /* TESTS_MIGRATE_H */
