// SPDX-License-Identifier: GPL-2.0
/* Output of devices, as text and as JSON. */
#include <linux/vfio.h>
#include <pwd.h>
#include <stdio.h>

#include "output.h"
#include "target.h"

/* The name of a bit. */
struct flag {
	uint32_t bit;
	const char *name;
};

static const struct flag device_flags[] = {
	{ VFIO_DEVICE_FLAGS_RESET, "reset" },
	{ VFIO_DEVICE_FLAGS_PCI, "pci" },
	{},
};

static const struct flag region_flags[] = {
	{ VFIO_REGION_INFO_FLAG_READ, "read" },
	{ VFIO_REGION_INFO_FLAG_WRITE, "write" },
	{ VFIO_REGION_INFO_FLAG_MMAP, "mmap" },
	{ VFIO_REGION_INFO_FLAG_CAPS, "caps" },
	{},
};

static const struct flag irq_flags[] = {
	{ VFIO_IRQ_INFO_EVENTFD, "eventfd" },
	{ VFIO_IRQ_INFO_MASKABLE, "maskable" },
	{ VFIO_IRQ_INFO_AUTOMASKED, "automasked" },
	{ VFIO_IRQ_INFO_NORESIZE, "noresize" },
	{},
};

static const char *const region_names[] = {
	[VFIO_PCI_BAR0_REGION_INDEX] = "bar0",
	[VFIO_PCI_BAR1_REGION_INDEX] = "bar1",
	[VFIO_PCI_BAR2_REGION_INDEX] = "bar2",
	[VFIO_PCI_BAR3_REGION_INDEX] = "bar3",
	[VFIO_PCI_BAR4_REGION_INDEX] = "bar4",
	[VFIO_PCI_BAR5_REGION_INDEX] = "bar5",
	[VFIO_PCI_ROM_REGION_INDEX] = "rom",
	[VFIO_PCI_CONFIG_REGION_INDEX] = "config",
	[VFIO_PCI_VGA_REGION_INDEX] = "vga",
};

static const char *const irq_names[] = {
	[VFIO_PCI_INTX_IRQ_INDEX] = "INTx",  [VFIO_PCI_MSI_IRQ_INDEX] = "MSI",
	[VFIO_PCI_MSIX_IRQ_INDEX] = "MSI-X", [VFIO_PCI_ERR_IRQ_INDEX] = "ERR",
	[VFIO_PCI_REQ_IRQ_INDEX] = "REQ",
};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* The name of an index; a device may have indexes beyond those of VFIO. */
static const char *index_name(const char *const *names, size_t nr,
			      uint32_t index)
{
	return index < nr ? names[index] : "device-specific";
}

void output_add_int(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

void output_add_string(struct json_object *object, const char *key,
		       const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

/* Add flags as a number and as an array of names. */
static void add_flags(struct json_object *object, uint32_t flags,
		      const struct flag *names)
{
	struct json_object *array = json_object_new_array();

	for (; names->name; names++)
		if (flags & names->bit)
			json_object_array_add(
				array, json_object_new_string(names->name));
	output_add_int(object, "flags", flags);
	json_object_object_add(object, "flag-names", array);
}

struct json_object *output_counters_json(const struct vnl_dev *dev)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		output_add_int(object, vnl_name_counter(i), dev->counters[i]);
	return object;
}

struct json_object *output_rates_json(const double rates[VNL_NR_COUNTERS])
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		json_object_object_add(object, vnl_name_counter(i),
				       json_object_new_double(rates[i]));
	return object;
}

static struct json_object *regions_json(const struct vnl_dev *dev)
{
	struct json_object *array = json_object_new_array();
	struct json_object *object;
	uint32_t i;

