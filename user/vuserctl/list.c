// SPDX-License-Identifier: GPL-2.0
/* vuserctl list: list all devices. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "output.h"
#include "table.h"

enum {
	OPT_STATE = 512,
	OPT_NO_HEADERS,
};

static const struct opt options[] = {
	{ "state", OPT_STATE, "STATE", false,
	  "list only devices in this state; several states are separated by commas" },
	{ "no-headers", OPT_NO_HEADERS, NULL, false,
	  "do not print the titles of the columns" },
	{},
};

static const struct table_column columns[] = {
	{ .title = "UUID" },	    { .title = "STATE" },
	{ .title = "PCI ADDRESS" }, { .title = "GROUP", .right = true },
	{ .title = "ENDPOINT" },    { .title = "REASON", .cut = true },
};

/**
 * struct list - a run of this command
 * @states: a bit for each state that is listed, 0: all states
 * @no_headers: print no titles
 * @table: the table, unless JSON is printed
 * @array: the JSON, or NULL
 */
struct list {
	uint32_t states;
	bool no_headers;
	struct libscols_table *table;
	struct json_object *array;
};

/* Add the states of a list that is separated by commas; 0 or an exit status. */
static int parse_states(const char *arg, uint32_t *states)
{
	char words[128] = "";
	size_t len;
	int i;

	for (; *arg; arg += len + (arg[len] == ',')) {
		len = strcspn(arg, ",");
		for (i = 0; i <= VUSER_STATE_MAX; i++)
			if (strlen(vnl_name_state(i)) == len &&
			    !strncmp(vnl_name_state(i), arg, len))
				break;
		if (i > VUSER_STATE_MAX)
			break;
		*states |= 1U << i;
	}
	if (!*arg && *states)
		return 0;
	for (i = 0; i <= VUSER_STATE_MAX; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words),
			 "%s%s", i ? ", " : "", vnl_name_state(i));
	return ctl_fail(EX_USAGE, "--state: '%s' is not one of %s", arg, words);
}

static int print_row(struct list *list, const struct vnl_dev *dev)
{
	const char *reason = output_reason(dev);
	char group[16];
	const char *const cells[] = {
		dev->uuid, vnl_name_state(dev->state), dev->pci_address,
		group,	   output_endpoint(dev),       reason ?: "-",
	};
	int ret;

	snprintf(group, sizeof(group), "%u", dev->group);
	ret = table_add(list->table, cells);
	if (!ret)
		table_colour(list->table, 1, output_state_colour(dev));
	return ret;
}

static int take(void *data, const struct vnl_dev *dev)
{
	struct list *list = data;

	if (list->states && (dev->state > VUSER_STATE_MAX ||
			     !(list->states & 1U << dev->state)))
		return 0;
	if (list->array)
		return json_object_array_add(list->array, output_dev_json(dev));
	return print_row(list, dev);
}

static int parse(struct list *list, int argc, char **argv)
{
	struct option_parser parser;
	int key, status;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key == OPT_STATE) {
			status = parse_states(optarg, &list->states);
			if (status)
				return status;
		} else if (key == OPT_NO_HEADERS) {
			list->no_headers = true;
		} else {
			return ctl_usage(&cmd_list);
		}
	}
	return optind == argc ? 0 : ctl_usage(&cmd_list);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct list list = {};
	int ret, status;

	status = parse(&list, argc, argv);
	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	if (ctl->json)
		list.array = json_object_new_array();
	else
		list.table = table_new(columns,
				       sizeof(columns) / sizeof(columns[0]),
				       !list.no_headers);
	if (!list.array && !list.table)
		return ctl_fail(EX_OSERR, "out of memory");
	ret = vnl_dev_dump(&ctl->nl, take, &list);
	if (list.array)
		output_json(list.array, true);
	else
		table_print(list.table);
	if (ret)
		return ctl_fail(exit_status(ret), "cannot list the devices: %s",
				vnl_sock_error(&ctl->nl, ret));
	return EX_OK;
}

const struct command cmd_list = {
	.name = "list",
	.operands = "",
	.options = options,
	.what = "list all devices, and why a device cannot be used",
	.run = run,
};
