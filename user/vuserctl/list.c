// SPDX-License-Identifier: GPL-2.0
/* vuserctl list: list all devices. */
#include <stdlib.h>

#include "commands.h"
#include "output.h"

static int add_json(void *data, const struct vnl_dev *dev)
{
	json_object_array_add(data, output_dev_json(dev));
	return 0;
}

static int print_row(void *data, const struct vnl_dev *dev)
{
	bool *any = data;

	if (!*any)
		output_row_head();
	*any = true;
	output_row(dev);
	return 0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct json_object *array;
	bool any = false;
	int ret;

	(void)argv;
	if (argc != 1)
		return ctl_usage(&cmd_list);
	if (ctl_connect(ctl))
		return EXIT_FAILURE;
	if (ctl->json) {
		array = json_object_new_array();
		ret = vnl_dev_dump(&ctl->nl, add_json, array);
		if (ret)
			json_object_put(array);
		else
			output_json(array, true);
	} else {
		ret = vnl_dev_dump(&ctl->nl, print_row, &any);
	}
	if (ret)
		return ctl_complain("cannot list the devices: %s",
				    vnl_sock_error(&ctl->nl, ret));
	return EXIT_SUCCESS;
}

const struct command cmd_list = {
	.name = "list",
	.args = "",
	.what = "list all devices",
	.run = run,
};
