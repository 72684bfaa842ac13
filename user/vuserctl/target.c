// SPDX-License-Identifier: GPL-2.0
/* Find the devices that the user names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "target.h"

struct search {
	const char *address;
	bool found;
	uint32_t id;
};

static int match(void *data, const struct vnl_dev *dev)
{
	struct search *search = data;

	search->found = !strcasecmp(dev->pci_address, search->address);
	search->id = dev->id;
	return search->found;
}

static int find_address(struct ctl *ctl, const char *address,
			struct vnl_dev *dev)
{
	struct search search = { .address = address };
	int ret;

	ret = vnl_dev_dump(&ctl->nl, match, &search);
	if (ret)
		return ret;
	if (!search.found)
		return -ENODEV;
	return vnl_dev_get(&ctl->nl, search.id, dev);
}

int target_find(struct ctl *ctl, const char *name, struct vnl_dev *dev)
{
	int ret;

	ret = vnl_dev_get_uuid(&ctl->nl, name, dev);
	if (ret == -EINVAL)
		ret = find_address(ctl, name, dev);
	if (ret == -ENODEV)
		return ctl_fail(
			EX_NOINPUT,
			"there is no device %s: list the devices with vuserctl list, or create one with vuserctl create",
			name);
	if (ret)
		return ctl_fail(exit_status(ret), "%s: %s", name,
				vnl_sock_error(&ctl->nl, ret));
	return 0;
}

static int add(void *data, const struct vnl_dev *dev)
{
	struct targets *targets = data;
	struct vnl_dev *grown;

	grown = reallocarray(targets->devs, targets->nr + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	targets->devs = grown;
	targets->devs[targets->nr++] = *dev;
	return 0;
}

/* A dump lacks some members, so ask for each device. */
static int find_all(struct ctl *ctl, struct targets *targets)
{
	size_t i, left = 0;
	int ret;

	ret = vnl_dev_dump(&ctl->nl, add, targets);
	for (i = 0; i < targets->nr && !ret; i++) {
		ret = vnl_dev_get(&ctl->nl, targets->devs[i].id,
				  &targets->devs[left]);
		if (!ret)
			left++;
		/* The device was removed meanwhile. */
		if (ret == -ENODEV)
			ret = 0;
	}
	targets->nr = left;
	if (ret)
		return ctl_fail(exit_status(ret), "cannot list the devices: %s",
				vnl_sock_error(&ctl->nl, ret));
	return 0;
}

int target_all(struct ctl *ctl, char **names, int nr, struct targets *targets)
{
	int i, ret, status = 0;

	memset(targets, 0, sizeof(*targets));
	targets->single = nr == 1;
	if (!nr)
		return find_all(ctl, targets);
	targets->devs = calloc(nr, sizeof(*targets->devs));
	if (!targets->devs)
		return ctl_fail(EX_OSERR, "out of memory");
	for (i = 0; i < nr; i++) {
		ret = target_find(ctl, names[i], &targets->devs[targets->nr]);
		if (ret)
			status = ret;
		else
			targets->nr++;
	}
	return status;
}

void target_free(struct targets *targets)
{
	free(targets->devs);
}