	for (i = 0; i < dev->nr_regions; i++) {
		const struct vnl_region *region = &dev->regions[i];

		if (!region->size)
			continue;
		object = json_object_new_object();
		output_add_int(object, "index", i);
		output_add_string(object, "name",
				  index_name(region_names, NR(region_names),
					     i));
		output_add_int(object, "size", region->size);
		add_flags(object, region->flags, region_flags);
		if (region->has_type) {
			output_add_int(object, "type", region->type);
			output_add_int(object, "subtype", region->subtype);
		}
		json_object_object_add(object, "posted",
				       json_object_new_boolean(region->posted));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *irqs_json(const struct vnl_dev *dev)
{
	struct json_object *array = json_object_new_array();
	struct json_object *object;
	uint32_t i;

	for (i = 0; i < dev->nr_irqs; i++) {
		if (!dev->irqs[i].count)
			continue;
		object = json_object_new_object();
		output_add_int(object, "index", i);
		output_add_string(object, "name",
				  index_name(irq_names, NR(irq_names), i));
		add_flags(object, dev->irqs[i].flags, irq_flags);
		output_add_int(object, "count", dev->irqs[i].count);
		json_object_array_add(array, object);
	}
	return array;
}

/* Add the name of a user, if the host knows the user. */
static void add_user_name(struct json_object *object, const char *key,
			  uint32_t uid)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		output_add_string(object, key, entry->pw_name);
}

static void add_settings(struct json_object *object, const struct vnl_dev *dev)
{
	output_add_int(object, "request-timeout-ms", dev->request_timeout_ms);
	output_add_int(object, "close-timeout-ms", dev->close_timeout_ms);
	output_add_string(object, "mmap", vnl_name_mmap(dev->mmap));
	output_add_int(object, "max-dma-maps", dev->max_dma_maps);
	output_add_string(object, "reset", vnl_name_reset(dev->reset));
	output_add_string(object, "pci-setup",
			  vnl_name_pci_setup(dev->pci_setup));
	output_add_string(object, "dma-backing",
			  vnl_name_dma_backing(dev->dma_backing));
	output_add_string(object, "dma-holes",
			  vnl_name_dma_holes(dev->dma_holes));
	if (dev->server_user == VUSER_SERVER_USER_ANY)
		output_add_string(object, "server-user", "any");
	else
		output_add_int(object, "server-user", dev->server_user);
	if (dev->server_user != VUSER_SERVER_USER_ANY)
		add_user_name(object, "server-user-name", dev->server_user);
	output_add_string(object, "on-loss", vnl_name_on_loss(dev->on_loss));
	output_add_int(object, "reconnect-timeout-ms",
		       dev->reconnect_timeout_ms);
	output_add_string(object, "state-kept",
			  vnl_name_state_kept(dev->state_kept));
}

static void add_server(struct json_object *object, const struct vnl_dev *dev)
{
	if (dev->has_server) {
		output_add_int(object, "server-pid", dev->server_pid);
		output_add_int(object, "server-uid", dev->server_uid);
		add_user_name(object, "server-uid-name", dev->server_uid);
		output_add_int(object, "server-gid", dev->server_gid);
	}
	if (dev->attached) {
		output_add_int(object, "minor", dev->minor);
		output_add_int(object, "max-msg-fds", dev->max_msg_fds);
		output_add_int(object, "max-data-xfer-size",
			       dev->max_data_xfer_size);
		output_add_int(object, "server-max-dma-maps",
			       dev->server_max_dma_maps);
	}
	if (dev->whole) {
		add_flags(object, dev->flags, device_flags);
		json_object_object_add(object, "region", regions_json(dev));
		json_object_object_add(object, "irq", irqs_json(dev));
	}
}

/* Only a reply to a caller with CAP_SYS_ADMIN has these. */
static void add_replace(struct json_object *object, const struct vnl_dev *dev)
{
	output_add_string(object, "replacing",
			  vnl_name_replacing(dev->replacing));
	if (dev->replacement[0])
		output_add_string(object, "replacement", dev->replacement);
	if (dev->replace_error[0])
		output_add_string(object, "replace-error", dev->replace_error);
	if (dev->replacing == VUSER_REPLACING_DONE)
		output_add_int(object, "replace-pause-us",
			       dev->replace_pause_us);
}

struct json_object *output_dev_json(const struct vnl_dev *dev)
{
	struct json_object *object = json_object_new_object();

