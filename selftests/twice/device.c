// SPDX-License-Identifier: GPL-2.0
/* Operations: the ioctls of the device other than SET_IRQS. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "twice.h"

#define ROOM 256

/* An ioctl whose structure begins with argsz; the rest is 0x55 or @words. */
static void info_ioctl(struct side *side, unsigned long cmd, uint64_t argsz,
		       const uint32_t *words, size_t nr, struct result *res)
{
	uint32_t buf[ROOM / 4];

	memset(buf, 0x55, sizeof(buf));
	buf[0] = argsz;
	memcpy(buf + 1, words, nr * sizeof(*words));
	if (!result_ret(res, ioctl(side->dev.device, cmd, buf)))
		result_words(res, buf, 20 * sizeof(*buf));
}

/* The same of memory that ends after @room bytes. */
static void short_ioctl(struct side *side, unsigned long cmd, uint64_t room,
			struct result *res)
{
	void *buf = guarded(room);

	memset(buf, 0, room);
	if (room >= 4)
		memcpy(buf, &(uint32_t) { PAGE }, 4);
	result_ret(res, ioctl(side->dev.device, cmd, buf));
}

static void get_info(struct side *side, const uint64_t *args,
		     struct result *res)
{
	info_ioctl(side, VFIO_DEVICE_GET_INFO, args[0], NULL, 0, res);
}

static void get_region_info(struct side *side, const uint64_t *args,
			    struct result *res)
{
	uint32_t words[] = { 0x55555555, args[0] };

	info_ioctl(side, VFIO_DEVICE_GET_REGION_INFO, args[1], words, NR(words),
		   res);
}

static void get_irq_info(struct side *side, const uint64_t *args,
			 struct result *res)
{
	uint32_t words[] = { 0x55555555, args[0] };

	info_ioctl(side, VFIO_DEVICE_GET_IRQ_INFO, args[1], words, NR(words),
		   res);
}

static const unsigned long commands[] = {
	VFIO_DEVICE_GET_INFO,
	VFIO_DEVICE_GET_REGION_INFO,
	VFIO_DEVICE_GET_IRQ_INFO,
	VFIO_DEVICE_SET_IRQS,
	VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
	VFIO_DEVICE_PCI_HOT_RESET,
	VFIO_DEVICE_FEATURE,
};

static void ioctl_of_short_memory(struct side *side, const uint64_t *args,
				  struct result *res)
{
	short_ioctl(side, commands[args[0] % NR(commands)],
		    args[1] % (PAGE + 1), res);
}

static void hot_reset_info(struct side *side, const uint64_t *args,
			   struct result *res)
{
	uint32_t words[] = { 0, 0 };

	info_ioctl(side, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, args[0], words,
		   NR(words), res);
}

static void hot_reset(struct side *side, const uint64_t *args,
		      struct result *res)
{
	uint32_t words[] = { args[1], args[2], side->dev.group };

	info_ioctl(side, VFIO_DEVICE_PCI_HOT_RESET, args[0], words, NR(words),
		   res);
}

static void ioeventfd(struct side *side, const uint64_t *args,
		      struct result *res)
{
	struct vfio_device_ioeventfd io = {
		.argsz = args[0],
		.flags = args[1],
		.offset = region_offset(side->dev.device, 0),
		.fd = args[2],
	};

	result_ret(res, ioctl(side->dev.device, VFIO_DEVICE_IOEVENTFD, &io));
}

/* Low power is only probed: a device in it would answer nothing afterwards. */
static void feature(struct side *side, const uint64_t *args, struct result *res)
{
	uint32_t feature = args[0] & VFIO_DEVICE_FEATURE_MASK;
	uint32_t words[] = { feature | (args[1] & ~VFIO_DEVICE_FEATURE_MASK) };

	if (feature >= VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY &&
	    feature <= VFIO_DEVICE_FEATURE_LOW_POWER_EXIT)
		words[0] |= VFIO_DEVICE_FEATURE_PROBE;
	info_ioctl(side, VFIO_DEVICE_FEATURE, args[2], words, NR(words), res);
}

