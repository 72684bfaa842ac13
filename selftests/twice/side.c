// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "twice.h"

int pair_find(struct pair *pair, const char *model, int type)
{
	const char *list = getenv("TWICE"), *word;
	char key[32], *id;
	int i;

	snprintf(key, sizeof(key), "%s=", model);
	word = list ? strstr(list, key) : NULL;
	if (!word)
		return -ENOENT;
	*pair = (struct pair) { .model = model };
	id = strndup(word + strlen(key), strcspn(word + strlen(key), " "));
	for (i = 0; i < NR_SIDES; i++)
		pair->side[i] = (struct side) {
			.name = i == PHYSICAL ? "vfio-pci" : "vuser",
			.id = strsep(&id, ","),
			.dev = VFIO_DEV_INIT,
			.type = type,
		};
	return pair->side[VUSER].id ? 0 : -ENOENT;
}

/* Opens /dev/vfio/N of a PCI device; a descriptor or -errno. */
static int open_pci_group(const char *address)
{
	char link[PATH_MAX], target[PATH_MAX] = "", path[PATH_MAX];
	int fd;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group",
		 address);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(target, '/'));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_fds(struct side *side)
{
	struct vfio_dev *dev = &side->dev;
	int ret;

	dev->container = container_open();
	if (dev->container < 0)
		return dev->container;
	dev->group = strchr(side->id, ':') ? open_pci_group(side->id) :
					     group_open(side->id);
	if (dev->group < 0)
		return dev->group;
	ret = group_attach(dev->group, dev->container);
	if (ret)
		return ret;
	if (ioctl(dev->container, VFIO_SET_IOMMU, side->type))
		return -errno;
	dev->device = group_device(dev->group, side->id);
	return dev->device < 0 ? dev->device : 0;
}

int side_open(struct side *side)
{
	int i, ret = open_fds(side);

	/* side_close() closes them if there is a container. */
	for (i = 0; i < NR_EVENTS; i++)
		side->events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	side->unmask = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	side->irqs_changed = false;
	return ret;
}

void side_close(struct side *side)
{
	int i;

	if (side->dev.container < 0)
		return;
	for (i = 0; i < NR_EVENTS; i++)
		close(side->events[i]);
	close(side->unmask);
	vfio_dev_close(&side->dev);
}

int pair_open(struct pair *pair)
{
	int i, ret = 0;

	for (i = 0; i < NR_SIDES && !ret; i++) {
		ret = side_open(&pair->side[i]);
		if (ret)
			fprintf(stderr, "# cannot open %s of %s: %s\n",
				pair->side[i].name, pair->model,
				strerror(-ret));
	}
	return ret;
}

void pair_close(struct pair *pair)
{
	int i;

	for (i = 0; i < NR_SIDES; i++)
		side_close(&pair->side[i]);
}

int side_enable_irqs(struct side *side, uint32_t index)
{
	struct vfio_irq_info info;
	int *fds, ret = 0;
	uint32_t i;

	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		irq_disable(side->dev.device, i);
	side->irqs_changed = false;
	if (irq_info(side->dev.device, index, &info) || !info.count)
		return 0;
	fds = calloc(info.count, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	for (i = 0; i < info.count; i++)
		fds[i] = side->events[i % NR_EVENTS];
	ret = irq_set_eventfds(side->dev.device, index, 0, info.count, fds);
	free(fds);
	return ret;
}

void *guarded(size_t size)
{
	static char *page;

	if (!page) {
		page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED ||
		    mprotect(page + PAGE, PAGE, PROT_NONE))
			abort();
	}
	return page + PAGE - size;
}

int other_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd;
}
