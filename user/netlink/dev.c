// SPDX-License-Identifier: GPL-2.0
/* Ask the kernel for devices, and read them from messages. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "dev.h"
#include "uuid.h"

static void get_string(struct nlattr *attr, char *text, size_t size)
{
	text[0] = '\0';
	if (attr)
		nla_strlcpy(text, attr, size);
}

static void parse_counters(struct nlattr *nest, struct vnl_dev *dev)
{
	struct nlattr *attrs[VUSER_A_COUNTERS_MAX + 1];
	int i;

	if (!nest || nla_parse_nested(attrs, VUSER_A_COUNTERS_MAX, nest, NULL))
		return;
	for (i = 0; i < VNL_NR_COUNTERS; i++)
		vnl_msg_u64(attrs[i + 1], &dev->counters[i]);
}

static int parse_region(struct nlattr *nest, struct vnl_dev *dev)
{
	struct nlattr *attrs[VUSER_A_REGION_MAX + 1];
	struct vnl_region *region;
	uint32_t index = UINT32_MAX;

	if (nla_parse_nested(attrs, VUSER_A_REGION_MAX, nest, NULL))
		return -EBADMSG;
	vnl_msg_u32(attrs[VUSER_A_REGION_INDEX], &index);
	if (index >= VNL_MAX_REGIONS)
		return -EBADMSG;
	region = &dev->regions[index];
	vnl_msg_u64(attrs[VUSER_A_REGION_SIZE], &region->size);
	vnl_msg_u32(attrs[VUSER_A_REGION_FLAGS], &region->flags);
	vnl_msg_u32(attrs[VUSER_A_REGION_TYPE], &region->type);
	vnl_msg_u32(attrs[VUSER_A_REGION_SUBTYPE], &region->subtype);
	region->has_type = attrs[VUSER_A_REGION_TYPE];
	region->posted = attrs[VUSER_A_REGION_POSTED];
	if (index >= dev->nr_regions)
		dev->nr_regions = index + 1;
	return 0;
}

static int parse_irq(struct nlattr *nest, struct vnl_dev *dev)
{
	struct nlattr *attrs[VUSER_A_IRQ_MAX + 1];
	uint32_t index = UINT32_MAX;

	if (nla_parse_nested(attrs, VUSER_A_IRQ_MAX, nest, NULL))
		return -EBADMSG;
	vnl_msg_u32(attrs[VUSER_A_IRQ_INDEX], &index);
	if (index >= VNL_MAX_IRQS)
		return -EBADMSG;
	vnl_msg_u32(attrs[VUSER_A_IRQ_FLAGS], &dev->irqs[index].flags);
	vnl_msg_u32(attrs[VUSER_A_IRQ_COUNT], &dev->irqs[index].count);
	if (index >= dev->nr_irqs)
		dev->nr_irqs = index + 1;
	return 0;
}

/* A kernel with more buckets splits what is the last bucket here. */
static void parse_buckets(struct nlattr *attr, struct vnl_histogram *histogram)
{
	const char *pos = nla_data(attr);
	int i, bucket, nr = nla_len(attr) / sizeof(uint64_t);
	uint64_t value;

	for (i = 0; i < nr; i++, pos += sizeof(value)) {
		memcpy(&value, pos, sizeof(value));
		bucket = i < VUSER_LATENCY_BUCKETS ? i :
						     VUSER_LATENCY_BUCKETS - 1;
		histogram->nr[bucket] += value;
	}
}

/* A newer kernel may have histograms of commands that this program does not know. */
static int parse_latency(struct nlattr *nest, struct vnl_dev *dev)
{
	struct nlattr *attrs[VUSER_A_LATENCY_MAX + 1];
	uint32_t command;
	int index;

	if (nla_parse_nested(attrs, VUSER_A_LATENCY_MAX, nest, NULL) ||
	    vnl_msg_u32(attrs[VUSER_A_LATENCY_COMMAND], &command) ||
	    !attrs[VUSER_A_LATENCY_BUCKETS])
		return -EBADMSG;
	index = vnl_name_latency_index(command);
	if (index >= 0)
		parse_buckets(attrs[VUSER_A_LATENCY_BUCKETS],
			      &dev->latency[index]);
	return 0;
}

