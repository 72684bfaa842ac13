// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "model.h"

int model_start(struct testdev *td, const char *option)
{
	const char *const args[] = { "--model", option, NULL };

	return testdev_start(td, args);
}

int model_open(struct testdev *td, struct vfio_dev *dev)
{
	return vfio_dev_open(dev, td->uuid, VFIO_TYPE1v2_IOMMU);
}

uint32_t config_get(int device, uint32_t pos, uint32_t size)
{
	uint32_t val = 0;

	if (region_get(device, CONFIG, pos, &val, size))
		return UINT32_MAX;
	return val;
}

int config_put(int device, uint32_t pos, uint32_t val, uint32_t size)
{
	return region_put(device, CONFIG, pos, &val, size);
}

uint32_t in_device(struct testdev *td, uint32_t pos, uint32_t size)
{
	if (testdev_cmd(td, "peek %u %u %u", CONFIG, pos, size))
		return UINT32_MAX;
	return strtoull(testdev_reply(), NULL, 0);
}

uint32_t find_cap(int device, uint8_t id)
{
	uint32_t pos = config_get(device, PCI_CAPABILITY_LIST, 1), n;

	for (n = 0; pos && n < 48; n++) {
		if (config_get(device, pos, 1) == id)
			return pos;
		pos = config_get(device, pos + PCI_CAP_LIST_NEXT, 1);
	}
	return 0;
}

uint32_t read_id(int device)
{
	uint32_t id = 0;

	return region_get(device, BAR(0), TESTDEV_REG_ID, &id, 4) ? 0 : id;
}

const char *fire(struct testdev *td, uint32_t vector)
{
	return testdev_cmd(td, "raise %u", vector) ? "error" : testdev_reply();
}
