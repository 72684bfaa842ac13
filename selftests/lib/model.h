/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device as a model that honors its configuration space (testdev/model.h), and what
 * the consumer and the device see in that space.  Only the kernel sets the device up.
 */
#ifndef SELFTESTS_MODEL_H
#define SELFTESTS_MODEL_H

#include <linux/pci_regs.h>

#include "testdev.h"
#include "vfio.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define INTX   VFIO_PCI_INTX_IRQ_INDEX
#define MSI    VFIO_PCI_MSI_IRQ_INDEX
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX

#define BAR_POS(n) (PCI_BASE_ADDRESS_0 + 4 * (n))

/* Starts a model with one more option for its server, or with NULL. */
int model_start(struct testdev *td, const char *option);
int model_open(struct testdev *td, struct vfio_dev *dev);

/* Configuration space as the consumer sees it; all ones if it cannot be read. */
uint32_t config_get(int device, uint32_t pos, uint32_t size);
int config_put(int device, uint32_t pos, uint32_t val, uint32_t size);
/* The offset of a capability; 0 if there is none. */
uint32_t find_cap(int device, uint8_t id);

/* A register of configuration space in the device; all ones if it cannot be read. */
uint32_t in_device(struct testdev *td, uint32_t pos, uint32_t size);
/* Reads the first register of BAR 0: all ones if decoding is off, 0 on an error. */
uint32_t read_id(int device);
/* Requests an interrupt of the device; returns the kind of interrupt that it sends. */
const char *fire(struct testdev *td, uint32_t vector);

/* A model that is open. */
#define OPEN_MODEL_FIXTURE                                       \
	FIXTURE(open)                                            \
	{                                                        \
		struct testdev td;                               \
		struct vfio_dev dev;                             \
		int device;                                      \
	};                                                       \
                                                                 \
	FIXTURE_SETUP(open)                                      \
	{                                                        \
		ASSERT_EQ(0, model_start(&self->td, NULL));      \
		ASSERT_EQ(0, model_open(&self->td, &self->dev)); \
		self->device = self->dev.device;                 \
	}                                                        \
                                                                 \
	FIXTURE_TEARDOWN(open)                                   \
	{                                                        \
		vfio_dev_close(&self->dev);                      \
		testdev_stop(&self->td);                         \
	}

#endif /* SELFTESTS_MODEL_H */
