// SPDX-License-Identifier: GPL-2.0
/*
 * The client of the control plane: replies, errors with their texts,
 * notifications, valid or broken, in any order.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../vuserd/device.h"
#include "../../vuserd/fdmsg.h"
#include "../../vuserd/log.h"
#include "netlink.h"

static struct vnl_sock owner;
static struct device_table devices = { .owner = &owner };
static struct fdmsg_queue queue;
static struct device device;

/* Functions of vuserd that the code under test calls. */
struct device *device_find(struct device_table *unused, uint32_t id)
{
	(void)unused;
	return id % 2 ? &device : NULL;
}

static void defer(void *unused)
{
	(void)unused;
}

/* Format the line, so that the sanitizers see its arguments, and discard it. */
void log_line(const char *level, const char *fmt, ...)
{
	static char line[1024];
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
}

static void resync(void *unused)
{
	(void)unused;
}

static const struct fdmsg_ops fdmsg_ops = {
	.defer = defer,
	.resync = resync,
};

static void check_dev(const struct vnl_dev *dev)
{
	FUZZ_CHECK(strlen(dev->uuid) == 36);
	FUZZ_CHECK(memchr(dev->endpoint, 0, sizeof(dev->endpoint)));
	FUZZ_CHECK(memchr(dev->error, 0, sizeof(dev->error)));
	FUZZ_CHECK(memchr(dev->replacement, 0, sizeof(dev->replacement)));
	FUZZ_CHECK(memchr(dev->replace_error, 0, sizeof(dev->replace_error)));
	FUZZ_CHECK(memchr(dev->pci_address, 0, sizeof(dev->pci_address)));
	FUZZ_CHECK(dev->nr_regions <= VNL_MAX_REGIONS);
	FUZZ_CHECK(dev->nr_irqs <= VNL_MAX_IRQS);
	FUZZ_CHECK(dev->config_size <= sizeof(dev->config));
	vnl_name_state(dev->state);
	vnl_name_mmap(dev->mmap);
	vnl_name_reset(dev->reset);
	vnl_name_pci_setup(dev->pci_setup);
	vnl_name_dma_backing(dev->dma_backing);
	vnl_name_dma_holes(dev->dma_holes);
	vnl_name_on_loss(dev->on_loss);
	vnl_name_state_kept(dev->state_kept);
	vnl_name_replacing(dev->replacing);
}

static int on_dev(void *data, const struct vnl_dev *dev)
{
	unsigned int *nr = data;

	check_dev(dev);
	return ++*nr == 3;
}

static int on_event(void *data, const struct vnl_msg *msg)
{
	struct vnl_dev dev;

	(void)data;
	if (!msg)
		return 0;
	if (msg->cmd == VUSER_CMD_FDMSG_NTF)
		fdmsg_add(&queue, msg);
	else if (!vnl_dev_parse(msg, &dev))
		check_dev(&dev);
	return 0;
}

static void use(struct vnl_sock *nl, uint8_t what)
{
	struct vnl_dev dev;
	unsigned int nr = 0;
	int ret = 0;

	switch (what % 5) {
	case 0:
		ret = vnl_dev_get(nl, 1, &dev);
		if (!ret)
			check_dev(&dev);
		break;
	case 1:
		ret = vnl_dev_dump(nl, on_dev, &nr);
		break;
	case 2:
		ret = vnl_sock_notifications(nl);
		break;
	case 3:
		ret = fdmsg_dump(&queue, nl);
		break;
	default:
		fdmsg_send(&queue);
	}
	FUZZ_CHECK(!ret || vnl_sock_error(nl, ret)[0]);
	FUZZ_CHECK(memchr(nl->error, 0, sizeof(nl->error)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in uses = { data, size };
	size_t nr_uses = fuzz_u8(&uses) % 8, left;
	struct vnl_sock *nl = &owner;

	left = nr_uses;
	data = fuzz_bytes(&uses, &left);
	netlink_open(nl, uses.pos, uses.left);
	nl->notify = on_event;
	queue = (struct fdmsg_queue) {
		.ops = &fdmsg_ops,
		.devices = &devices,
		.null_fd = -1,
	};
	device.table = &devices;
	device.owned = true;
	while (left--)
		use(nl, *data++);
	vnl_sock_close(nl);
	fdmsg_free(&queue);
	return 0;
}
