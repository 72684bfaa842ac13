/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gpio: a device with registers, an interrupt and DMA.
 *
 * The device has 32 output pins and 32 input pins.  An inverter connects each
 * output to the input of the same number.  BAR 0 has these registers, each of
 * 32 bits:
 *
 *   00h  OUT      rw    levels of the output pins
 *   04h  IN       ro    levels of the input pins
 *   08h  CHANGED  rw1c  input pins that have changed; write 1 to clear
 *   0Ch  ENABLE   rw    input pins that raise the interrupt (INTx) on a change
 *   10h  ADDRESS  rw    address in the driver's memory, low half, then high half
 *   18h  PLAY     rw    write N: for each of the N words at ADDRESS, set OUT to
 *                       the word, and replace the word by IN.  Reads as the
 *                       number of words that were done.
 *
 * usage: gpio SOCKET
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#define BAR_SIZE 4096

enum reg {
	OUT,
	IN,
	CHANGED,
	ENABLE,
	ADDRESS,
	ADDRESS_HIGH,
	PLAY,
	NR_REGS
};

struct gpio {
	struct vuser_pci pci;
	struct vuser_server *server;
	uint32_t regs[NR_REGS];
};

static void set_pins(struct gpio *gpio, uint32_t out)
{
	uint32_t *regs = gpio->regs;
	uint32_t changed = ~out ^ regs[IN];

	regs[OUT] = out;
	regs[IN] = ~out;
	regs[CHANGED] |= changed;
	/* -ENOENT: the driver has not enabled the interrupt. */
	if (changed & regs[ENABLE])
		vuser_irq_trigger(gpio->server, VFIO_PCI_INTX_IRQ_INDEX, 0);
}

static void clear_changed(struct gpio *gpio, uint32_t pins)
{
	gpio->regs[CHANGED] &= ~pins;
	if (!(gpio->regs[CHANGED] & gpio->regs[ENABLE]))
		vuser_irq_clear(gpio->server, VFIO_PCI_INTX_IRQ_INDEX, 0);
}

static void play(struct gpio *gpio, uint32_t count)
{
	uint32_t *regs = gpio->regs;
	uint64_t iova = regs[ADDRESS] | (uint64_t)regs[ADDRESS_HIGH] << 32;
	uint32_t word;

	regs[PLAY] = 0;
	if (!vuser_pci_bus_master(&gpio->pci))
		return;
	for (; regs[PLAY] < count; regs[PLAY]++, iova += sizeof(word)) {
		if (vuser_dma_read(gpio->server, iova, &word, sizeof(word)))
			return;
		set_pins(gpio, word);
		word = regs[IN];
		if (vuser_dma_write(gpio->server, iova, &word, sizeof(word)))
			return;
	}
}

static int bar_read(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count)
{
	struct gpio *gpio = data;

	memset(buf, 0, count);
	if (offset < sizeof(gpio->regs))
		memcpy(buf, (char *)gpio->regs + offset, count);
	return 0;
}

static int bar_write(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count)
{
	struct gpio *gpio = data;
	uint32_t value;

	if (count != sizeof(value))
		return -EINVAL;
	memcpy(&value, buf, sizeof(value));
	switch (offset / sizeof(value)) {
	case OUT:
		set_pins(gpio, value);
		break;
	case CHANGED:
		clear_changed(gpio, value);
		break;
	case ENABLE:
	case ADDRESS:
	case ADDRESS_HIGH:
		gpio->regs[offset / sizeof(value)] = value;
		break;
	case PLAY:
		play(gpio, value);
		break;
	}
	return 0;
}

static int reset(void *data)
{
	struct gpio *gpio = data;

	vuser_pci_reset(&gpio->pci);
	vuser_irq_clear(gpio->server, VFIO_PCI_INTX_IRQ_INDEX, 0);
	memset(gpio->regs, 0, sizeof(gpio->regs));
	gpio->regs[IN] = ~0U;
	return 0;
}

static int config_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	struct gpio *gpio = data;

	return vuser_pci_read(&gpio->pci, offset, buf, count);
}

static int config_write(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	struct gpio *gpio = data;

	return vuser_pci_write(&gpio->pci, offset, buf, count);
}

static int make_config(struct gpio *gpio)
{
	const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = 0x1234,
		.device = 0x0002,
		.class_code = 0xff0000,
	};
	int ret;

	ret = vuser_pci_init(&gpio->pci, VUSER_PCI_CFG_SIZE, &ids);
	if (!ret)
		ret = vuser_pci_set_bar(&gpio->pci, 0, BAR_SIZE, 0);
	vuser_pci_set_intx(&gpio->pci, 1);
	vuser_pci_seal(&gpio->pci);
	return ret;
}

static int add_regions(struct gpio *gpio)
{
	struct vuser_server_region bar = {
		.struct_size = sizeof(bar),
		.size = BAR_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		/* The callbacks get aligned accesses of at most 4 bytes. */
		.access_max = 4,
		.read = bar_read,
		.write = bar_write,
		.fd = -1,
	};
	struct vuser_server_region config = { .struct_size = sizeof(config) };
	int ret;

	ret = vuser_server_set_region(gpio->server, VFIO_PCI_BAR0_REGION_INDEX,
				      &bar);
	if (ret)
		return ret;
	ret = vuser_pci_config_region(&gpio->pci, &config);
	if (ret)
		return ret;
	config.read = config_read;
	config.write = config_write;
	return vuser_server_set_region(gpio->server,
				       VFIO_PCI_CONFIG_REGION_INDEX, &config);
}

static int add_interrupt(struct gpio *gpio)
{
	return vuser_server_set_irqs(gpio->server, VFIO_PCI_INTX_IRQ_INDEX,
				     VFIO_IRQ_INFO_EVENTFD |
					     VFIO_IRQ_INFO_MASKABLE |
					     VFIO_IRQ_INFO_AUTOMASKED,
				     1);
}

static int start(struct gpio *gpio, const char *path)
{
	const struct vuser_server_ops ops = {
		.struct_size = sizeof(ops),
		.reset = reset,
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
	};
	int ret;

	ret = make_config(gpio);
	if (!ret)
		ret = vuser_server_new(&ops, &config, gpio, &gpio->server);
	if (!ret)
		ret = add_regions(gpio);
	if (!ret)
		ret = add_interrupt(gpio);
	if (!ret)
		ret = reset(gpio);
	if (!ret)
		ret = vuser_server_listen(gpio->server, path);
	return ret;
}

int main(int argc, char **argv)
{
	struct pollfd poll_fd = { .events = POLLIN };
	static struct gpio gpio;
	int ret;

	if (argc != 2)
		errx(1, "usage: gpio SOCKET");
	ret = start(&gpio, argv[1]);
	if (ret)
		errx(1, "%s: %s", argv[1], strerror(-ret));

	poll_fd.fd = vuser_server_fd(gpio.server);
	while (!ret) {
		if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
			err(1, "poll");
		ret = vuser_server_process(gpio.server);
	}
	vuser_server_free(gpio.server);
	errx(1, "cannot accept clients any more: %s", strerror(-ret));
}
