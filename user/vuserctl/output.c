// SPDX-License-Identifier: GPL-2.0
/* Output of devices, as text and as JSON. */
#include <linux/vfio.h>
#include <stdio.h>

#include "output.h"

static void add_int(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

static void add_string(struct json_object *object, const char *key,
		       const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

struct json_object *output_counters_json(const struct vnl_dev *dev)
{
	struct json_object *object = json_object_new_object();
	unsigned int i;

	for (i = 0; i < VNL_NR_COUNTERS; i++)
		add_int(object, vnl_name_counter(i), dev->counters[i]);
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
		add_int(object, "index", i);
		add_int(object, "size", region->size);
		add_int(object, "flags", region->flags);
		if (region->has_type) {
			add_int(object, "type", region->type);
			add_int(object, "subtype", region->subtype);
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
		add_int(object, "index", i);
		add_int(object, "flags", dev->irqs[i].flags);
		add_int(object, "count", dev->irqs[i].count);
		json_object_array_add(array, object);
	}
	return array;
}

static void add_settings(struct json_object *object, const struct vnl_dev *dev)
{
	add_int(object, "request-timeout-ms", dev->request_timeout_ms);
	add_int(object, "close-timeout-ms", dev->close_timeout_ms);
	add_string(object, "mmap", vnl_name_mmap(dev->mmap));
	add_int(object, "max-dma-maps", dev->max_dma_maps);
	add_string(object, "reset", vnl_name_reset(dev->reset));
	add_string(object, "pci-setup", vnl_name_pci_setup(dev->pci_setup));
	add_string(object, "dma-backing",
		   vnl_name_dma_backing(dev->dma_backing));
	add_string(object, "dma-holes", vnl_name_dma_holes(dev->dma_holes));
	if (dev->server_user == VUSER_SERVER_USER_ANY)
		add_string(object, "server-user", "any");
	else
		add_int(object, "server-user", dev->server_user);
	add_string(object, "on-loss", vnl_name_on_loss(dev->on_loss));
	add_int(object, "reconnect-timeout-ms", dev->reconnect_timeout_ms);
	add_string(object, "state-kept", vnl_name_state_kept(dev->state_kept));
}

static void add_server(struct json_object *object, const struct vnl_dev *dev)
{
	if (dev->has_server) {
		add_int(object, "server-pid", dev->server_pid);
		add_int(object, "server-uid", dev->server_uid);
		add_int(object, "server-gid", dev->server_gid);
	}
	if (dev->attached) {
		add_int(object, "minor", dev->minor);
		add_int(object, "max-msg-fds", dev->max_msg_fds);
		add_int(object, "max-data-xfer-size", dev->max_data_xfer_size);
		add_int(object, "server-max-dma-maps",
			dev->server_max_dma_maps);
	}
	if (dev->whole) {
		add_int(object, "flags", dev->flags);
		json_object_object_add(object, "region", regions_json(dev));
		json_object_object_add(object, "irq", irqs_json(dev));
	}
}

struct json_object *output_dev_json(const struct vnl_dev *dev)
{
	struct json_object *object = json_object_new_object();

	add_int(object, "id", dev->id);
	add_string(object, "uuid", dev->uuid);
	add_string(object, "state", vnl_name_state(dev->state));
	add_string(object, "pci-address", dev->pci_address);
	add_int(object, "group", dev->group);
	if (dev->full)
		add_string(object, "endpoint", dev->endpoint);
	if (dev->error[0])
		add_string(object, "error", dev->error);
	add_int(object, "owner", dev->owner);
	add_settings(object, dev);
	add_int(object, "dma-regions", dev->dma_regions);
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

void output_row_head(void)
{
	printf("%-36s  %-8s  %-12s  %5s  %s\n", "UUID", "STATE", "PCI ADDRESS",
	       "GROUP", "ENDPOINT");
}

void output_row(const struct vnl_dev *dev)
{
	printf("%-36s  %-8s  %-12s  %5u  %s\n", dev->uuid,
	       vnl_name_state(dev->state), dev->pci_address, dev->group,
	       output_endpoint(dev));
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
	static const char *const names[] = {
		[VFIO_PCI_INTX_IRQ_INDEX] = "INTx",
		[VFIO_PCI_MSI_IRQ_INDEX] = "MSI",
		[VFIO_PCI_MSIX_IRQ_INDEX] = "MSI-X",
		[VFIO_PCI_ERR_IRQ_INDEX] = "ERR",
		[VFIO_PCI_REQ_IRQ_INDEX] = "REQ",
	};
	uint32_t i;

	for (i = 0; i < dev->nr_irqs; i++)
		if (dev->irqs[i].count)
			printf("irq %u: %s, %u vectors\n", i,
			       i < sizeof(names) / sizeof(names[0]) ? names[i] :
								      "?",
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
