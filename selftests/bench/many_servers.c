// SPDX-License-Identifier: GPL-2.0
/*
 * Serves many devices in one process, for the benchmark of many devices.  Each
 * device has one BAR and configuration space.  Prints a line when all servers
 * listen.
 *
 * usage: many_servers DIRECTORY COUNT
 *   the servers listen at DIRECTORY/0, DIRECTORY/1 and so on
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#include "row.h"

#define BAR_SIZE 4096

static struct vuser_pci pci;

static int bar_read(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count)
{
	(void)data;
	(void)index;
	(void)offset;
	memset(buf, 0, count);
	return 0;
}

static int bar_write(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count)
{
	(void)data;
	(void)index;
	(void)offset;
	(void)buf;
	(void)count;
	return 0;
}

static int config_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	(void)data;
	(void)index;
	return vuser_pci_read(&pci, offset, buf, count);
}

static int config_write(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	(void)data;
	(void)index;
	return vuser_pci_write(&pci, offset, buf, count);
}

static int reset(void *data)
{
	(void)data;
	return 0;
}

/* All devices show the same configuration space. */
static void make_config(void)
{
	const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = 0x1234,
		.device = 0x0001,
		.class_code = 0xff0000,
	};

	if (vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids) ||
	    vuser_pci_set_bar(&pci, 0, BAR_SIZE, 0))
		die("configuration space");
	vuser_pci_seal(&pci);
}

static void add_regions(struct vuser_server *server)
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

	if (vuser_pci_config_region(&pci, &config))
		die("configuration space");
	config.read = config_read;
	config.write = config_write;
	if (vuser_server_set_region(server, VFIO_PCI_BAR0_REGION_INDEX, &bar) ||
	    vuser_server_set_region(server, VFIO_PCI_CONFIG_REGION_INDEX,
				    &config))
		die("regions");
}

static void serve_one(int epoll, const char *directory, unsigned int number)
{
	const struct vuser_server_ops ops = {
		.struct_size = sizeof(ops),
		.reset = reset,
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
	};
	struct epoll_event event = { .events = EPOLLIN };
	struct vuser_server *server;
	char path[108];

	snprintf(path, sizeof(path), "%s/%u", directory, number);
	if (vuser_server_new(&ops, &config, NULL, &server))
		die("a server");
	add_regions(server);
	if (vuser_server_listen(server, path))
		die(path);
	event.data.ptr = server;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, vuser_server_fd(server), &event))
		die("epoll_ctl");
}

int main(int argc, char **argv)
{
	struct epoll_event event;
	struct rlimit limit;
	unsigned int i, count;
	int epoll;

	if (argc != 3) {
		fprintf(stderr, "usage: many_servers DIRECTORY COUNT\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit");
	make_config();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	count = strtoul(argv[2], NULL, 10);
	for (i = 0; i < count; i++)
		serve_one(epoll, argv[1], i);
	puts("listening");
	fflush(stdout);

	for (;;) {
		if (epoll_wait(epoll, &event, 1, -1) == 1 &&
		    vuser_server_process(event.data.ptr))
			die("vuser_server_process");
	}
}
