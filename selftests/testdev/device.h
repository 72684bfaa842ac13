/* SPDX-License-Identifier: GPL-2.0 */
/* The device that testdev.h describes, served with libvuser. */
#ifndef TESTDEV_DEVICE_H
#define TESTDEV_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#include "area.h"
#include "testdev.h"

#define NR_BARS	     6
#define MAX_DMA_LIST 65536

struct options {
	struct vuser_server_config server;
	unsigned int dma_limit; /* refuse more with EINVAL; 0: no limit */
	bool no_reset;
	bool no_io_fds;
	bool shadow_io_fds;
	enum area_kind areas;
	uint32_t bar4_size; /* 0: TESTDEV_BAR4_SIZE */
	bool plain_intx; /* INTx has no masks */
	bool small_msix; /* BAR 1 is one page, with registers */
	uint32_t msix_bar; /* what the capability names; 0: BAR 1 */
	bool model; /* see model.h */
	bool literal; /* registers store what is written, as libvfio-user's */
	bool pm_reset; /* the way from D3 to D0 resets the device */
	bool no_table; /* BAR 1 reads as ones, and vectors need no entry */
	bool has_last_write; /* VFIO_USER_FEATURE_LAST_WRITE, with @last_write at first */
	uint32_t last_write;
	const char *broken; /* how configuration space is broken; NULL: not */
};

struct device {
	struct vuser_server *server;
	struct options opt;
	struct vuser_pci pci;
	struct vuser_msix msix;
	uint8_t *bars[NR_BARS];
	uint8_t rom[TESTDEV_ROM_SIZE];
	uint8_t typed[TESTDEV_TYPED_SIZE];
	int memfds[NR_BARS];
	char mig_record; /* kind of the record that is saved or loaded; 0: none */
	size_t mig_done; /* bytes of this record */
	bool mig_stopped; /* in state STOP_COPY */
	bool mig_early; /* a record was begun */
	bool mig_ended; /* the last record was begun, or loaded */
	_Atomic uint32_t mig_state; /* what the device changed to last */
	_Atomic bool mig_endless; /* the state has no end */
	int doorbells[TESTDEV_NR_DOORBELLS];
	uint64_t reads;
	_Atomic uint32_t last_write; /* message ID of the last posted write */

	/* The control thread uses the members below as well. */
	pthread_mutex_t lock;
	unsigned int nr_dma;
	struct vuser_dma_region dma[MAX_DMA_LIST];
	uint64_t onread_iova;
	bool onread;
	bool onmap; /* read a mapping before the reply to DMA_MAP */
	int onmap_result;
	uint64_t onmap_value;
};

/* Set up the device without its socket; return 0 or -errno. */
int device_init(struct device *dev, const struct options *opt);

/* Return the memory of @size bytes of a region, or NULL. */
uint8_t *device_memory(struct device *dev, uint32_t index, uint64_t offset,
		       uint32_t size);

#endif /* TESTDEV_DEVICE_H */
