// SPDX-License-Identifier: GPL-2.0
/* Find the device that the user names. */
#include <errno.h>
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
		return ctl_complain(
			"there is no device %s: list the devices with vuserctl list, or create one with vuserctl create",
			name);
	if (ret)
		return ctl_complain("%s: %s", name,
				    vnl_sock_error(&ctl->nl, ret));
	return 0;
}
