/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device for the tests of libvuser, served by its own thread.
 *
 * Region 0 has registers; accesses are split into at most 8 bytes.  Region 1
 * is memory in a file, with pages 1 and 4 to 7 shared.  Region 2 gets each
 * access unsplit, and has ioeventfds.  Region 7 is configuration space.
 * Region 9 has a device-specific type.
 */
#ifndef TEST_DEVICE_H
#define TEST_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include <vuser/client.h>
#include <vuser/pci.h>
#include <vuser/server.h>

#define DEVICE_REGION_SIZE 0x10000
#define DEVICE_SHARED_SIZE 0x10000
#define DEVICE_TYPE	   0x1234
#define DEVICE_SUBTYPE	   0x5678
#define DEVICE_MSIX	   8
#define DEVICE_LOG_PAGE	   8192

/*
 * Registers of region 0.  On a write of an address to DMA_COPY, the device
 * reads 8 bytes at this address, adds one, and writes the result to the 8 bytes
 * after them.  DMA_RESULT then reads as 0 or a negative errno.  FAIL fails
 * with ENXIO.  All other offsets are plain memory.
 */
#define REG_DMA_COPY   0x100
#define REG_DMA_RESULT 0x108
#define REG_FAIL       0x110

struct device {
	struct vuser_server *server;
	struct vuser_pci pci;
	pthread_t thread;
	int stop_fd;
	int memory_fd;
	int io_fds[2];
	uint8_t regs[DEVICE_REGION_SIZE];
	uint8_t raw[DEVICE_REGION_SIZE];
	uint8_t memory[DEVICE_SHARED_SIZE];
	atomic_uint nr_reads;
	atomic_uint nr_writes;
	atomic_uint last_count;
	atomic_uint connects;
	atomic_uint disconnects;
	atomic_int last_error;
	atomic_uint resets;
	atomic_uint maps;
	atomic_uint unmaps;
	atomic_uint irq_states;
	atomic_int refuse_map;
	atomic_uint warnings;
	uint32_t mig_state;
	atomic_ullong mig_steps;
	atomic_uint mig_refuse;
	atomic_int logging;
	atomic_uint reports;
	atomic_ullong last_iova;
};

/*
 * Create a device that listens at @path, or a device for device_connect() if
 * @path is NULL.
 */
struct device *device_new(const struct vuser_server_config *config,
			  const char *path);
void device_free(struct device *dev);

/*
 * Stop the thread, so that the caller may serve in its place; start it again.
 */
void device_pause(struct device *dev);
void device_resume(struct device *dev);

/* Connect a socket pair to @dev and return the client's end, or an errno. */
int device_connect(struct device *dev);

/* Wait until @counter is at least @value; return false on timeout. */
bool device_await(atomic_uint *counter, unsigned int value);

/* Create a client of @dev; return NULL on failure. */
struct vuser_client *device_client(struct device *dev,
				   const struct vuser_client_options *opt,
				   const struct vuser_client_ops *ops,
				   void *data);

#endif /* TEST_DEVICE_H */
