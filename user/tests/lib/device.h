/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device for the tests of libvuser, served by a thread of its own.
 *
 * Regions: 0 is registers, accesses cut to 8 bytes; 1 is memory in a file, of
 * which pages 1 and 4 to 7 are shared; 2 gets accesses as they come and has
 * ioeventfds; 7 is config space; 9 is of a type of its own.
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
 * Registers of region 0.  A write of an address to DMA_COPY has the device
 * read 8 bytes there and write them, plus one, behind it; DMA_RESULT then
 * reads as the result, 0 or a negative errno.  FAIL fails with ENXIO.
 * FEATURE_MAX etc. are plain memory like the rest.
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

/* A device that waits for clients at @path, or without for device_serve(). */
struct device *device_new(const struct vuser_server_config *config,
			  const char *path);
void device_free(struct device *dev);

/* Stop the thread, to do what belongs to it; and go on. */
void device_pause(struct device *dev);
void device_resume(struct device *dev);

/* A connected socket to @dev, as accept() would give it the other end. */
int device_connect(struct device *dev);

/* Wait until @counter is @value at least; false after a while. */
bool device_await(atomic_uint *counter, unsigned int value);

/* A client of @dev; NULL when that fails. */
struct vuser_client *device_client(struct device *dev,
				   const struct vuser_client_options *opt,
				   const struct vuser_client_ops *ops,
				   void *data);

#endif /* TEST_DEVICE_H */
