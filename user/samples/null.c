/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * null: the smallest device.
 *
 * A PCI device with one BAR of 4 KiB.  Reads of the BAR return 0, and writes are
 * ignored.
 *
 * usage: null SOCKET
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#define BAR_SIZE 4096

static struct vuser_pci pci;

static int bar_read(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count)
{
	memset(buf, 0, count);
	return 0;
}

static int bar_write(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count)
{
	return 0;
}

static int config_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	return vuser_pci_read(&pci, offset, buf, count);
}

static int config_write(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	return vuser_pci_write(&pci, offset, buf, count);
}

static int reset(void *data)
{
	vuser_pci_reset(&pci);
	return 0;
}

/* Configuration space: the IDs of the device, and a BAR that a driver can size. */
static int make_config(void)
{
	const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = 0x1234,
		.device = 0x0001,
		.class_code = 0xff0000,
	};
	int ret;

	ret = vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids);
	if (!ret)
		ret = vuser_pci_set_bar(&pci, 0, BAR_SIZE, 0);
	vuser_pci_seal(&pci);
	return ret;
}

/* The regions of the device: BAR 0 and configuration space. */
static int add_regions(struct vuser_server *server)
{
	struct vuser_server_region bar = {
		.struct_size = sizeof(bar),
		.size = BAR_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.read = bar_read,
		.write = bar_write,
		.fd = -1,
	};
	struct vuser_server_region config = { .struct_size = sizeof(config) };
	int ret;

	ret = vuser_server_set_region(server, VFIO_PCI_BAR0_REGION_INDEX, &bar);
	if (ret)
		return ret;
	ret = vuser_pci_config_region(&pci, &config);
	if (ret)
		return ret;
	config.read = config_read;
	config.write = config_write;
	return vuser_server_set_region(server, VFIO_PCI_CONFIG_REGION_INDEX,
				       &config);
}

int main(int argc, char **argv)
{
	const struct vuser_server_ops ops = {
		.struct_size = sizeof(ops),
		.reset = reset,
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
	};
	struct vuser_server *server;
	struct pollfd poll_fd = { .events = POLLIN };
	int ret;

	if (argc != 2)
		errx(1, "usage: null SOCKET");
	ret = make_config();
	if (!ret)
		ret = vuser_server_new(&ops, &config, NULL, &server);
	if (!ret)
		ret = add_regions(server);
	if (!ret)
		ret = vuser_server_listen(server, argv[1]);
	if (ret)
		errx(1, "%s: %s", argv[1], strerror(-ret));

	poll_fd.fd = vuser_server_fd(server);
	while (!ret) {
		if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
			err(1, "poll");
		ret = vuser_server_process(server);
	}
	vuser_server_free(server);
	errx(1, "cannot accept clients any more: %s", strerror(-ret));
}