/* Read the attributes that a message may contain several times. */
static int parse_multi(const struct vnl_msg *msg, struct vnl_dev *dev)
{
	struct nlattr *attr;
	int rem, ret = 0;

	attr = genlmsg_attrdata(genlmsg_hdr(msg->hdr), 0);
	rem = genlmsg_attrlen(genlmsg_hdr(msg->hdr), 0);
	for (; !ret && nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		if (nla_type(attr) == VUSER_A_DEV_REGION)
			ret = parse_region(attr, dev);
		else if (nla_type(attr) == VUSER_A_DEV_IRQ)
			ret = parse_irq(attr, dev);
		else if (nla_type(attr) == VUSER_A_DEV_LATENCY)
			ret = parse_latency(attr, dev);
	}
	return ret;
}

static void parse_config(struct nlattr *attr, struct vnl_dev *dev)
{
	if (!attr || nla_len(attr) > VUSER_CONFIG_MAX)
		return;
	dev->config_size = nla_len(attr);
	memcpy(dev->config, nla_data(attr), dev->config_size);
}

static void parse_settings(struct nlattr **attrs, struct vnl_dev *dev)
{
	vnl_msg_u32(attrs[VUSER_A_DEV_REQUEST_TIMEOUT_MS],
		    &dev->request_timeout_ms);
	vnl_msg_u32(attrs[VUSER_A_DEV_CLOSE_TIMEOUT_MS],
		    &dev->close_timeout_ms);
	vnl_msg_u32(attrs[VUSER_A_DEV_MMAP], &dev->mmap);
	vnl_msg_u32(attrs[VUSER_A_DEV_MAX_DMA_MAPS], &dev->max_dma_maps);
	vnl_msg_u32(attrs[VUSER_A_DEV_RESET], &dev->reset);
	vnl_msg_u32(attrs[VUSER_A_DEV_PCI_SETUP], &dev->pci_setup);
	vnl_msg_u32(attrs[VUSER_A_DEV_DMA_BACKING], &dev->dma_backing);
	vnl_msg_u32(attrs[VUSER_A_DEV_DMA_HOLES], &dev->dma_holes);
	dev->server_user = VUSER_SERVER_USER_ANY;
	vnl_msg_u32(attrs[VUSER_A_DEV_SERVER_USER], &dev->server_user);
	vnl_msg_u32(attrs[VUSER_A_DEV_ON_LOSS], &dev->on_loss);
	vnl_msg_u32(attrs[VUSER_A_DEV_RECONNECT_TIMEOUT_MS],
		    &dev->reconnect_timeout_ms);
	vnl_msg_u32(attrs[VUSER_A_DEV_STATE_KEPT], &dev->state_kept);
}

static void parse_server(struct nlattr **attrs, struct vnl_dev *dev)
{
	dev->has_server = attrs[VUSER_A_DEV_SERVER_UID];
	vnl_msg_u32(attrs[VUSER_A_DEV_SERVER_PID], &dev->server_pid);
	vnl_msg_u32(attrs[VUSER_A_DEV_SERVER_UID], &dev->server_uid);
	vnl_msg_u32(attrs[VUSER_A_DEV_SERVER_GID], &dev->server_gid);
	dev->attached = attrs[VUSER_A_DEV_MINOR];
	vnl_msg_u32(attrs[VUSER_A_DEV_MINOR], &dev->minor);
	vnl_msg_u32(attrs[VUSER_A_DEV_MAX_MSG_FDS], &dev->max_msg_fds);
	vnl_msg_u32(attrs[VUSER_A_DEV_MAX_DATA_XFER_SIZE],
		    &dev->max_data_xfer_size);
	vnl_msg_u32(attrs[VUSER_A_DEV_SERVER_MAX_DMA_MAPS],
		    &dev->server_max_dma_maps);
	dev->whole = attrs[VUSER_A_DEV_FLAGS];
	vnl_msg_u32(attrs[VUSER_A_DEV_FLAGS], &dev->flags);
	parse_config(attrs[VUSER_A_DEV_CONFIG], dev);
}

static void parse_replace(struct nlattr **attrs, struct vnl_dev *dev)
{
	vnl_msg_u32(attrs[VUSER_A_DEV_REPLACING], &dev->replacing);
	get_string(attrs[VUSER_A_DEV_REPLACEMENT], dev->replacement,
		   sizeof(dev->replacement));
	get_string(attrs[VUSER_A_DEV_REPLACE_ERROR], dev->replace_error,
		   sizeof(dev->replace_error));
	vnl_msg_u64(attrs[VUSER_A_DEV_REPLACE_PAUSE_US],
		    &dev->replace_pause_us);
}