	output_add_int(object, "id", dev->id);
	output_add_string(object, "uuid", dev->uuid);
	output_add_string(object, "state", vnl_name_state(dev->state));
	output_add_int(object, "state-number", dev->state);
	output_add_string(object, "pci-address", dev->pci_address);
	output_add_int(object, "group", dev->group);
	if (dev->full)
		output_add_string(object, "endpoint", dev->endpoint);
	if (dev->error[0])
		output_add_string(object, "error", dev->error);
	if (output_reason(dev))
		output_add_string(object, "reason", output_reason(dev));
	output_add_int(object, "owner", dev->owner);
	add_settings(object, dev);
	if (dev->full)
		add_replace(object, dev);
	output_add_int(object, "dma-regions", dev->dma_regions);
	add_server(object, dev);
	json_object_object_add(object, "counters", output_counters_json(dev));
	return object;
}

const char *output_endpoint(const struct vnl_dev *dev)
{
	if (!dev->full)
		return "(run as root to see it)";
	return dev->endpoint[0] ? dev->endpoint : "-";
}

const char *output_reason(const struct vnl_dev *dev)
{
	if (dev->state == VUSER_STATE_ATTACHED ||
	    dev->state == VUSER_STATE_OPEN)
		return NULL;
	if (dev->error[0])
		return dev->error;
	if (dev->state == VUSER_STATE_LOST)
		return "the server is gone: start it again, or close the device in the program";
	if (dev->state == VUSER_STATE_RESUMING)
		return "another server is attached: with on-loss=fail, reset the device in the program, otherwise wait";
	if (!dev->owner)
		return "vuserd is not running: start vuserd";
	if (dev->full && !dev->endpoint[0])
		return "there is no endpoint: give one with vuserctl set --endpoint";
	if (!dev->full)
		return "run vuserctl as root to see it";
	return "see the log of vuserd";
}

const char *output_state_colour(const struct vnl_dev *dev)
{
	switch (dev->state) {
	case VUSER_STATE_ATTACHED:
	case VUSER_STATE_OPEN:
		return "green";
	case VUSER_STATE_CREATED:
	case VUSER_STATE_RESUMING:
		return "brown";
	default:
		return "red";
	}
}

static void print_regions(const struct vnl_dev *dev)
{
	uint32_t i;

	for (i = 0; i < dev->nr_regions; i++) {
		const struct vnl_region *region = &dev->regions[i];

		if (!region->size)
			continue;
		printf("region %u: 0x%llx bytes, %s%s%s%s\n", i,
		       (unsigned long long)region->size,
		       region->flags & VFIO_REGION_INFO_FLAG_READ ? "r" : "-",
		       region->flags & VFIO_REGION_INFO_FLAG_WRITE ? "w" : "-",
		       region->flags & VFIO_REGION_INFO_FLAG_MMAP ? ", shared" :
								    "",
		       region->posted ? ", posted" : "");
	}
}

static void print_irqs(const struct vnl_dev *dev)
{
	uint32_t i;

	for (i = 0; i < dev->nr_irqs; i++)
		if (dev->irqs[i].count)
			printf("irq %u: %s, %u vectors\n", i,
			       index_name(irq_names, NR(irq_names), i),
			       dev->irqs[i].count);
}

static void print_server(const struct vnl_dev *dev)
{
	if (dev->has_server)
		printf("server: process %u, user %u, group %u\n",
		       dev->server_pid, dev->server_uid, dev->server_gid);
	if (!dev->attached)
		return;
	printf("version: 0.%u\n"
	       "max-msg-fds: %u\n"
	       "max-data-xfer-size: %u\n",
	       dev->minor, dev->max_msg_fds, dev->max_data_xfer_size);
	if (dev->server_max_dma_maps)
		printf("server-max-dma-maps: %u\n", dev->server_max_dma_maps);
	printf("dma-regions: %u\n", dev->dma_regions);
	print_regions(dev);
	print_irqs(dev);
}

static void print_settings(const struct vnl_dev *dev)
{
	printf("request-timeout-ms: %u\n"
	       "close-timeout-ms: %u\n"
	       "mmap: %s\n"
	       "max-dma-maps: %u\n"
	       "reset: %s\n"
	       "pci-setup: %s\n"
	       "dma-backing: %s\n"
	       "dma-holes: %s\n",
	       dev->request_timeout_ms, dev->close_timeout_ms,
	       vnl_name_mmap(dev->mmap), dev->max_dma_maps,
	       vnl_name_reset(dev->reset), vnl_name_pci_setup(dev->pci_setup),
	       vnl_name_dma_backing(dev->dma_backing),
	       vnl_name_dma_holes(dev->dma_holes));
	if (dev->server_user == VUSER_SERVER_USER_ANY)
		puts("server-user: any");
	else
		printf("server-user: %u\n", dev->server_user);
	printf("on-loss: %s\n"
	       "reconnect-timeout-ms: %u\n"
	       "state-kept: %s\n",
	       vnl_name_on_loss(dev->on_loss), dev->reconnect_timeout_ms,
	       vnl_name_state_kept(dev->state_kept));
}

static void print_replace(const struct vnl_dev *dev)
{
	if (dev->replacing == VUSER_REPLACING_NONE)
		return;
	printf("replacing: %s\n", vnl_name_replacing(dev->replacing));
	if (dev->replacement[0])
		printf("replacement: %s\n", dev->replacement);
	if (dev->replace_error[0])
		printf("replace-error: %s\n", dev->replace_error);
	if (dev->replacing == VUSER_REPLACING_DONE)
		printf("replace-pause-us: %llu\n",
		       (unsigned long long)dev->replace_pause_us);
}

void output_dev(const struct vnl_dev *dev)
{
	printf("uuid: %s\n"
	       "state: %s\n"
	       "pci-address: %s\n"
	       "group: %u (/dev/vfio/%u)\n"
	       "endpoint: %s\n",
	       dev->uuid, vnl_name_state(dev->state), dev->pci_address,
	       dev->group, dev->group,
	       dev->full ? dev->endpoint : output_endpoint(dev));
	if (dev->error[0])
		printf("error: %s\n", dev->error);
	if (dev->owner)
		printf("owner: %u\n", dev->owner);
	else
		puts("owner: none, start vuserd");
	print_settings(dev);
	print_replace(dev);
	print_server(dev);
}

void output_json(struct json_object *object, bool pretty)
{
	puts(json_object_to_json_string_ext(
		object, pretty ? JSON_C_TO_STRING_PRETTY |
					 JSON_C_TO_STRING_NOSLASHESCAPE :
				 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

void output_array(struct json_object *array, bool single)
{
	if (single && json_object_array_length(array)) {
		output_json(
			json_object_get(json_object_array_get_idx(array, 0)),
			true);
		json_object_put(array);
		return;
	}
	output_json(array, true);
}

void output_targets_json(const struct targets *targets,
			 struct json_object *(*json)(const struct vnl_dev *dev))
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < targets->nr; i++)
		json_object_array_add(array, json(&targets->devs[i]));
	output_array(array, targets->single);
}