static void other_ioctl(struct side *side, const uint64_t *args,
			struct result *res)
{
	int fds[] = { side->dev.device, side->dev.container, side->dev.group };
	/* Of no container, group or device. */
	static const int numbers[] = { 22, 23, 24, 30, 40, 63, 99 };
	unsigned long cmd =
		_IO(VFIO_TYPE, VFIO_BASE + numbers[args[1] % NR(numbers)]);
	char room[ROOM] = {};

	result_ret(res, ioctl(fds[args[0] % NR(fds)], cmd, room));
}

static void reset(struct side *side, const uint64_t *args, struct result *res)
{
	result_ret(res, ioctl(side->dev.device, VFIO_DEVICE_RESET));
}

static const uint64_t once[] = { 0 };
static const uint64_t argsz_info[] = { 0, 15, 16, 17, 19, 20, 24, 200, -1U };
static const uint64_t argsz_region[] = {
	0, 16, 31, 32, 33, 40, 47, 48, 64, 200
};
static const uint64_t argsz_irq[] = { 0, 12, 15, 16, 17, 64 };
static const uint64_t argsz_hot[] = { 0, 8, 11, 12, 24, 64 };
static const uint64_t argsz_feature[] = { 0, 7, 8, 9, 16, 24, 200 };
static const uint64_t regions[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000, -1U
};
static const uint64_t irqs[] = { 0, 1, 2, 3, 4, 5, 1000, -1U };
static const uint64_t rooms[] = { 0,  4,  7,  8,  11, 12, 15, 16,
				  19, 20, 23, 24, 31, 32, 64 };
static const uint64_t which[] = { 0, 1, 2, 3, 4, 5, 6 };
static const uint64_t few[] = { 0, 1, 2 };
static const uint64_t features[] = { 0, 1, 2, 3,  4,  5,      6,
				     7, 8, 9, 10, 11, 0x1000, 0xffff };
static const uint64_t feature_flags[] = {
	0,
	VFIO_DEVICE_FEATURE_GET,
	VFIO_DEVICE_FEATURE_SET,
	VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET,
	VFIO_DEVICE_FEATURE_PROBE,
	VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
	VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
	VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
		VFIO_DEVICE_FEATURE_SET,
	1 << 19,
};
static const uint64_t ioeventfd_flags[] = { 0, 1, 4, 5, 15, 16 };
static const uint64_t ioeventfd_argsz[] = { 0, 31, 32 };
static const uint64_t ioeventfd_fds[] = { -2U, -1U, 1000 };

const struct op device_ops[] = {
	{ "get_info", get_info, { ARG("argsz", argsz_info) } },
	{ "get_region_info",
	  get_region_info,
	  { ARG("index", regions), ARG("argsz", argsz_region) } },
	{ "get_irq_info",
	  get_irq_info,
	  { ARG("index", irqs), ARG("argsz", argsz_irq) } },
	{ "ioctl_of_short_memory",
	  ioctl_of_short_memory,
	  { ARG("ioctl", which), ARG("room", rooms) } },
	{ "hot_reset_info", hot_reset_info, { ARG("argsz", argsz_hot) } },
	{ "hot_reset",
	  hot_reset,
	  { ARG("argsz", argsz_hot), ARG("flags", few), ARG("count", few) } },
	{ "ioeventfd",
	  ioeventfd,
	  { ARG("argsz", ioeventfd_argsz), ARG("flags", ioeventfd_flags),
	    ARG("fd", ioeventfd_fds) } },
	{ "feature",
	  feature,
	  { ARG("feature", features), ARG("flags", feature_flags),
	    ARG("argsz", argsz_feature) } },
	{ "other_ioctl",
	  other_ioctl,
	  { ARG("file", few), ARG("number", which) } },
	{ "reset", reset, { ARG("nothing", once) } },
	{}
};