int vnl_dev_parse(const struct vnl_msg *msg, struct vnl_dev *dev)
{
	struct nlattr *attrs[VUSER_A_DEV_MAX + 1];
	int ret;

	ret = vnl_msg_parse(msg, attrs, VUSER_A_DEV_MAX);
	if (ret)
		return ret;
	if (!attrs[VUSER_A_DEV_ID] || !attrs[VUSER_A_DEV_UUID] ||
	    nla_len(attrs[VUSER_A_DEV_UUID]) != VUSER_UUID_LEN)
		return -EBADMSG;

	memset(dev, 0, sizeof(*dev));
	vnl_msg_u32(attrs[VUSER_A_DEV_ID], &dev->id);
	vnl_uuid_format(nla_data(attrs[VUSER_A_DEV_UUID]), dev->uuid);
	vnl_msg_u32(attrs[VUSER_A_DEV_STATE], &dev->state);
	get_string(attrs[VUSER_A_DEV_PCI_ADDRESS], dev->pci_address,
		   sizeof(dev->pci_address));
	vnl_msg_u32(attrs[VUSER_A_DEV_GROUP], &dev->group);
	dev->full = attrs[VUSER_A_DEV_ENDPOINT];
	get_string(attrs[VUSER_A_DEV_ENDPOINT], dev->endpoint,
		   sizeof(dev->endpoint));
	get_string(attrs[VUSER_A_DEV_ERROR], dev->error, sizeof(dev->error));
	parse_replace(attrs, dev);
	vnl_msg_u32(attrs[VUSER_A_DEV_OWNER], &dev->owner);
	vnl_msg_u32(attrs[VUSER_A_DEV_DMA_REGIONS], &dev->dma_regions);
	parse_settings(attrs, dev);
	parse_counters(attrs[VUSER_A_DEV_COUNTERS], dev);
	parse_server(attrs, dev);
	return parse_multi(msg, dev);
}

static int take_dev(void *data, const struct vnl_msg *msg)
{
	return vnl_dev_parse(msg, data);
}

/* A successful reply must contain a device. */
static int get_dev(struct vnl_sock *nl, struct nl_msg *msg, struct vnl_dev *dev)
{
	int ret;

	dev->uuid[0] = '\0';
	ret = vnl_sock_call(nl, msg, take_dev, dev);
	return !ret && !dev->uuid[0] ? -EBADMSG : ret;
}

int vnl_dev_get(struct vnl_sock *nl, uint32_t id, struct vnl_dev *dev)
{
	struct nl_msg *msg = vnl_sock_request(nl, VUSER_CMD_DEV_GET, 0, 0);
	int ret;

	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, VUSER_A_DEV_ID, id);
	ret = get_dev(nl, msg, dev);
	return !ret && dev->id != id ? -EBADMSG : ret;
}

int vnl_dev_get_uuid(struct vnl_sock *nl, const char *uuid, struct vnl_dev *dev)
{
	uint8_t bytes[VUSER_UUID_LEN];
	struct nl_msg *msg;

	if (vnl_uuid_parse(uuid, bytes))
		return -EINVAL;
	msg = vnl_sock_request(nl, VUSER_CMD_DEV_GET, 0, 0);
	if (!msg)
		return -ENOMEM;
	nla_put(msg, VUSER_A_DEV_UUID, sizeof(bytes), bytes);
	return get_dev(nl, msg, dev);
}

struct dump {
	vnl_dev_fn fn;
	void *data;
	bool ended;
};

static int take_dump(void *data, const struct vnl_msg *msg)
{
	struct dump *dump = data;
	struct vnl_dev dev;
	int ret;

	if (dump->ended)
		return 0;
	ret = vnl_dev_parse(msg, &dev);
	if (!ret)
		dump->ended = dump->fn(dump->data, &dev);
	return ret;
}

int vnl_dev_dump(struct vnl_sock *nl, vnl_dev_fn fn, void *data)
{
	struct dump dump = { .fn = fn, .data = data };
	struct nl_msg *msg;

	msg = vnl_sock_request(nl, VUSER_CMD_DEV_GET, NLM_F_DUMP, 0);
	if (!msg)
		return -ENOMEM;
	return vnl_sock_call(nl, msg, take_dump, &dump);
}
