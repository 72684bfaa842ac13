// SPDX-License-Identifier: GPL-2.0
/* Steps of migration that several tests share; see the header. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "migrate.h"
#include "../harness.h"

uint8_t mig_stream[STREAM_MAX];
uint8_t mig_backend_state[STATE_LEN];

int mig_go(struct stand *stand, uint32_t to)
{
	struct vfio_device_feature_mig_state state = { .device_state = to };
	ssize_t ret;

	ret = vuser_client_feature(stand->client,
				   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   &state, sizeof(state), sizeof(state));
	return ret < 0 ? ret : 0;
}

int mig_where(struct stand *stand)
{
	struct vfio_device_feature_mig_state state;

	check_eq(vuser_client_feature(
			 stand->client,
			 VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			 &state, 0, sizeof(state)),
		 sizeof(state));
	return state.device_state;
}

/* Read the stream in parts of @part bytes; return its length or -errno. */
ssize_t mig_read(struct stand *stand, size_t part)
{
	size_t len = 0;
	ssize_t got;

	do {
		require(len + part <= sizeof(mig_stream));
		got = vuser_client_mig_read(stand->client, mig_stream + len,
					    part);
		if (got < 0)
			return got;
		len += got;
	} while ((size_t)got == part);
	return len;
}

int mig_write(struct stand *stand, size_t len, size_t part)
{
	size_t pos, n;
	int ret = 0;

	for (pos = 0; pos < len && !ret; pos += n) {
		n = len - pos < part ? len - pos : part;
		ret = vuser_client_mig_write(stand->client, mig_stream + pos,
					     n);
	}
	return ret;
}

struct stand *mig_setup(const char *type, uint64_t protocol)
{
	struct stand *stand = stand_setup(type, ALL, protocol);
	size_t i;

	for (i = 0; i < sizeof(mig_backend_state); i++)
		mig_backend_state[i] = i * 2654435761U >> 13;
	stand->state = mig_backend_state;
	stand->state_len = sizeof(mig_backend_state);
	return stand;
}

void mig_cfg(struct stand *stand, uint64_t offset, void *value, bool write)
{
	const uint32_t config = VFIO_PCI_CONFIG_REGION_INDEX;

	check_eq(write ? vuser_client_write(stand->client, config, offset,
					    value, 4) :
			 vuser_client_read(stand->client, config, offset, value,
					   4),
		 0);
}

/* Run a driver up to DRIVER_OK, and write some more registers. */
void mig_run_source(struct stand *stand)
{
	uint32_t value = PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;

	stand_map(stand);
	mig_cfg(stand, PCI_COMMAND, &value, true);
	value = 0xfe000000;
	mig_cfg(stand, PCI_BASE_ADDRESS_0, &value, true);
	check_eq(vuser_client_write(stand->client, VFIO_PCI_BAR1_REGION_INDEX,
				    16, &value, 4),
		 0);
	stand_start(stand, 0);
	stand_write(stand, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand->stopped_at = 0x8765;
}

/* Return the stream of a running device. */
ssize_t mig_get_stream(const char *type, uint64_t protocol)
{
	struct stand *stand = mig_setup(type, protocol);
	ssize_t len;

	mig_run_source(stand);
	check_eq(mig_go(stand, COPY), 0);
	len = mig_read(stand, 65536);
	stand_free(stand);
	return len;
}
